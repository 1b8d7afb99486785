from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actortorrent.rules.buffer_pool import POOLED_AT_LEAST_BYTES, BufferPool

MIB = 1024 * 1024


def test_a_large_buffer_comes_back_into_use() -> None:
    pool = BufferPool()
    buffer = pool.take(MIB)
    assert len(buffer) == MIB
    pool.give_back(buffer)
    assert pool.take(MIB) is buffer
    assert pool.take(MIB) is not buffer


def test_a_buffer_of_another_size_is_made_anew() -> None:
    pool = BufferPool()
    pool.give_back(bytearray(MIB))
    assert len(pool.take(MIB + 1)) == MIB + 1


def test_small_ones_are_not_kept() -> None:
    pool = BufferPool()
    small = bytearray(POOLED_AT_LEAST_BYTES - 1)
    pool.give_back(small)
    assert pool.take(len(small)) is not small


def test_buffers_of_a_size_nobody_takes_make_room_for_those_in_use() -> None:
    pool = BufferPool()
    for _ in range(8):
        pool.give_back(bytearray(MIB))
    wanted = bytearray(4 * MIB)
    pool.give_back(wanted)
    pool.keep(8 * MIB)
    assert pool.spare_bytes == 8 * MIB
    assert pool.take(4 * MIB) is wanted


def test_where_none_may_be_kept_none_is() -> None:
    pool = BufferPool()
    buffer = bytearray(MIB)
    pool.give_back(buffer)
    pool.keep(0)
    assert pool.spare_bytes == 0
    assert pool.take(MIB) is not buffer


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([63, 256, 4096, 9000])), max_size=30))
def test_no_buffer_has_two_owners_and_the_spare_ones_are_bounded(
    steps: list[tuple[bool, int]],
) -> None:
    pool, taken = BufferPool(), list[bytearray]()
    for is_taking, kib in steps:
        if is_taking:
            buffer = pool.take(kib * 1024)
            assert len(buffer) == kib * 1024
            assert all(buffer is not other for other in taken)
            taken.append(buffer)
        elif taken:
            pool.give_back(taken.pop())
            pool.keep(8 * MIB)
            assert pool.spare_bytes <= 8 * MIB
