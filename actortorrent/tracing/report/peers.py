"""The connections of a trace: which actor of which client speaks with whom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from actortorrent.tracing.conn_names import conn_name
from actortorrent.tracing.events import Event
from actortorrent.tracing.report.sources import Node
from actortorrent.tracing.wire_events import PEER_ID_LIMITS

MAX_PEERS = 100_000
NO_NODE = -1


class Peer(Struct):
    """Hold what became known of one connection."""

    conn: int
    address: str = ""
    we_dialled: bool = False
    peer_id: str = ""
    node: int = NO_NODE
    why_closed: str = ""


class Peers:
    """Learn the connections from the events, by the names of their actors."""

    def __init__(
        self, nodes: Sequence[Node], connections: Sequence[tuple[str, int, str, int]] = ()
    ) -> None:
        self._node_of = {readable_id(node.peer_id): index for index, node in enumerate(nodes)}
        self._far_ends = _far_ends(connections, [node.name for node in nodes])
        self._peers: dict[str, Peer] = {}

    def see(self, event: Event) -> None:
        """Learn from an event."""
        conn = event.data.get("conn")
        if not event.name.startswith("bt:") or not isinstance(conn, int):
            return
        name = peer_actor(event.actor, conn)
        if name not in self._peers:
            if len(self._peers) >= MAX_PEERS:
                return
            self._peers[name] = Peer(conn)
        _learn(self._peers[name], event)
        peer = self._peers[name]
        known = self._node_of.get(peer.peer_id, NO_NODE)
        peer.node = self._far_ends.get(name, known)

    def to_json(self) -> dict[str, list[Any]]:
        """Return the connections by the names of their actors."""
        return {
            name: [one.conn, one.address, one.we_dialled, one.peer_id, one.node, one.why_closed]
            for name, one in self._peers.items()
        }


def _far_ends(
    connections: Sequence[tuple[str, int, str, int]], names: Sequence[str]
) -> dict[str, int]:
    """Return which node is at the far end, for connections traced from both ends."""
    number = {name: index for index, name in enumerate(names)}
    ends: dict[str, int] = {}
    for name, conn, other_name, other_conn in connections:
        ends[f"{name}/Peer-{conn}"] = number.get(other_name, NO_NODE)
        ends[f"{other_name}/Peer-{other_conn}"] = number.get(name, NO_NODE)
    return ends


def peer_actor(actor: str, conn: object) -> str:
    """Return the name of a connection's actor, beside another actor of the same client."""
    node, slash, _ = actor.rpartition("/")
    return f"{node}{slash}{conn_name(conn)}"


def readable_id(peer_id_hex: str) -> str:
    """Return a peer id as a trace's handshakes have it."""
    low, high = PEER_ID_LIMITS
    try:
        raw = bytes.fromhex(peer_id_hex)
    except ValueError:
        return peer_id_hex
    return "".join(chr(byte) if low < byte < high else "." for byte in raw)


def _learn(peer: Peer, event: Event) -> None:
    data = event.data
    if event.name == "bt:connection_begun":
        peer.address = _text(data.get("address"))
        peer.we_dialled = data.get("we_dialled") is True
    elif event.name == "bt:connection_closed":
        peer.why_closed = _text(data.get("why"))
    elif event.name == "bt:message_received" and data.get("type") == "handshake":
        fields = data.get("fields")
        peer.peer_id = _text(fields.get("peer_id")) if isinstance(fields, dict) else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
