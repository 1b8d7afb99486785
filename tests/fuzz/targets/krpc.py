"""Datagrams of the DHT: what is read is within its limits, and is read back as it was written."""

from __future__ import annotations

from actortorrent.errors import KrpcError
from actortorrent.wire.addresses import Address
from actortorrent.wire.dht_nodes import MAX_NODES, NodeId, NodeInfo
from actortorrent.wire.krpc import (
    AnnouncePeer,
    Answer,
    FindNode,
    GetPeers,
    Message,
    Ping,
    Refusal,
    UnknownQuery,
)
from actortorrent.wire.krpc_reading import (
    MAX_METHOD_BYTES,
    MAX_REFUSAL_BYTES,
    MAX_TOKEN_BYTES,
    MAX_TRANSACTION_BYTES,
    MAX_VALUES,
    MAX_VERSION_BYTES,
    read_message,
)
from tests.fuzz.refusing import check_refusal

WHO, TORRENT = NodeId.from_bytes(b"w" * 20), NodeId.from_bytes(b"t" * 20)
PEER, PEER_6 = Address("10.0.0.1", 6881), Address("2001:db8::1", 6881)
NODES = (NodeInfo(WHO, PEER), NodeInfo(TORRENT, Address("10.0.0.2", 1)))
NODES_6 = (NodeInfo(WHO, PEER_6),)


def messages() -> list[Message]:
    """Return one of each kind."""
    bodies = [
        Ping(WHO),
        FindNode(WHO, TORRENT, ("n4", "n6")),
        GetPeers(WHO, TORRENT),
        AnnouncePeer(WHO, TORRENT, 6881, b"token", is_port_implied=True),
        Answer(WHO),
        Answer(WHO, NODES, NODES_6, (PEER, PEER_6), b"token"),
        Refusal(203, "no"),
    ]
    return [Message(b"aa", body, b"XX01", n % 2 == 0, PEER) for n, body in enumerate(bodies)]


def seeds() -> list[bytes]:
    unknown = b"d1:ad2:id20:" + b"w" * 20 + b"e1:q4:vote1:t1:a1:y1:qe"
    return [*(message.encode() for message in messages()), unknown]


def check(data: bytes) -> None:
    try:
        message = read_message(data)
    except KrpcError as error:
        check_refusal(error)
        return
    assert 0 < len(message.transaction) <= MAX_TRANSACTION_BYTES
    assert len(message.version) <= MAX_VERSION_BYTES
    _check_bounds(message)
    if not isinstance(message.body, UnknownQuery) and not _is_mended(message.body):
        assert read_message(message.encode()) == message


def _check_bounds(message: Message) -> None:
    match message.body:
        case Answer(_, nodes, nodes6, values, token):
            assert max(len(nodes or ()), len(nodes6 or ())) <= MAX_NODES
            assert len(values) <= MAX_VALUES
            assert len(token) <= MAX_TOKEN_BYTES
            assert all(0 < peer.port < 65_536 for peer in values)
        case AnnouncePeer(_, _, port, token, is_implied):
            assert len(token) <= MAX_TOKEN_BYTES
            assert is_implied or 0 < port < 65_536
        case Refusal(_, text):
            assert len(text) <= MAX_REFUSAL_BYTES
        case UnknownQuery(_, method):
            assert len(method) <= MAX_METHOD_BYTES
            assert str(message).isascii()


def _is_mended(body: object) -> bool:
    """Say whether a text is not what came: it is written longer, and may be cut off."""
    return isinstance(body, Refusal) and "\ufffd" in body.text
