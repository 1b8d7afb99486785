from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.rules.bitfield import (
    all_pieces,
    from_wire,
    indexes_of,
    lowest_set_bit,
    mask_of,
    mask_of_flags,
    random_set_bit,
    to_wire,
    without,
)

PIECE_SETS = st.one_of(
    st.sets(st.integers(0, 300)),
    st.sets(st.integers(0, 5000), max_size=20),
    st.integers(0, 400).map(lambda count: set(range(count))),
)


def test_the_first_piece_is_the_high_bit_of_the_first_byte() -> None:
    assert from_wire(b"\x80\x00", 16) == 1
    assert from_wire(b"\x01\x80", 16) == 0b1_1000_0000
    assert to_wire(0b101, 3) == b"\xa0"


@given(PIECE_SETS, st.integers(1, 20))
def test_a_set_reads_back_from_the_wire(pieces: set[int], more: int) -> None:
    piece_count = max(pieces, default=0) + more
    mask = mask_of(pieces)
    bits = to_wire(mask, piece_count)
    assert from_wire(bits, piece_count) == mask
    for index in pieces:
        assert bits[index // 8] & (0x80 >> index % 8)


@given(PIECE_SETS)
def test_the_indexes_are_the_pieces_in_rising_order(pieces: set[int]) -> None:
    assert list(indexes_of(mask_of(pieces))) == sorted(pieces)


@pytest.mark.parametrize(
    ("bits", "piece_count"), [(b"", 1), (b"\0", 9), (b"\0\0", 8), (b"\x01", 7), (b"\xff", 0)]
)
def test_a_bitfield_of_another_torrent_is_refused(bits: bytes, piece_count: int) -> None:
    with pytest.raises(ValueError, match=str(piece_count)):
        from_wire(bits, piece_count)


def test_a_piece_behind_the_last_is_not_written() -> None:
    with pytest.raises(ValueError, match="behind the last of 8"):
        to_wire(1 << 8, 8)


def test_a_torrent_without_pieces_has_an_empty_bitfield() -> None:
    assert from_wire(b"", 0) == 0
    assert to_wire(0, 0) == b""
    assert all_pieces(0) == 0


@given(st.sets(st.integers(0, 300)), st.sets(st.integers(0, 300)))
def test_what_one_has_and_another_lacks(one: set[int], other: set[int]) -> None:
    assert without(mask_of(one), mask_of(other)) == mask_of(one - other)


@given(st.lists(st.booleans(), max_size=300))
def test_flags_are_a_set_of_those_that_are_up(flags: list[bool]) -> None:
    up = [index for index, flag in enumerate(flags) if flag]
    assert mask_of_flags(bytes(flags)) == mask_of(up)


def test_all_pieces_are_all_and_no_more() -> None:
    assert list(indexes_of(all_pieces(5))) == [0, 1, 2, 3, 4]


@given(PIECE_SETS.filter(bool), st.integers())
def test_the_lowest_set_bit_is_in_the_set_and_so_is_a_random_one(
    pieces: set[int], seed: int
) -> None:
    mask = mask_of(pieces)
    assert lowest_set_bit(mask) == min(pieces)
    assert random_set_bit(mask, random.Random(seed)) in pieces


def test_an_empty_set_has_neither() -> None:
    for choose in (lowest_set_bit, lambda mask: random_set_bit(mask, random.Random(0))):
        with pytest.raises(ValueError, match="empty set"):
            choose(0)


def test_every_piece_of_an_uneven_set_has_the_same_chance() -> None:
    pieces = [0, 1, 2, 3, 500, 9_000, 9_001, 30_000]
    rng, mask = random.Random(1), mask_of(pieces)
    counts = dict.fromkeys(pieces, 0)
    for _ in range(8_000):
        counts[random_set_bit(mask, rng)] += 1
    assert all(850 < found < 1150 for found in counts.values())


def test_a_hundred_thousand_pieces_take_milliseconds() -> None:
    mask = random.Random(1).getrandbits(100_000)
    begin = time.process_time()
    for _ in range(5):
        assert sum(1 for _ in indexes_of(mask)) == mask.bit_count()
        assert from_wire(to_wire(mask, 100_000), 100_000) == mask
    assert time.process_time() - begin < 1.0
