"""The connections that a trace tells of, and what went over each: one side's view.

`(offset, length)` is where a message stands in its direction's stream of bytes, so the
same message has the same figures at both ends. Sums of blocks and requests (level
"piece") have no offset of their own: they lie between the messages around them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from msgspec import Struct, field

from actortorrent.tracing.events import CONNECTION_OPENED, WIRE_RECEIVED, WIRE_SENT, Event
from actortorrent.tracing.ticks import Tick

SUMMED_TYPES = frozenset(["request", "piece"])  # what a trace of the level "piece" only counts
PRINTABLE = range(33, 127)  # as a handshake's peer id is written


class WireMessage(NamedTuple):
    """Name a message of the wire as one end has it."""

    offset: int
    length: int
    kind: str
    tick: Tick
    time_ns: int


class Connection(Struct):
    """Hold what one trace says of one connection.

    Attributes:
        conn: its number in that trace.
        we_dialled: whether this end did, None where it is not known.
        address: of the peer, as it was dialled or accepted.
        local, remote: the socket's two ends, nothing in a trace of version 1.
        our_id, peer_id: as the handshakes said, where both were seen.
        sent, received: messages by their offset.
        opened_ns, closed_ns: by the trace's own clock, where that is known.
        why_closed: as the end that is traced put it.
    """

    conn: int
    we_dialled: bool | None = None
    address: str = ""
    local: str = ""
    remote: str = ""
    our_id: str = ""
    peer_id: str = ""
    sent: dict[int, WireMessage] = field(default_factory=dict)
    received: dict[int, WireMessage] = field(default_factory=dict)
    opened_ns: int | None = None
    closed_ns: int | None = None
    why_closed: str = ""


class Connections:
    """Gather the connections of one trace; to be told all its events."""

    def __init__(self) -> None:
        self._by_conn: dict[int, Connection] = {}

    def __iter__(self) -> Iterator[Connection]:
        return iter(self._by_conn.values())

    def get(self, conn: int) -> Connection | None:
        """Return a connection by its number in the trace."""
        return self._by_conn.get(conn)

    def hear(self, event: Event) -> None:
        """Learn what an event says of a connection, if anything."""
        conn = event.data.get("conn")
        if type(conn) is not int or not event.name.startswith("bt:"):
            return
        connection = self._by_conn.setdefault(conn, Connection(conn))
        if event.name in (WIRE_SENT, WIRE_RECEIVED):
            _note_message(connection, event)
        elif event.name == "bt:connection_begun":
            connection.address = _text(event.data.get("address"))
            we_dialled = event.data.get("we_dialled")
            connection.we_dialled = we_dialled if isinstance(we_dialled, bool) else None
            connection.opened_ns = event.time_ns
        elif event.name == CONNECTION_OPENED:
            connection.local = _text(event.data.get("local"))
            connection.remote = _text(event.data.get("remote"))
        elif event.name == "bt:connection_closed":
            connection.closed_ns = event.time_ns
            connection.why_closed = _text(event.data.get("why"))


def readable_id(peer_id_hex: str) -> str:
    """Return a header's peer id as handshakes in traces have it."""
    try:
        raw = bytes.fromhex(peer_id_hex)
    except ValueError:
        return ""
    return "".join(chr(byte) if byte in PRINTABLE else "." for byte in raw)


def _note_message(connection: Connection, event: Event) -> None:
    data = event.data
    offset, length, kind = data.get("offset"), data.get("length"), _text(data.get("type"))
    if type(offset) is not int or type(length) is not int:
        return
    tick = Tick(event.actor, event.lc)
    message = WireMessage(offset, length, kind, tick, event.time_ns)
    is_ours = event.name == WIRE_SENT
    (connection.sent if is_ours else connection.received).setdefault(offset, message)
    fields = data.get("fields")
    if kind == "handshake" and isinstance(fields, dict):
        peer_id = _text(fields.get("peer_id"))
        if is_ours:
            connection.our_id = peer_id
        else:
            connection.peer_id = peer_id


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
