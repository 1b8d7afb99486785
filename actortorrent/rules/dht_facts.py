"""What a node of the DHT finds out: told upwards as frozen values."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from actortorrent.wire.addresses import Address
from actortorrent.wire.dht_nodes import NodeId, NodeInfo


class PeersFound(Struct, frozen=True):
    """Name peers of a torrent that were not named before in this search."""

    info_hash: bytes
    peers: tuple[Address, ...]


class SearchEnded(Struct, frozen=True):
    """Say what became of one search for peers.

    Attributes:
        kind: `n4` or `n6`: in which of the two DHTs.
        asked: nodes that were asked; 0 if none is known yet, and it is tried again then.
        answered: of these, those that answered.
        peers: how many were found.
        announced: nodes that were told that we are a peer.
    """

    info_hash: bytes
    kind: str
    asked: int
    answered: int
    peers: int
    announced: int


class PingEnded(Struct, frozen=True):
    """Say what became of a ping.

    Attributes:
        number: which ping, as it was begun with.
        node: who answered; None if nobody did.
        seconds: how long that took.
        version: which client it says it is; empty where it does not.
        seen_as: our address as it sees it, if it says so.
    """

    number: int
    node: NodeInfo | None = None
    seconds: float = 0.0
    version: bytes = b""
    seen_as: Address | None = None


class BootstrapEnded(Struct, frozen=True):
    """Say how many nodes are known after looking for those around us."""

    nodes: int


class IdChanged(Struct, frozen=True):
    """Say that we took another id, one that fits our address (BEP 42)."""

    node_id: NodeId
    host: str


class OwnAddressAgreed(Struct, frozen=True):
    """Say that several nodes agree on what our address is."""

    host: str


Fact: TypeAlias = (
    PeersFound | SearchEnded | PingEnded | BootstrapEnded | IdChanged | OwnAddressAgreed
)


class DhtStatus(Struct, frozen=True):
    """Say how a node stands, in one of the two DHTs.

    Attributes:
        kind: `IPv4` or `IPv6`.
        port: where it is reached.
        nodes: contacts in the routing table.
        good: of these, those heard of late.
        searches: torrents that peers are looked for.
        stored_peers: peers of others that are kept here.
    """

    kind: str
    node_id: NodeId
    port: int
    nodes: int
    good: int
    searches: int
    stored_peers: int

    def __str__(self) -> str:
        return f"{self.kind}: {self.good} of {self.nodes} nodes good, {self.searches} searches"
