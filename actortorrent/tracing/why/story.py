"""A trace taken apart by node, and the names of peers: what all questions begin with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

from actortorrent.tracing.conn_names import conn_name, conn_of_name
from actortorrent.tracing.events import WIRE_RECEIVED, WIRE_SENT, Event
from actortorrent.tracing.header import TraceHeader

PEER_NAME = "Peer-"
BLOCK_MESSAGES = ("request", "piece", "cancel")

Wants: TypeAlias = Callable[[Event], bool]


class NodeStory:
    """Hold the events of one node, by time, and whom its connections led to.

    Attributes:
        events: those that were wanted; the other figures are of all.
    """

    def __init__(self, name: str, header: TraceHeader) -> None:
        self.name = name
        self.header = header
        self.events: list[Event] = []
        self.event_count = 0
        self.first_ns = 0
        self.last_ns = 0
        self.address_of: dict[int, str] = {}
        self.node_of: dict[int, str] = {}  # in a merged trace, whose end the other one is
        self.id_of: dict[int, str] = {}

    @property
    def prefix(self) -> str:
        """Return what stands before its actors' names."""
        return f"{self.name}/" if self.name else ""

    def hear(self, event: Event) -> None:
        """Learn from an event."""
        if not self.event_count:
            self.first_ns = event.time_ns
        self.event_count += 1
        self.last_ns = max(self.last_ns, event.time_ns)
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
        return f"{conn_name(conn)} ({who})" if who else conn_name(conn)

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

    Args:
        events: by time.
        wants: says which of them are kept; by default all are.

    Attributes:
        begin_ns: when the trace begins.
    """

    def __init__(
        self, header: TraceHeader, events: Iterable[Event] = (), wants: Wants | None = None
    ) -> None:
        self.header = header
        self.begin_ns = header.monotonic_ns
        named = [(node.name, node.header) for node in header.nodes] or [("", header)]
        self.nodes = {name: NodeStory(name, own) for name, own in named}
        for first, conn, second, other in header.connections:
            if first in self.nodes and second in self.nodes:
                self.nodes[first].node_of[conn] = second
                self.nodes[second].node_of[other] = first
        self._is_merged = bool(header.nodes)
        for event in events:
            node = self.hear(event)
            if node is not None and (wants is None or wants(event)):
                node.events.append(event)

    def hear(self, event: Event) -> NodeStory | None:
        """Learn from an event, and return the story of its node, if that is known."""
        node = self.nodes.get(event.actor.partition("/")[0] if self._is_merged else "")
        if node is not None:
            node.hear(event)
        return node

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


def is_of_more_than_a_block(event: Event) -> bool:
    """Say whether an event is no wire message about one block, nor a sum of such."""
    name = event.name
    if name in (WIRE_SENT, WIRE_RECEIVED):
        return event.data.get("type") not in BLOCK_MESSAGES
    return not name.startswith(("bt:block_", "bt:blocks_", "bt:requests_"))


def conn_named(actor: Any) -> int | None:
    """Return the number in `Peer-3`, also behind a node's name; None for all else."""
    return conn_of_name(actor) if isinstance(actor, str) else None
