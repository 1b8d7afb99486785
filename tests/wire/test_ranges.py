from __future__ import annotations

from contextlib import nullcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.errors import PeerProtocolError
from actortorrent.wire.messages import (
    AllowedFast,
    Bitfield,
    Cancel,
    Have,
    HaveAll,
    Interested,
    Message,
    PieceHeader,
    Reject,
    Request,
    Suggest,
)
from actortorrent.wire.metainfo import MAX_PIECE_BYTES, MAX_PIECES
from actortorrent.wire.ranges import Ranges, UnknownRanges, ranges_of

KIB = 1024
TORRENT = Ranges(piece_count=11, piece_length=256 * KIB, total_length=10 * 256 * KIB + 100)


@pytest.mark.parametrize(
    "message",
    [
        Interested(),
        Have(0),
        Have(10),
        Bitfield(b"\xff\xe0"),
        Bitfield(b"\x00\x00"),
        Request(0, 0, 1),
        Request(9, 240 * KIB, 16 * KIB),
        Request(0, 0, 128 * KIB),
        Request(10, 0, 100),
        Cancel(10, 99, 1),
        Reject(10, 99, 1),
        Suggest(10),
        AllowedFast(10),
        HaveAll(),
        PieceHeader(9, 255 * KIB, KIB),
    ],
    ids=str,
)
def test_what_the_torrent_has_may_be_spoken_of(message: Message) -> None:
    TORRENT.check(message)


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        (Have(11), "a piece index under 11, found have piece 11"),
        (Request(11, 0, 1), "a piece index under 11"),
        (Cancel(2**32 - 1, 0, 1), "a piece index under 11"),
        (PieceHeader(11, 0, 1), "a piece index under 11"),
        (Suggest(11), "a piece index under 11, found suggest piece 11"),
        (AllowedFast(11), "a piece index under 11"),
        (Reject(11, 0, 1), "a piece index under 11"),
        (Reject(10, 1, 100), "an end within 100 bytes"),
        (Request(0, 0, 0), "1 to 131072 bytes"),
        (Request(0, 0, 128 * KIB + 1), "1 to 131072 bytes"),
        (Request(0, 2**32 - 1, 1), "an end within 262144 bytes"),
        (Request(0, 256 * KIB - 1, 2), "an end within 262144 bytes"),
        (Request(10, 1, 100), "an end within 100 bytes"),
        (PieceHeader(10, 100, 1), "an end within 100 bytes"),
        (Bitfield(b"\xff"), "a bitfield of 2 bytes, found 1"),
        (Bitfield(b"\xff\xe0\x00"), "a bitfield of 2 bytes, found 3"),
        (Bitfield(b"\xff\xf0"), "5 spare bits of zero in the bitfield, found 11110000"),
        (Bitfield(b"\x00\x01"), "5 spare bits of zero"),
    ],
    ids=str,
)
def test_what_the_torrent_has_not_may_not(message: Message, fault: str) -> None:
    with pytest.raises(PeerProtocolError, match=fault):
        TORRENT.check(message)


def test_a_whole_last_byte_has_no_spare_bits() -> None:
    Ranges(16, 1024, 16 * 1024).check(Bitfield(b"\xff\xff"))


# --- a torrent known by its info-hash alone -------------------------------------------------


def test_no_pieces_stand_for_a_torrent_that_is_not_known_yet() -> None:
    assert isinstance(ranges_of(0, 0, 0), UnknownRanges)
    assert type(ranges_of(1, 2, 2)) is Ranges


@pytest.mark.parametrize(
    "message",
    [
        Interested(),
        HaveAll(),
        Have(MAX_PIECES - 1),
        Bitfield(b"\xff"),
        Bitfield(bytes(MAX_PIECES // 8)),
        AllowedFast(7),
        Request(0, 0, 1),
    ],
    ids=lambda message: message.name,
)
def test_then_all_that_any_torrent_can_have_may_be_spoken_of(message: Message) -> None:
    UnknownRanges().check(message)


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        (Have(MAX_PIECES), "a piece index under 1600000"),
        (Bitfield(bytes(MAX_PIECES // 8 + 1)), "a bitfield of at most 200000 bytes, found 200001"),
        (Request(0, MAX_PIECE_BYTES, 1), "an end within"),
        (PieceHeader(0, 0, 1), "expected no block yet"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_and_what_none_can_have_may_not(message: Message, fault: str) -> None:
    with pytest.raises(PeerProtocolError, match=fault):
        UnknownRanges().check(message)


@given(
    st.integers(1, 3 * 256 * KIB),
    st.sampled_from([1, 256, 16 * KIB, 256 * KIB]),
    st.integers(0, 20),
    st.integers(0, 300 * KIB) | st.integers(0, 2**32 - 1),
    st.integers(0, 150 * KIB) | st.integers(0, 2**32 - 1),
)
def test_a_block_may_be_spoken_of_exactly_if_all_its_bytes_are_in_one_piece(
    total_length: int, piece_length: int, piece_index: int, offset: int, length: int
) -> None:
    piece_count = -(-total_length // piece_length)
    torrent = Ranges(piece_count, piece_length, total_length)
    is_piece = piece_index < piece_count
    begin = piece_index * piece_length
    end_of_piece = min(begin + piece_length, total_length)
    is_inside = begin + offset + length <= end_of_piece
    is_block = is_piece and 0 < length <= 128 * KIB and is_inside
    for message, is_legal in (
        (Have(piece_index), is_piece),
        (Request(piece_index, offset, length), is_block),
        (PieceHeader(piece_index, offset, length), is_block),
    ):
        with nullcontext() if is_legal else pytest.raises(PeerProtocolError):
            torrent.check(message)


@given(st.sets(st.integers(0, 40)), st.integers(1, 41))
def test_a_bitfield_may_name_all_pieces_and_no_other(pieces: set[int], piece_count: int) -> None:
    size = (piece_count + 7) // 8
    bits = sum(1 << (8 * size - 1 - piece) for piece in pieces if piece < 8 * size)
    is_legal = all(piece < piece_count or piece >= 8 * size for piece in pieces)
    with nullcontext() if is_legal else pytest.raises(PeerProtocolError):
        Ranges(piece_count, 1, piece_count).check(Bitfield(bits.to_bytes(size)))
