"""The peer protocol: however a stream is cut, and by whichever path it is read, it says the same.

One byte at a time with every message reported is the slow path, which is believed. The
others, cut elsewhere, with plain blocks and requests read by the way or put in their places, must
agree with it: on what was said, and on whether it was legal.
"""

from __future__ import annotations

from itertools import chain
from typing import NamedTuple

from actortorrent.errors import PeerProtocolError
from actortorrent.wire.handshake import Handshake, reserved_bytes
from actortorrent.wire.messages import (
    PIECE_HEADER,
    AllowedFast,
    Bitfield,
    BlockName,
    Extended,
    Have,
    HaveAll,
    Message,
    Piece,
    PieceHeader,
    Port,
    Reject,
    Request,
    Suggest,
    Unchoke,
)
from actortorrent.wire.peer_protocol import Block, Event, PeerProtocol, Placed, Requests
from tests.fuzz.dealing import Dealer, cut_up

HASH, OUR_ID, THEIR_ID = b"h" * 20, b"o" * 20, b"t" * 20
PIECES, PIECE_LENGTH, BLOCK_BYTES = 11, 64, 16
TOTAL_LENGTH = 10 * PIECE_LENGTH + 20
FIRST = Handshake(HASH, THEIR_ID, reserved_bytes(fast=True, extensions=True)).encode()
MOST_BUFFER_BYTES = 512 * 1024


class Plan(NamedTuple):
    """Say how the connection stands before the stranger speaks."""

    we_dialled: bool
    is_known: bool  # the torrent's shape
    is_greeted: bool  # the handshakes are exchanged
    we_unchoke: bool
    speaks_fast: bool
    has_places: bool  # for half of the blocks


class Heard(NamedTuple):
    """What came of a stream."""

    events: list[object]
    refusal: str


def seeds() -> list[bytes]:
    block = Piece(1, 16, bytes(range(16))).encode()
    said: list[Message] = [
        Bitfield(b"\xff\xe0"), Unchoke(), Have(3), Request(1, 16, 16), Request(2, 0, 16), Port(9),
        Piece(0, 0, bytes(16)), Extended(0, b"de"), Piece(10, 16, b"tail"),
    ]  # fmt: skip
    fast: list[Message] = [
        HaveAll(), AllowedFast(2), Suggest(1), Reject(0, 0, 16), Request(10, 0, 20)
    ]  # fmt: skip
    stream = b"".join(message.encode() for message in said)
    more = b"".join(message.encode() for message in fast)
    return [
        b"\x3f\x00" + stream + bytes(4) + block,
        b"\x2f\x05" + block + stream,
        b"\x1f\x0d" + more + stream,
        b"\x03\x11" + FIRST + stream,
        b"\x04\x02" + stream,
        b"\x07\x00" + (131_081).to_bytes(4) + b"\x07" + bytes(40),
    ]


def check(data: bytes) -> None:
    dealer = Dealer(data)
    bits, size = dealer.bits(), dealer.byte()
    plan = Plan(*(next(bits) for _ in Plan._fields))
    stream = dealer.rest()
    slow = _read_slowly(plan, stream)
    for cut in (size, 0):
        fast = _read(plan, stream, cut)
        assert _expected_instead(fast) == _expected_instead(slow)
        if slow.refusal:  # what the last part said besides is lost
            assert fast.events == slow.events[: len(fast.events)]
        else:
            assert fast.events == slow.events


def _expected_instead(heard: Heard) -> str:
    """Return a refusal without what was found: of a wrong beginning more may have come."""
    return heard.refusal.partition(", found")[0]


def _new(plan: Plan) -> PeerProtocol:
    ours = PeerProtocol(
        HASH, OUR_ID, PIECES if plan.is_known else 0, piece_length=PIECE_LENGTH,
        total_length=TOTAL_LENGTH, we_dialled=plan.we_dialled,
        reserved=reserved_bytes(fast=plan.speaks_fast, extensions=True),
    )  # fmt: skip
    if plan.is_greeted:
        ours.receive(FIRST)
        ours.handshake()
        if plan.we_unchoke:
            ours.send(Unchoke())
    return ours


def _read_slowly(plan: Plan, stream: bytes) -> Heard:
    """Read one byte at a time; what is reported must be just what stands in the stream."""
    ours = _new(plan)
    before = ours.bytes_received

    def compare(_: str, offset: int, length: int, message: Message | Handshake) -> None:
        begin = offset - before
        written = message.encode()
        assert stream[begin : begin + len(written)] == written
        body = message.length if isinstance(message, PieceHeader) else 0
        assert length == len(written) + body
        assert begin + length <= len(stream)

    ours.on_message, ours.trace_blocks = compare, True
    return _feed(ours, plan, stream, 1)


def _read(plan: Plan, stream: bytes, cut: int) -> Heard:
    ours = _new(plan)
    if plan.has_places and plan.is_known and plan.is_greeted:
        for name in _expected():
            header = PIECE_HEADER.pack(9 + name[2], 7, name[0], name[1])
            target = bytearray(name[2])
            ours.places[header] = (memoryview(target), (name, target))
    return _feed(ours, plan, stream, cut)


def _expected() -> list[BlockName]:
    return [(piece, 16, BLOCK_BYTES) for piece in range(PIECES - 1)]


def _feed(ours: PeerProtocol, plan: Plan, stream: bytes, cut: int) -> Heard:
    events: list[object] = []
    try:
        for part in cut_up(stream, cut):
            events += chain.from_iterable(_plain(event) for event in ours.receive(part))
    except PeerProtocolError as error:
        return Heard(events, str(error))
    finally:
        assert len(ours._buffer.data) <= MOST_BUFFER_BYTES
        assert plan.is_known or not ours.blocks_received
    return Heard(events, "")


def _plain(event: Event) -> list[object]:
    """Return what an event says, whichever way it was read."""
    match event:
        case Placed(owners, _):
            return [(name[0], name[1], bytes(target)) for name, target in owners]
        case Block(piece, offset, data):
            return [(piece, offset, bytes(data))]
        case Requests(rows):
            return [Request(*name) for row in rows for name in row.blocks()]
    return [event]
