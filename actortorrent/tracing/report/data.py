"""What the page shows of a trace, as JSON: its events in columns, and what follows from them.

The trace is read twice and never held whole: once to count, so that it is known how much
has to be folded (`folding.py`), and once to take what is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from typing import Any

from actortorrent.tracing.events import Event
from actortorrent.tracing.report.choke_table import ChokeTable
from actortorrent.tracing.report.event_table import EventTable
from actortorrent.tracing.report.findings import Findings
from actortorrent.tracing.report.folding import Folding
from actortorrent.tracing.report.kinds import group_of, kind_of
from actortorrent.tracing.report.missing import Missing
from actortorrent.tracing.report.peers import Peers
from actortorrent.tracing.report.piece_lives import PieceLives
from actortorrent.tracing.report.sources import Source
from actortorrent.tracing.report.tallies import Tallies

FORMAT = 1
MOST_EVENTS = 60_000  # that a report shows each; more are folded


def report_data(source: Source, most_events: int = MOST_EVENTS) -> dict[str, Any]:
    """Return what a report of a trace shows.

    Args:
        source: the trace.
        most_events: how many events are kept; of more, repeats are folded.
    """
    survey = _Survey(source)
    collector = _Collector(source, survey, Folding(survey.counts, most_events))
    for event in source.events():
        collector.take(event)
    return collector.to_json()


class _Survey:
    """Know what has to be known before events are taken."""

    def __init__(self, source: Source) -> None:
        self.class_of: dict[str, str] = {}
        self.counts: Counter[Hashable] = Counter()
        self.begin_ns = source.header.monotonic_ns
        for event in source.events():
            self.begin_ns = min(self.begin_ns, event.time_ns)
            self._learn_class(event)
            self.counts[group_of(event)] += 1

    def _learn_class(self, event: Event) -> None:
        kind = event.data.get("class")
        if event.name == "actor:spawned" and isinstance(kind, str):
            self.class_of[event.actor] = kind


class _Collector:
    """Show each event to all who make something of it."""

    def __init__(self, source: Source, survey: _Survey, folding: Folding) -> None:
        self._source = source
        self._class_of = survey.class_of
        self._folding = folding
        self._total = sum(survey.counts.values())
        self._end_micros = 0
        self._table = EventTable(survey.begin_ns, tuple(node.name for node in source.nodes))
        actor = self._table.actor
        self._peers = Peers(source.nodes, source.header.connections)
        self._pieces = PieceLives(source.header.piece_count, actor)
        self._chokes = ChokeTable(actor)
        self._tallies = Tallies(actor)
        self._missing = Missing(actor)
        self._findings = Findings(source.header)

    def take(self, event: Event) -> None:
        """Keep an event or fold it, and let all learn from it."""
        group = _, category, label = group_of(event)
        if self._folding.keeps(group):
            row = self._table.add(event, kind_of(event, self._class_of))
        else:
            row = self._table.fold(event, group)
        micros = self._table.time(event)
        self._end_micros = max(self._end_micros, micros)
        self._peers.see(event)
        self._pieces.see(event, row, micros)
        self._chokes.see(event, row, micros)
        self._tallies.see(event, category, label, micros)
        self._missing.see(event, row)
        self._findings.see(event)

    def to_json(self) -> dict[str, Any]:
        """Return all of it."""
        header = self._source.header
        followed = {
            "pieces": self._pieces.to_json(),
            "chokes": self._chokes.to_json(),
            "tallies": self._tallies.to_json(self._end_micros),
            "missing": self._missing.to_json(),
            "findings": self._findings.to_json(self._table.row_of),
        }
        peers = {self._table.actor(name): peer for name, peer in self._peers.to_json().items()}
        return {
            "format": FORMAT,
            "nodes": [node.to_json() for node in self._source.nodes],
            "torrent": {
                "info_hash": header.info_hash,
                "piece_count": header.piece_count,
                "piece_length": header.piece_length,
                "total_length": header.total_length,
            },
            "begun": header.wall_clock_time,
            "level": header.level,
            "versions": dict(header.versions),
            "remarks": list(self._source.remarks()),
            "total": self._total,
            "end": self._end_micros,
            **followed,
            "peers": [[number, *peer] for number, peer in peers.items()],
            **self._table.to_json(),
        }
