"""A trace taken apart by node, and the names of peers: what all questions begin with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from actortorrent.tracing.events import Event
from actortorrent.tracing.header import TraceHeader

PEER_NAME = "Peer-"


class NodeStory:
    """Hold the events of one node, by time, and whom its connections led to."""

    def __init__(self, name: str, header: TraceHeader) -> None:
        self.name = name
        self.header = header
        self.events: list[Event] = []
        self.address_of: dict[int, str] = {}
        self.node_of: dict[int, str] = {}  # in a merged trace, whose end the other one is
        self.id_of: dict[int, str] = {}

    @property
    def prefix(self) -> str:
        """Return what stands before its actors' names."""
        return f"{self.name}/" if self.name else ""

    def hear(self, event: Event) -> None:
        """Keep an event."""
        self.events.append(event)
        conn, address = event.data.get("conn"), event.data.get("address")
        if type(conn) is not int:
            return
        if isinstance(address, str):
            self.address_of[conn] = address
        fields = event.data.get("fields")
        if event.name == "bt:message_received" and event.data.get("type") == "handshake":
            self.id_of[conn] = str(fields.get("peer_id")) if isinstance(fields, dict) else ""

    def peer_text(self, conn: int) -> str:
        """Return what to call a peer: its actor, and who that is as far as it is known."""
        who = self.node_of.get(conn) or self.address_of.get(conn, "")
        return f"{PEER_NAME}{conn} ({who})" if who else f"{PEER_NAME}{conn}"

    def conns_called(self, wanted: str) -> list[int]:
        """Return the connections that lead to whom a user calls so."""
        wanted = wanted.lower().removeprefix(PEER_NAME.lower())
        return [
            conn
            for conn in sorted({*self.address_of, *self.id_of, *self.node_of})
            if wanted in (str(conn), *self._names(conn))
        ]

    def _names(self, conn: int) -> Iterator[str]:
        for names in (self.address_of, self.node_of, self.id_of):
            yield names.get(conn, "").lower()


class Story:
    """Hold a trace, of one node or several, by node.

    Attributes:
        begin_ns: when the trace begins.
    """

    def __init__(self, header: TraceHeader, events: Iterable[Event]) -> None:
        self.begin_ns = header.monotonic_ns
        named = [(node.name, node.header) for node in header.nodes] or [("", header)]
        self.nodes = {name: NodeStory(name, own) for name, own in named}
        for first, conn, second, other in header.connections:
            if first in self.nodes and second in self.nodes:
                self.nodes[first].node_of[conn] = second
                self.nodes[second].node_of[other] = first
        for event in events:
            name = event.actor.partition("/")[0] if header.nodes else ""
            if name in self.nodes:
                self.nodes[name].hear(event)

    def seconds(self, time_ns: int) -> float:
        """Return a time as `trace show` has it."""
        return round((time_ns - self.begin_ns) / 1e9, 6)

    def conns_called(self, wanted: str) -> list[tuple[NodeStory, int]]:
        """Return the connections that lead to a peer: number, address, id, or node's name.

        `node/3` is the connection 3 of one node of a merged trace.
        """
        node, slash, rest = wanted.rpartition("/")
        nodes = [self.nodes[node]] if slash and node in self.nodes else self.nodes.values()
        return [
            (one, conn) for one in nodes for conn in one.conns_called(rest if slash else wanted)
        ]


def conn_named(actor: Any) -> int | None:
    """Return the number in `Peer-3`, also behind a node's name; None for all else."""
    if not isinstance(actor, str):
        return None
    name = actor.rpartition("/")[2]
    number = name.removeprefix(PEER_NAME)
    is_peer = name != number and number.isascii() and number.isdigit()
    return int(number) if is_peer else None
