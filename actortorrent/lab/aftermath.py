"""After a lab: its traces put together, and what in them is worth looking at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from actortorrent.lab.highlights import Highlight, Highlights
from actortorrent.lab.swarm import Outcome
from actortorrent.tracing.merging import MergeReport, merge_traces, write_merge


@dataclass(frozen=True, slots=True)
class Aftermath:
    """Say what was made of the traces.

    Attributes:
        merged: the trace of all.
        event_count: events in it.
        report: how well the traces fitted together.
        highlights: things worth looking at, at most three, in the order they happened.
    """

    merged: Path
    event_count: int
    report: MergeReport
    highlights: tuple[Highlight, ...]


def look_back(outcome: Outcome) -> Aftermath:
    """Merge the traces of a lab, and choose what to look at."""
    merge = merge_traces(list(outcome.traces.values()), list(outcome.traces))
    count = write_merge(merge, outcome.places.merged)
    found = Highlights(merge.header.connections)
    found.read(merge.events())
    chosen = found.chosen(outcome.plan.scenario)
    return Aftermath(outcome.places.merged, count, merge.report, tuple(chosen))
