"""The first line of a trace: whose it is, and what its times and numbers refer to."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from actortorrent.tracing.events import FILE_SCHEMA, json_line
from actortorrent.tracing.summaries import shorten
from actortorrent.version import VERSION

NODE_ID_BYTES = 4  # of the peer id's end, its random part: enough to tell nodes apart


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceHeader:
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

    def to_json(self) -> dict[str, Any]:
        """Return the header as the file has it."""
        return {
            "file_schema": FILE_SCHEMA,
            "trace": {"vantage_point": {"name": self.node, "type": "client"}},
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
        }

    def to_line(self) -> bytes:
        """Write the header as the first line of a trace file."""
        return json_line(self.to_json())


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
    known = {key: fields[key] for key in _HEADER_KINDS}
    argv = tuple(str(argument) for argument in known.pop("argv"))
    return TraceHeader(argv=argv, **known)


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
    return tuple(
        Path(argument).name if argument.startswith("/") else shorten(argument) for argument in argv
    )


def _versions() -> dict[str, str]:
    return {
        "actortorrent": VERSION,
        "python": platform.python_version(),
        "pykka": importlib.metadata.version("pykka"),
    }
