"""KRPC messages out of datagrams, of which nothing is believed (BEP 5).

What a dictionary holds besides what we know is passed over. A query that is ill-formed but
has a `t` can be refused; whatever else is wrong gets no word in reply.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from actortorrent.errors import BencodeError, KrpcError
from actortorrent.wire.addresses import MAX_PORT, Address
from actortorrent.wire.bencoding import Limits, decode
from actortorrent.wire.dht_nodes import ID_BYTES, NodeId, NodeInfo, unpack_address, unpack_nodes
from actortorrent.wire.fields import Fields
from actortorrent.wire.krpc import (
    IPV4_NODES,
    IPV6_NODES,
    AnnouncePeer,
    Answer,
    FindNode,
    GetPeers,
    Message,
    Ping,
    Query,
    Refusal,
    RefusalCode,
    UnknownQuery,
)

MAX_DATAGRAM_BYTES = 2048  # that is read; more than anybody sends
MAX_TRANSACTION_BYTES = 32  # of theirs, which we have to send back
MAX_TOKEN_BYTES = 64
MAX_VERSION_BYTES = 8
MAX_VALUES = 200  # peers in one answer
MAX_REFUSAL_BYTES = 200  # of its text
MAX_METHOD_BYTES = 32
LIMITS = Limits(size=MAX_DATAGRAM_BYTES, depth=8, tokens=600)

_WANTS = {IPV4_NODES.encode(): IPV4_NODES, IPV6_NODES.encode(): IPV6_NODES}


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
    wanted = fields.find_list(b"want")
    return tuple(name for packed, name in _WANTS.items() if packed in wanted)
