"""The values that spans are made of: ids that any machine derives alike, times, attributes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from actortorrent.tracing.header import TraceHeader

Attributes: TypeAlias = Mapping[str, str | bool | int | float]

INTERNAL, PRODUCER, CONSUMER = 1, 4, 5  # kinds of spans, by OpenTelemetry's numbers
SERVICE = "actortorrent"
SPAN_ID_BYTES, TRACE_ID_BYTES = 8, 16
MAX_TIME_NS = (1 << 63) - 1
MAX_INT = (1 << 63) - 1
MAX_ATTRIBUTES = 64  # of an event
MAX_TEXT = 500  # characters of an attribute


class Peer(Struct, frozen=True):
    """Say whose spans are whose.

    Attributes:
        instance: its peer id in hexadecimal, by which it is known on all machines.
        name: what its trace calls it.
        about: more that holds of all its spans.
    """

    instance: str
    name: str
    about: tuple[tuple[str, str | int], ...]

    @property
    def resource(self) -> Attributes:
        """Return the attributes that all its spans share."""
        names = {"service.name": SERVICE, "service.instance.id": self.instance}
        return {**names, "actortorrent.node": self.name, **dict(self.about)}


class Note(Struct, frozen=True):
    """Say what happened on the way: what OpenTelemetry calls an event of a span."""

    time_ns: int
    name: str
    attributes: Attributes


class Span(Struct, frozen=True, kw_only=True):
    """Hold one span.

    Attributes:
        trace_id, span_id, parent_id: numbers of 16, 8 and 8 bytes; a parent of 0 is none.
        links: the ids of other spans of the trace that came before.
        peer: whose it is.
        kind: INTERNAL, PRODUCER or CONSUMER.
        start_ns, end_ns: nanoseconds since 1970.
        error: what went wrong, or nothing.
    """

    trace_id: int
    span_id: int
    parent_id: int
    links: tuple[int, ...]
    peer: Peer
    name: str
    kind: int
    start_ns: int
    end_ns: int
    attributes: Attributes
    notes: tuple[Note, ...] = ()
    error: str = ""

    def with_notes(self, notes: tuple[Note, ...]) -> Span:
        """Return the same span with what was noted at it."""
        return replace(self, notes=notes) if notes else self


def trace_id_of(info_hash: str, run: str) -> int:
    """Return the trace in which all that is done with a torrent meets, or all of one run."""
    return _number(TRACE_ID_BYTES, SERVICE, info_hash, run)


def derived_id(trace_id: int, *names: str) -> int:
    """Return the id of a span, the same on every machine."""
    return _number(SPAN_ID_BYTES, f"{trace_id:x}", *names)


def peers_of(header: TraceHeader) -> dict[str, Peer]:
    """Return the peers of a trace by the names of their nodes."""
    headers = {node.name: node.header for node in header.nodes} or {header.node: header}
    return {name: _peer(name, one) for name, one in headers.items()}


def attributes_of(values: Mapping[str, Any]) -> Attributes:
    """Return values as attributes: numbers and texts as they are, others as JSON.

    What is within a mapping is told by its path, as in `args.conn`.
    """
    found: dict[str, str | bool | int | float] = {}
    for key, value in _flat(values):
        if len(found) == MAX_ATTRIBUTES:
            break
        found[clean(key)] = _attribute(value)
    return found


def clean(text: str) -> str:
    """Return a text that can be written in UTF-8, and not too long."""
    return text[:MAX_TEXT].encode("utf-8", "replace").decode("utf-8")


def _flat(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from ((f"{key}.{within}", one) for within, one in value.items())
        elif value is not None:
            yield key, value


def _attribute(value: Any) -> str | bool | int | float:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, bool | float) or (isinstance(value, int) and abs(value) <= MAX_INT):
        return value
    return clean(json.dumps(value, separators=(",", ":")))


def _peer(name: str, header: TraceHeader) -> Peer:
    about = (
        ("service.version", clean(str(header.versions.get("actortorrent", "")))),
        ("actortorrent.info_hash", clean(header.info_hash)),
        ("actortorrent.trace_level", clean(header.level)),
    )
    return Peer(clean(header.peer_id or name), clean(name), about)


def _number(size: int, *names: str) -> int:
    text = "\0".join(names).encode("utf-8", "replace")
    return int.from_bytes(hashlib.blake2b(text, digest_size=size).digest()) or 1
