"""The events of a report, in columns: small as JSON, quick for the page to read.

An event is named by its row. Names of actors, kinds and explanations stand in tables of
their own, and columns hold their numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actortorrent.tracing.events import MESSAGE, Event
from actortorrent.tracing.explanations import explain
from actortorrent.tracing.filters import CONN_KEYS, pieces_of
from actortorrent.tracing.report.kinds import Group, Kind, words_of

NOTHING = -1
MAX_WORDS = 220  # characters of an event's sentence
MAX_SEEN_IDS = 4_000_000
_TOLD_ELSEWHERE = frozenset(["from", "to", "lc", "wait", "dur", "type"])


class EventTable:
    """Take events one after another, and number them.

    Args:
        begin_ns: the moment from which times are counted.
        node_names: of the clients, with which the names of actors begin if there are several.
    """

    def __init__(self, begin_ns: int, node_names: tuple[str, ...]) -> None:
        self._begin_ns = begin_ns
        self._node_names = {name: number for number, name in enumerate(node_names)}
        self._actors: dict[str, int] = {}
        self._kinds: dict[Kind, int] = {}
        self._row_of: dict[str, int] = {}
        self._last_of_group: dict[Group, int] = {}
        self._causes: list[str] = []
        self._columns: dict[str, list[Any]] = {
            key: [] for key in ("t", "a", "k", "f", "w", "d", "lc", "x", "data", "p", "c")
        }
        self._folded: dict[int, list[int]] = {}

    def __len__(self) -> int:
        return len(self._causes)

    def actor(self, name: str) -> int:
        """Return the number of an actor."""
        return self._actors.setdefault(name, len(self._actors))

    def row_of(self, event_id: str) -> int:
        """Return the row of an event, or of the one it was folded into; -1 if there is none."""
        return self._row_of.get(event_id, NOTHING)

    def time(self, event: Event) -> int:
        """Return when an event began, in microseconds since the trace did."""
        return round((event.time_ns - self._begin_ns) / 1000)

    def add(self, event: Event, kind: Kind) -> int:
        """Keep an event; return its row."""
        row = len(self._causes)
        data = event.data
        is_message = event.name == MESSAGE
        values = {
            "t": self.time(event),
            "a": self.actor(_text(data.get("to")) if is_message else event.actor),
            "k": self._kinds.setdefault(kind, len(self._kinds)),
            "f": self.actor(_text(data.get("from"))) if is_message else NOTHING,
            "w": _micros(data.get("wait")),
            "d": _micros(data.get("dur")),
            "lc": event.lc,
            "x": words_of(event)[:MAX_WORDS],
            "data": {key: data[key] for key in data if key not in _TOLD_ELSEWHERE},
            "p": sorted(pieces_of(event)),
            "c": _conns(data),
        }
        for key, column in self._columns.items():
            column.append(values[key])
        self._causes.append(event.cause)
        self._learn_id(event, row)
        self._last_of_group[event.actor, kind.category, kind.label] = row
        return row

    def fold(self, event: Event, group: Group) -> int:
        """Count an event to the one kept before it that it repeats; return that one's row."""
        row = self._last_of_group[group]
        folded = self._folded.setdefault(row, [1, 0])
        folded[0] += 1
        folded[1] = self.time(event)
        self._learn_id(event, row)
        return row

    def _learn_id(self, event: Event, row: int) -> None:
        if len(self._row_of) < MAX_SEEN_IDS:
            self._row_of[event.id] = row
            if event.name == MESSAGE:
                self._row_of.setdefault(_text(event.data.get("id")), row)

    def to_json(self) -> dict[str, Any]:
        """Return the columns, with each event's cause, and the tables they refer to."""
        causes = [self._row_of.get(cause, NOTHING) if cause else NOTHING for cause in self._causes]
        explained = {kind.explained: explain(kind.explained) for kind in self._kinds}
        return {
            "actors": [self._actor_json(name) for name in self._actors],
            "kinds": [list(kind) for kind in self._kinds],
            "explained": {key: one.to_json() for key, one in explained.items() if one},
            "events": {
                **self._columns,
                "cause": [NOTHING if cause == row else cause for row, cause in enumerate(causes)],
                "folded": [[row, *folded] for row, folded in self._folded.items()],
            },
        }

    def _actor_json(self, name: str) -> list[Any]:
        node, slash, rest = name.partition("/")
        if slash and node in self._node_names:
            return [self._node_names[node], rest, name]
        return [0, name, name]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "?"


def _micros(value: Any) -> int:
    return round(value / 1000) if isinstance(value, int) else 0


def _conns(data: Mapping[str, Any]) -> list[int]:
    """Return the connections that an event names at its top, or in its arguments."""
    args = data.get("args")
    named = [data, args] if isinstance(args, dict) else [data]
    found: set[int] = set()
    for values in named:
        for key in CONN_KEYS & values.keys():
            value = values[key]
            rows = value if isinstance(value, list) else [value]
            found.update(conn for conn in rows if isinstance(conn, int))
    return sorted(found)
