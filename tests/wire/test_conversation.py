from __future__ import annotations

import pytest

from actortorrent.errors import ActorTorrentError, PeerProtocolError
from actortorrent.wire.conversation import MAX_ALLOWED_FAST
from actortorrent.wire.handshake import Handshake, reserved_bytes
from actortorrent.wire.messages import (
    AllowedFast,
    Bitfield,
    Choke,
    Extended,
    Have,
    HaveAll,
    HaveNone,
    Interested,
    Message,
    Piece,
    Port,
    Reject,
    Request,
    Suggest,
    Unchoke,
)
from actortorrent.wire.peer_protocol import Block, PeerProtocol

BLOCK = 16 * 1024
INFO_HASH = b"h" * 20
FAST = reserved_bytes(fast=True)
ALL = reserved_bytes(extensions=True, fast=True, dht=True)


def met(ours: bytes, theirs: bytes, *said: Message, we_dialled: bool = True) -> PeerProtocol:
    """Return one end of a connection on which hands were shaken and the peer said some more."""
    protocol = PeerProtocol(
        INFO_HASH,
        b"p" * 20,
        200,
        piece_length=4 * BLOCK,
        total_length=200 * 4 * BLOCK,
        we_dialled=we_dialled,
        reserved=ours,
    )
    handshake = Handshake(INFO_HASH, b"q" * 20, theirs)
    if we_dialled:
        protocol.handshake()
    protocol.receive(handshake.encode())
    if not we_dialled:
        protocol.handshake()
    protocol.receive(b"".join(message.encode() for message in said))
    return protocol


@pytest.mark.parametrize("we_dialled", [False, True])
def test_an_extension_is_spoken_only_where_both_handshakes_say_so(we_dialled: bool) -> None:
    for ours, theirs in ((FAST, bytes(8)), (bytes(8), FAST), (bytes(8), bytes(8))):
        assert not met(ours, theirs, we_dialled=we_dialled).speaks_fast
    both = met(ALL, ALL, we_dialled=we_dialled)
    assert both.speaks_fast
    assert both.speaks_extensions
    assert not met(ALL, FAST, we_dialled=we_dialled).speaks_extensions


@pytest.mark.parametrize(
    "message", [HaveAll(), HaveNone(), Suggest(1), AllowedFast(1), Reject(1, 0, BLOCK)], ids=str
)
def test_a_fast_message_that_was_not_agreed_on_ends_the_connection(message: Message) -> None:
    for ours, theirs in ((FAST, bytes(8)), (bytes(8), FAST)):
        with pytest.raises(PeerProtocolError, match="found"):
            met(ours, theirs, message)
        with pytest.raises(ActorTorrentError, match="sending: expected"):
            met(ours, theirs).send(message)


@pytest.mark.parametrize("first", [HaveAll(), HaveNone(), Bitfield(bytes(25))], ids=str)
def test_where_it_was_it_is_an_event(first: Message) -> None:
    protocol = met(FAST, FAST)
    later: list[Message] = [
        Have(1),
        Suggest(1),
        AllowedFast(1),
        Reject(1, 0, BLOCK),
        Extended(0, b"de"),
        Port(1),
    ]
    stream = b"".join(message.encode() for message in (first, *later))
    assert protocol.receive(stream) == [first, *later]
    assert protocol.send(first) == first.encode()


def test_have_none_after_another_message_ends_the_connection() -> None:
    with pytest.raises(PeerProtocolError, match="found have none"):
        met(FAST, FAST, Have(1), HaveNone())


def test_a_request_that_met_our_choke_is_told_where_it_must_be_rejected() -> None:
    request = Request(0, 0, BLOCK)
    fast = met(FAST, FAST, HaveNone(), Interested())
    assert fast.receive(request.encode()) == [request]
    assert fast.send(Reject(0, 0, BLOCK)) == Reject(0, 0, BLOCK).encode()
    plain = met(bytes(8), FAST, Interested())
    assert plain.receive(request.encode()) == []


def test_while_choked_we_may_ask_once_the_peer_allowed_something() -> None:
    protocol = met(FAST, FAST, HaveAll())
    protocol.send(HaveNone())
    protocol.send(Interested())
    with pytest.raises(ActorTorrentError, match="while choked"):
        protocol.requests(3, 0, BLOCK, BLOCK)
    protocol.receive(AllowedFast(3).encode())
    assert protocol.allowed_by_peer == {3}
    assert protocol.requests(3, 0, BLOCK, BLOCK) == Request(3, 0, BLOCK).encode()
    (block,) = protocol.receive(Piece(3, 0, b"x" * BLOCK).encode())
    assert isinstance(block, Block)
    assert block[:2] == (3, 0)


def test_while_we_choke_we_may_send_once_we_allowed_something() -> None:
    protocol = met(FAST, FAST, HaveNone(), Interested())
    protocol.send(HaveAll())
    with pytest.raises(ActorTorrentError, match="that we choke"):
        protocol.piece_header(3, 0, BLOCK)
    protocol.send(AllowedFast(3))
    assert protocol.allowed_to_peer == {3}
    protocol.piece_header(3, 0, BLOCK)
    protocol.send(Unchoke())
    protocol.send(Choke())
    protocol.piece_header(3, BLOCK, BLOCK)


def test_of_a_flood_of_allowances_some_are_remembered() -> None:
    flood = [AllowedFast(index) for index in range(MAX_ALLOWED_FAST + 10)]
    assert met(FAST, FAST, HaveNone(), *flood).allowed_by_peer == set(range(MAX_ALLOWED_FAST))


def test_of_a_torrent_not_yet_known_the_peer_may_say_what_it_has() -> None:
    protocol = PeerProtocol(
        INFO_HASH, b"p" * 20, 0, piece_length=0, total_length=0, we_dialled=True, reserved=ALL
    )
    protocol.handshake()
    said: list[Message] = [Bitfield(b"\xff" * 100), Have(70_000), Extended(0, b"de"), Unchoke()]
    stream = b"".join(message.encode() for message in said)
    heard = protocol.receive(Handshake(INFO_HASH, b"q" * 20, ALL).encode() + stream)
    assert heard[1:] == said
    with pytest.raises(PeerProtocolError, match="expected no block yet"):
        protocol.receive(Piece(0, 0, b"x").encode())


def test_talk_is_counted_but_for_blocks_and_requests_that_are_in_order() -> None:
    protocol = met(FAST, FAST, HaveAll(), Interested(), Unchoke())
    protocol.send(Interested())
    protocol.send(HaveAll())
    protocol.talk_left = 2
    protocol.receive(Request(1, 0, BLOCK).encode())
    assert protocol.talk_left == 1, "it met our choke"
    protocol.send(Unchoke())
    in_order: list[Message] = [Request(1, 0, BLOCK), Request(199, 0, BLOCK)]
    in_order += [Piece(1, 0, bytes(BLOCK)), Piece(199, BLOCK, bytes(BLOCK))]
    protocol.receive(b"".join(one.encode() for one in in_order))
    assert protocol.talk_left == 1
    protocol.receive(Choke().encode())
    with pytest.raises(PeerProtocolError, match="found a flood of others"):
        protocol.receive(Have(3).encode())
