"""The first line of a trace: whose it is, and what its times and numbers refer to."""

from __future__ import annotations

import platform
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

from msgspec import Struct, field

from actortorrent.tracing.events import FILE_SCHEMA, json_line
from actortorrent.tracing.summaries import shorten
from actortorrent.version import VERSION

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_FILE_NAME = 255
_IN_URL = re.compile(r"^((?:https?|udp)://)(?:[^/@]*@)?([^/?#]*).*", re.IGNORECASE | re.DOTALL)
NODE_ID_BYTES = 4  # of the peer id's end, its random part: enough to tell nodes apart


class TraceHeader(Struct, frozen=True, kw_only=True):
    """Describe a trace.

    Attributes:
        node: a short name for this client among those of a swarm.
        peer_id: ours, in hexadecimal.
        info_hash: in hexadecimal.
        piece_count, piece_length, total_length: of the torrent, in pieces and bytes.
        seed: what the dice were seeded with, or None for chance.
        level: "piece", "block" or "payload".
        argv: the command line, without folders.
        versions: of what took part, by name.
        wall_clock_time: in ISO 8601, at the moment `monotonic_ns`.
        monotonic_ns: the clock of all events' times, when the trace began.
        flight_recorder: why one was written out; empty: a trace of the whole session.
        missing_events: how many the flight recorder had let go before its first.
        imported_from: the packet capture that it was made of; nothing where actors were traced.
        nodes: of a merged trace, whose traces it was made of; nothing in any other.
        connections: of a merged trace, those seen from both ends: node and number of the
            connection there, twice.
    """

    node: str
    peer_id: str
    info_hash: str
    piece_count: int
    piece_length: int
    total_length: int
    seed: int | None = None
    level: str = "piece"
    argv: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    wall_clock_time: str = ""
    monotonic_ns: int = 0
    flight_recorder: str = ""
    missing_events: int = 0
    imported_from: str = ""
    nodes: tuple[TracedNode, ...] = ()
    connections: tuple[tuple[str, int, str, int], ...] = ()

    @property
    def wall_clock_ns(self) -> int:
        """Return the wall clock at `monotonic_ns`, in ns since 1970, to the microsecond.

        Raises:
            ValueError: if `wall_clock_time` is no time.
        """
        moment = datetime.fromisoformat(self.wall_clock_time)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return (moment - EPOCH) // timedelta(microseconds=1) * 1000

    def to_json(self) -> dict[str, Any]:
        """Return the header as the file has it."""
        merged = {
            "nodes": [node.to_json() for node in self.nodes],
            "connections": [list(one) for one in self.connections],
        }
        view = "network" if self.nodes else "client"
        written_out = {"why": self.flight_recorder, "missing_events": self.missing_events}
        return {
            "file_schema": FILE_SCHEMA,
            "trace": {"vantage_point": {"name": self.node, "type": view}},
            "reference_time": {
                "clock_type": "monotonic",
                "wall_clock_time": self.wall_clock_time,
                "monotonic_ns": self.monotonic_ns,
            },
            "node": self.node,
            "peer_id": self.peer_id,
            "info_hash": self.info_hash,
            "piece_count": self.piece_count,
            "piece_length": self.piece_length,
            "total_length": self.total_length,
            "seed": self.seed,
            "level": self.level,
            "versions": dict(self.versions),
            "argv": list(self.argv),
            **({"flight_recorder": written_out} if self.flight_recorder else {}),
            **({"imported_from": self.imported_from} if self.imported_from else {}),
            **(merged if self.nodes else {}),
        }

    def to_line(self) -> bytes:
        """Write the header as the first line of a trace file."""
        return json_line(self.to_json())


class TracedNode(Struct, frozen=True, kw_only=True):
    """Describe one of the traces that a merged one was made of.

    Attributes:
        name: what stands before its actors' names: `name/Peer-1`.
        header: its own.
        begin_ns: when it began, by the merged trace's clock.
        clock_added_ns: what its wall clock was set forward by (negative: back) so that no
            message arrives before it is sent.
        has_end: whether its file is whole: its process was not killed.
        lost: events that it says it lacks.
    """

    name: str
    header: TraceHeader
    begin_ns: int
    clock_added_ns: int
    has_end: bool
    lost: int

    def to_json(self) -> dict[str, Any]:
        """Return it as a merged trace's header has it."""
        return {
            "name": self.name,
            "begin_ns": self.begin_ns,
            "clock_added_ns": self.clock_added_ns,
            "has_end": self.has_end,
            "lost": self.lost,
            "header": self.header.to_json(),
        }


def new_header(
    *,
    peer_id: bytes,
    info_hash: bytes,
    piece_count: int,
    piece_length: int,
    total_length: int,
    seed: int | None = None,
    level: str = "piece",
    node: str = "",
    argv: Sequence[str] | None = None,
) -> TraceHeader:
    """Return the header of a trace that begins now.

    `node` is made from the peer id where it is not given, and `argv` is the command
    line of this process; folders are cut from it.
    """
    return TraceHeader(
        node=node or peer_id[-NODE_ID_BYTES:].hex(),
        peer_id=peer_id.hex(),
        info_hash=info_hash.hex(),
        piece_count=piece_count,
        piece_length=piece_length,
        total_length=total_length,
        seed=seed,
        level=level,
        argv=_without_folders(sys.argv if argv is None else argv),
        versions=_versions(),
        wall_clock_time=datetime.now(UTC).isoformat(),
        monotonic_ns=time.monotonic_ns(),
    )


def header_from_json(value: Mapping[str, Any], refuse: Callable[[str], NoReturn]) -> TraceHeader:
    """Read a header; `refuse` is called with what is wrong with it, and raises."""
    reference = value.get("reference_time")
    if not isinstance(reference, dict) or reference.get("clock_type") != "monotonic":
        refuse("expected a reference_time of the monotonic clock")
    fields = {**value, **reference}
    for key, kind in _HEADER_KINDS.items():
        if not isinstance(fields.get(key), kind):
            refuse(f"expected {key} in the header")
    known: dict[str, Any] = {key: fields.get(key) for key in _HEADER_KINDS}  # seed may lack
    argv = tuple(str(argument) for argument in known.pop("argv"))
    return TraceHeader(
        argv=argv,
        nodes=_nodes(value.get("nodes", []), refuse),
        connections=_connections(value.get("connections", []), refuse),
        imported_from=str(value.get("imported_from", ""))[:MAX_FILE_NAME],
        **known,
        **_flight(value.get("flight_recorder"), refuse),
    )


def _nodes(value: Any, refuse: Callable[[str], NoReturn]) -> tuple[TracedNode, ...]:
    nodes = []
    for node in value if isinstance(value, list) else [value]:
        if not isinstance(node, dict) or not isinstance(header := node.get("header"), dict):
            refuse("expected the header of each of the nodes")
        if "nodes" in header or any(type(node.get(key)) is not kind for key, kind in _NODE_KINDS):
            refuse("expected name, begin_ns, clock_added_ns, has_end and lost of each node")
        known = {key: node[key] for key, _ in _NODE_KINDS}
        nodes.append(TracedNode(header=header_from_json(header, refuse), **known))
    return tuple(nodes)


def _connections(
    value: Any, refuse: Callable[[str], NoReturn]
) -> tuple[tuple[str, int, str, int], ...]:
    rows = value if isinstance(value, list) else [value]
    if any(not isinstance(row, list) or list(map(type, row)) != _ENDS_KINDS for row in rows):
        refuse("expected a node and a number, twice, for each of the connections")
    return tuple((row[0], row[1], row[2], row[3]) for row in rows)


_NODE_KINDS = (
    ("name", str),
    ("begin_ns", int),
    ("clock_added_ns", int),
    ("has_end", bool),
    ("lost", int),
)
_ENDS_KINDS = [str, int, str, int]


def _flight(value: Any, refuse: Callable[[str], NoReturn]) -> dict[str, Any]:
    """Read what a header says of a flight recorder, if it does."""
    if value is None:
        return {}
    why, missing = (
        (value.get("why"), value.get("missing_events")) if isinstance(value, dict) else (None, None)
    )
    if not isinstance(why, str) or type(missing) is not int or missing < 0:
        refuse("expected why and missing_events of the flight_recorder in the header")
    return {"flight_recorder": why, "missing_events": missing}


_HEADER_KINDS: Mapping[str, type | tuple[type, ...]] = {
    "node": str,
    "peer_id": str,
    "info_hash": str,
    "piece_count": int,
    "piece_length": int,
    "total_length": int,
    "seed": (int, type(None)),
    "level": str,
    "versions": dict,
    "argv": list,
    "wall_clock_time": str,
    "monotonic_ns": int,
}


def _without_folders(argv: Sequence[str]) -> tuple[str, ...]:
    if argv and Path(argv[0]).name == "__main__.py":  # python -m actortorrent
        argv = ["actortorrent", *argv[1:]]
    return tuple(_without_secrets(argument) for argument in argv)


def _without_secrets(argument: str) -> str:
    """Cut folders from an argument, and what is secret in links and URLs: keys for trackers."""
    if argument.startswith("/"):
        return Path(argument).name
    if argument.lower().startswith("magnet:"):
        return "magnet:?…"  # the info-hash stands in the header anyway
    return shorten(_IN_URL.sub(r"\1\2/…", argument))


def _versions() -> dict[str, str]:
    import importlib.metadata  # noqa: PLC0415 - slow, and most sessions write no header

    return {
        "actortorrent": VERSION,
        "python": platform.python_version(),
        "pykka": importlib.metadata.version("pykka"),
    }
