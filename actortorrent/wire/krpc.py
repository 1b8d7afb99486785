"""KRPC, the messages between nodes of the DHT, as values: BEP 5, with 32, 42 and 43.

A message is one bencoded dictionary in one datagram: a query, an answer to it, or a
refusal. `t` ties an answer to its query, and is chosen by whoever asks. What the
dictionary holds besides what we know is passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, TypeAlias

from actortorrent.errors import BencodeError, KrpcError
from actortorrent.wire.addresses import MAX_PORT, Address, pack_compact
from actortorrent.wire.bencoding import Bencoded, Encodable, Limits, decode, encode
from actortorrent.wire.dht_nodes import (
    ID_BYTES,
    NodeId,
    NodeInfo,
    pack_nodes,
    unpack_address,
    unpack_nodes,
)
from actortorrent.wire.fields import Fields

MAX_DATAGRAM_BYTES = 2048  # that is read; more than anybody sends
MAX_SENT_BYTES = 1024  # BEP 32
MAX_TRANSACTION_BYTES = 32  # of theirs, which we have to send back
MAX_TOKEN_BYTES = 64
MAX_VERSION_BYTES = 8
MAX_VALUES = 200  # peers in one answer
MAX_REFUSAL_BYTES = 200  # of its text
MAX_METHOD_BYTES = 32
VERSION = b"AT01"  # how we name ourselves: two letters of the client, two bytes of the version
LIMITS = Limits(size=MAX_DATAGRAM_BYTES, depth=8, tokens=600)

IPV4_NODES, IPV6_NODES = "n4", "n6"  # what a query may want (BEP 32)
_WANTS = {IPV4_NODES.encode(): IPV4_NODES, IPV6_NODES.encode(): IPV6_NODES}
Arguments: TypeAlias = dict[str, Encodable]


class RefusalCode(IntEnum):
    """Say why a query was refused (BEP 5)."""

    GENERIC = 201
    SERVER = 202
    PROTOCOL = 203
    UNKNOWN_METHOD = 204


@dataclass(frozen=True, slots=True)
class Ping:
    """Ask whether a node is there."""

    sender: NodeId
    name: ClassVar[str] = "ping"

    def arguments(self) -> Arguments:
        """Return what stands under `a`."""
        return {"id": self.sender.packed}

    def __str__(self) -> str:
        return "ping"


@dataclass(frozen=True, slots=True)
class FindNode:
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


@dataclass(frozen=True, slots=True)
class GetPeers:
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


@dataclass(frozen=True, slots=True)
class AnnouncePeer:
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


@dataclass(frozen=True, slots=True)
class UnknownQuery:
    """Stand for a query of a later protocol."""

    sender: NodeId
    method: str
    name: ClassVar[str] = "unknown"

    def __str__(self) -> str:
        return f"unknown query {self.method!a}"


Query: TypeAlias = Ping | FindNode | GetPeers | AnnouncePeer


@dataclass(frozen=True, slots=True)
class Answer:
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
            results["values"] = [pack_compact(peer) for peer in self.values]
        return results

    def __str__(self) -> str:
        nodes = len(self.nodes or ()) + len(self.nodes6 or ())
        return f"answer: {nodes} nodes, {len(self.values)} peers"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Refuse a query; `code` is one of `RefusalCode`, or any other number."""

    code: int
    text: str
    name: ClassVar[str] = "refusal"

    def __str__(self) -> str:
        return f"refusal {self.code}: {self.text}"


@dataclass(frozen=True, slots=True)
class Message:
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
                said |= {"y": "e", "e": [code, text]}
            case UnknownQuery():
                raise ValueError("nobody asks what we do not know")
            case query:
                said |= {"y": "q", "q": query.name, "a": query.arguments()}
        if self.version:
            said["v"] = self.version
        if self.is_read_only:
            said["ro"] = 1
        if self.seen_as is not None:
            said["ip"] = pack_compact(self.seen_as)
        return encode(said)

    def __str__(self) -> str:
        return str(self.body)


def read_message(packet: bytes) -> Message:
    """Read a datagram.

    Raises:
        KrpcError: if it is no message; `transaction` is set where it is a query that can be
            refused by it.
    """
    try:
        fields = Fields(decode(packet, limits=LIMITS), "a DHT message", KrpcError)
    except BencodeError as error:
        raise KrpcError(f"expected a bencoded message, {error}") from None
    transaction = fields.need_bytes(b"t")
    if not 0 < len(transaction) <= MAX_TRANSACTION_BYTES:
        raise KrpcError(f"expected a 't' of 1 to {MAX_TRANSACTION_BYTES} bytes")
    kind = fields.find_bytes(b"y") or b""
    try:
        body = _READERS[kind](fields)
    except KeyError:
        raise KrpcError("expected 'y' to be q, r or e") from None
    except KrpcError as error:
        if kind == b"q":
            error.transaction = transaction
        raise
    return Message(
        transaction=transaction,
        body=body,
        version=(fields.find_bytes(b"v") or b"")[:MAX_VERSION_BYTES],
        is_read_only=fields.find_int(b"ro") == 1,
        seen_as=unpack_address(fields.find_bytes(b"ip") or b""),
    )


def _read_query(fields: Fields) -> Query | UnknownQuery:
    arguments = Fields(fields.need_dict(b"a"), "the arguments", KrpcError)
    sender = _need_id(arguments, b"id")
    method = fields.need_bytes(b"q")
    match method:
        case b"ping":
            return Ping(sender)
        case b"find_node":
            return FindNode(sender, _need_id(arguments, b"target"), _find_want(arguments))
        case b"get_peers":
            return GetPeers(sender, _need_id(arguments, b"info_hash"), _find_want(arguments))
        case b"announce_peer":
            return _read_announce(sender, arguments)
    return UnknownQuery(sender, method[:MAX_METHOD_BYTES].decode("ascii", "replace"))


def _read_announce(sender: NodeId, arguments: Fields) -> AnnouncePeer:
    is_implied = bool(arguments.find_int(b"implied_port"))
    token = arguments.need_bytes(b"token")
    if len(token) > MAX_TOKEN_BYTES:
        arguments.refuse(b"token", f"{MAX_TOKEN_BYTES} bytes at most", f"{len(token)}")
    port = (arguments.find_int(b"port") or 0) if is_implied else 0
    return AnnouncePeer(
        sender,
        _need_id(arguments, b"info_hash"),
        min(max(port, 0), MAX_PORT) if is_implied else arguments.need_int(b"port", 1, MAX_PORT),
        token,
        is_implied,
    )


def _read_answer(fields: Fields) -> Answer:
    results = Fields(fields.need_dict(b"r"), "the results", KrpcError)
    token = results.find_bytes(b"token") or b""
    return Answer(
        sender=_need_id(results, b"id"),
        nodes=_find_nodes(results, b"nodes", is_ipv6=False),
        nodes6=_find_nodes(results, b"nodes6", is_ipv6=True),
        values=_find_values(results),
        token=token if len(token) <= MAX_TOKEN_BYTES else b"",
    )


def _read_refusal(fields: Fields) -> Refusal:
    match fields.find_list(b"e"):
        case [int(code), bytes(text), *_]:
            return Refusal(code, text[:MAX_REFUSAL_BYTES].decode("utf-8", "replace"))
    return Refusal(RefusalCode.GENERIC, "")


_READERS: Mapping[bytes, Callable[[Fields], Query | UnknownQuery | Answer | Refusal]] = {
    b"q": _read_query,
    b"r": _read_answer,
    b"e": _read_refusal,
}


def _need_id(fields: Fields, key: bytes) -> NodeId:
    packed = fields.need_bytes(key)
    if len(packed) != ID_BYTES:
        fields.refuse(key, f"{ID_BYTES} bytes", f"{len(packed)}")
    return NodeId.from_bytes(packed)


def _find_nodes(fields: Fields, key: bytes, *, is_ipv6: bool) -> tuple[NodeInfo, ...] | None:
    packed = fields.find_bytes(key)
    return None if packed is None else unpack_nodes(packed, is_ipv6=is_ipv6)


def _find_values(fields: Fields) -> tuple[Address, ...]:
    packed = fields.find_list(b"values")[:MAX_VALUES]
    peers = (unpack_address(one) for one in packed if isinstance(one, bytes))
    return tuple(peer for peer in peers if peer is not None)


def _find_want(fields: Fields) -> tuple[str, ...]:
    wanted: list[Bencoded] = fields.find_list(b"want")
    return tuple(name for packed, name in _WANTS.items() if packed in wanted)


def _wanting(want: tuple[str, ...]) -> Arguments:
    return {"want": list(want)} if want else {}
