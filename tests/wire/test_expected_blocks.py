"""Blocks that are expected are put in their places, whatever the order and the splits of the stream."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actortorrent.wire.handshake import Handshake
from actortorrent.wire.messages import (
    BLOCK_OVERHEAD,
    PIECE_HEADER,
    Bitfield,
    Have,
    Interested,
    Kind,
    Unchoke,
)
from actortorrent.wire.peer_protocol import Block, PeerProtocol, Placed

INFO_HASH, PEER_ID = b"i" * 20, b"p" * 20
PIECES, PIECE_BYTES, BLOCK_BYTES = 4, 40, 10
NAMES = [(piece, start) for piece in range(PIECES) for start in range(0, PIECE_BYTES, BLOCK_BYTES)]


def protocol() -> PeerProtocol:
    ours = PeerProtocol(
        INFO_HASH,
        PEER_ID,
        PIECES,
        piece_length=PIECE_BYTES,
        total_length=PIECES * PIECE_BYTES,
        we_dialled=True,
    )
    ours.handshake()
    ours.receive(Handshake(INFO_HASH, PEER_ID).encode() + Bitfield(b"\xf0").encode())
    ours.receive(Unchoke().encode())
    ours.send(Interested())
    return ours


def header(piece_index: int, offset: int, length: int = BLOCK_BYTES) -> bytes:
    return PIECE_HEADER.pack(BLOCK_OVERHEAD + length, Kind.PIECE, piece_index, offset)


def data_of(piece_index: int, offset: int) -> bytes:
    return bytes([10 * piece_index + offset]) * BLOCK_BYTES


def block(piece_index: int, offset: int) -> bytes:
    return header(piece_index, offset) + data_of(piece_index, offset)


def expect(ours: PeerProtocol, names: list[tuple[int, int]]) -> dict[tuple[int, int], bytearray]:
    """Expect blocks; return where each is to go."""
    targets = {name: bytearray(BLOCK_BYTES) for name in names}
    for name, target in targets.items():
        ours.places[header(*name)] = (memoryview(target), name)
    return targets


def owners(events: list[object]) -> list[object]:
    return [owner for event in events if isinstance(event, Placed) for owner in event.owners]


@given(st.permutations(NAMES), st.sets(st.sampled_from(NAMES)), st.data())
def test_what_is_expected_goes_to_its_place_and_all_else_is_told_as_a_block(
    order: list[tuple[int, int]], expected: set[tuple[int, int]], data: st.DataObject
) -> None:
    ours = protocol()
    targets = expect(ours, sorted(expected))
    stream, events = b"".join(block(*name) for name in order), []
    while stream:
        count = data.draw(st.integers(1, len(stream)))
        events += ours.receive(stream[:count])
        stream = stream[count:]
    assert {name: bytes(target) for name, target in targets.items()} == {
        name: data_of(*name) for name in expected
    }
    assert owners(events) == [name for name in order if name in expected]
    told = [event for event in events if isinstance(event, Block)]
    assert [(one.piece_index, one.block_offset) for one in told] == [
        name for name in order if name not in expected
    ]
    assert all(bytes(one.data) == data_of(one.piece_index, one.block_offset) for one in told)
    assert ours.places == {}
    assert (ours.blocks_received, ours.block_bytes_received) == (16, 160)


def test_blocks_in_a_row_are_one_event_up_to_the_next_other_message() -> None:
    ours = protocol()
    expect(ours, NAMES)
    stream = block(0, 0) + block(2, 10) + Have(1).encode() + block(3, 30)
    first, have, second = ours.receive(stream)
    assert first == Placed([(0, 0), (2, 10)], 20)
    assert have == Have(1)
    assert second == Placed([(3, 30)], 10)


def test_a_block_that_comes_twice_or_with_another_length_is_not_put_there() -> None:
    ours = protocol()
    targets = expect(ours, [(0, 0), (1, 0)])
    twice = ours.receive(block(0, 0) + header(0, 0) + b"x" * BLOCK_BYTES)
    shorter = ours.receive(header(1, 0, 9) + b"x" * 9)
    assert [type(event) for event in (*twice, *shorter)] == [Placed, Block, Block]
    assert bytes(targets[0, 0]) == data_of(0, 0)
    assert bytes(targets[1, 0]) == bytes(BLOCK_BYTES)


def test_where_each_block_is_recorded_none_is_placed_by_the_way() -> None:
    ours = protocol()
    expect(ours, NAMES)
    told: list[object] = []
    ours.on_message, ours.trace_blocks = lambda *message: told.append(message[-1]), True
    (event,) = ours.receive(block(0, 0))
    assert isinstance(event, Block)
    assert len(told) == 1
