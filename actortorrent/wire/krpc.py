"""KRPC, the messages between nodes of the DHT, as values: BEP 5, with 32, 42 and 43.

A message is one bencoded dictionary in one datagram: a query, an answer to it, or a
refusal. `t` ties an answer to its query, and is chosen by whoever asks. How they are read
from bytes is in `krpc_reading.py`.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar, TypeAlias

from msgspec import Struct

from actortorrent.wire.addresses import Address
from actortorrent.wire.bencoding import Encodable, encode
from actortorrent.wire.dht_nodes import NodeId, NodeInfo, pack_address, pack_nodes

MAX_SENT_BYTES = 1024  # BEP 32
VERSION = b"AT01"  # how we name ourselves: two letters of the client, two bytes of the version

IPV4_NODES = "n4"  # what a query may want (BEP 32)
IPV6_NODES = "n6"
Arguments: TypeAlias = dict[str, Encodable]


class RefusalCode(IntEnum):
    """Say why a query was refused (BEP 5)."""

    GENERIC = 201
    SERVER = 202
    PROTOCOL = 203
    UNKNOWN_METHOD = 204


class Ping(Struct, frozen=True):
    """Ask whether a node is there."""

    sender: NodeId
    name: ClassVar[str] = "ping"

    def arguments(self) -> Arguments:
        """Return what stands under `a`."""
        return {"id": self.sender.packed}

    def __str__(self) -> str:
        return "ping"


class FindNode(Struct, frozen=True):
    """Ask for the nodes closest to a target; `want`: of which kinds (BEP 32)."""

    sender: NodeId
    target: NodeId
    want: tuple[str, ...] = ()
    name: ClassVar[str] = "find_node"

    def arguments(self) -> Arguments:
        """Return what stands under `a`."""
        return {"id": self.sender.packed, "target": self.target.packed, **_wanting(self.want)}

    def __str__(self) -> str:
        return f"find_node {self.target}"


class GetPeers(Struct, frozen=True):
    """Ask for the peers of a torrent, or else the nodes closest to its info-hash."""

    sender: NodeId
    info_hash: NodeId
    want: tuple[str, ...] = ()
    name: ClassVar[str] = "get_peers"

    def arguments(self) -> Arguments:
        """Return what stands under `a`."""
        return {"id": self.sender.packed, "info_hash": self.info_hash.packed, **_wanting(self.want)}

    def __str__(self) -> str:
        return f"get_peers {self.info_hash}"


class AnnouncePeer(Struct, frozen=True):
    """Say that we are a peer of a torrent, by the token that `get_peers` was answered with.

    `is_port_implied`: the port to store is the one that the datagram came from.
    """

    sender: NodeId
    info_hash: NodeId
    port: int
    token: bytes
    is_port_implied: bool = False
    name: ClassVar[str] = "announce_peer"

    def arguments(self) -> Arguments:
        """Return what stands under `a`."""
        return {
            "id": self.sender.packed,
            "implied_port": int(self.is_port_implied),
            "info_hash": self.info_hash.packed,
            "port": self.port,
            "token": self.token,
        }

    def __str__(self) -> str:
        return f"announce_peer {self.info_hash}, port {self.port}"


class UnknownQuery(Struct, frozen=True):
    """Stand for a query of a later protocol."""

    sender: NodeId
    method: str
    name: ClassVar[str] = "unknown"

    def __str__(self) -> str:
        return f"unknown query {self.method!a}"


Query: TypeAlias = Ping | FindNode | GetPeers | AnnouncePeer


class Answer(Struct, frozen=True):
    """Answer a query, whichever it was.

    Attributes:
        nodes: IPv4 nodes, closest first; None where the answer has no such key.
        nodes6: the same of IPv6.
        values: peers.
        token: to announce with; empty where there is none.
    """

    sender: NodeId
    nodes: tuple[NodeInfo, ...] | None = None
    nodes6: tuple[NodeInfo, ...] | None = None
    values: tuple[Address, ...] = ()
    token: bytes = b""
    name: ClassVar[str] = "answer"

    def results(self) -> Arguments:
        """Return what stands under `r`."""
        results: Arguments = {"id": self.sender.packed}
        if self.nodes is not None:
            results["nodes"] = pack_nodes(self.nodes)
        if self.nodes6 is not None:
            results["nodes6"] = pack_nodes(self.nodes6)
        if self.token:
            results["token"] = self.token
        if self.values:
            results["values"] = [pack_address(peer) for peer in self.values]
        return results

    def __str__(self) -> str:
        nodes = len(self.nodes or ()) + len(self.nodes6 or ())
        return f"answer: {nodes} nodes, {len(self.values)} peers"


class Refusal(Struct, frozen=True):
    """Refuse a query; `code` is one of `RefusalCode`, or any other number."""

    code: int
    text: str
    name: ClassVar[str] = "refusal"

    def __str__(self) -> str:
        return f"refusal {self.code}: {self.text}"


class Message(Struct, frozen=True):
    """Carry a query, an answer or a refusal.

    Attributes:
        transaction: of an answer, that of its query.
        version: which client sent it; empty where it does not say.
        is_read_only: of a query, whether its sender answers none (BEP 43).
        seen_as: of an answer, the address that the query came from (BEP 42).
    """

    transaction: bytes
    body: Query | UnknownQuery | Answer | Refusal
    version: bytes = b""
    is_read_only: bool = False
    seen_as: Address | None = None

    def encode(self) -> bytes:
        """Write it as one datagram."""
        said: dict[str, Encodable] = {"t": self.transaction}
        match self.body:
            case Answer():
                said |= {"y": "r", "r": self.body.results()}
            case Refusal(code, text):
                said |= {"y": "e", "e": [int(code), text]}
            case UnknownQuery():
                raise ValueError("nobody asks what we do not know")
            case query:
                said |= {"y": "q", "q": query.name, "a": query.arguments()}
        if self.version:
            said["v"] = self.version
        if self.is_read_only:
            said["ro"] = 1
        if self.seen_as is not None:
            said["ip"] = pack_address(self.seen_as)
        return encode(said)

    def __str__(self) -> str:
        return str(self.body)


def _wanting(want: tuple[str, ...]) -> Arguments:
    return {"want": list(want)} if want else {}
