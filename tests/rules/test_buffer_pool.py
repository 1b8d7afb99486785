from __future__ import annotations

import gc

from hypothesis import given
from hypothesis import strategies as st

from actortorrent.rules.buffer_pool import BUDGET_BYTES, SLAB_BYTES, Buffer, BufferPool

KIB = 1024
MOST_SLABS = BUDGET_BYTES // SLAB_BYTES


def test_buffers_are_cut_from_one_slab_as_long_as_they_fit() -> None:
    pool = BufferPool()
    buffers = [pool.take(SLAB_BYTES // 4) for _ in range(4)]
    assert pool.slab_bytes == SLAB_BYTES
    for index, buffer in enumerate(buffers):
        buffer[:] = bytes([index]) * len(buffer)
    assert [set(buffer) for buffer in buffers] == [{0}, {1}, {2}, {3}]
    buffers.append(pool.take(16 * KIB))
    assert pool.slab_bytes == 2 * SLAB_BYTES


def test_a_slab_of_which_all_came_back_is_cut_up_anew_in_other_sizes() -> None:
    pool = BufferPool()
    for buffer in [pool.take(128 * KIB) for _ in range(16)]:
        pool.give_back(buffer)
    assert len(pool.take(SLAB_BYTES)) == SLAB_BYTES
    assert pool.slab_bytes == SLAB_BYTES


def test_a_slab_of_which_something_is_out_is_not_cut_up() -> None:
    pool = BufferPool()
    kept, *others = [pool.take(SLAB_BYTES // 2) for _ in range(2)]
    kept[:] = b"k" * len(kept)
    for buffer in others:
        pool.give_back(buffer)
    for _ in range(4):
        pool.take(SLAB_BYTES)[:] = bytes(SLAB_BYTES)
    assert set(kept) == {ord("k")}


def test_where_crumbs_hold_every_slab_there_is_memory_for_as_much_as_is_asked_for() -> None:
    pool, crumbs, rest = BufferPool(), list[Buffer](), list[Buffer]()
    for _ in range(MOST_SLABS):
        crumbs.append(pool.take(16 * KIB))
        rest.append(pool.take(SLAB_BYTES - 16 * KIB))
    for buffer in rest:
        pool.give_back(buffer)
    taken = [pool.take(SLAB_BYTES) for _ in range(MOST_SLABS)]
    assert {len(buffer) for buffer in taken} == {SLAB_BYTES}
    assert pool.slab_bytes == BUDGET_BYTES
    for buffer in crumbs:
        pool.give_back(buffer)
    assert isinstance(pool.take(SLAB_BYTES), memoryview)


def test_a_longer_buffer_than_a_slab_is_made_for_itself() -> None:
    pool = BufferPool()
    buffer = pool.take(SLAB_BYTES + 1)
    assert len(buffer) == SLAB_BYTES + 1
    pool.give_back(buffer)
    assert pool.slab_bytes == 0


def test_what_never_comes_back_holds_its_slab_no_longer_than_it_lives() -> None:
    pool = BufferPool()
    lost = pool.take(SLAB_BYTES)
    assert pool.slab_bytes == SLAB_BYTES
    del lost
    gc.collect()
    assert pool.slab_bytes == 0


def test_at_the_end_all_is_let_go_of_that_is_not_out() -> None:
    pool = BufferPool()
    small, large = pool.take(16 * KIB), pool.take(SLAB_BYTES)
    pool.give_back(large)
    del large
    pool.let_go()
    gc.collect()
    assert pool.slab_bytes == SLAB_BYTES  # the small one's
    pool.give_back(small)
    del small
    pool.let_go()
    gc.collect()
    assert pool.slab_bytes == 0


@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from([1, 16, 63, 256, 1500, 2048])), max_size=60)
)
def test_no_two_buffers_share_a_byte_and_the_slabs_are_bounded(
    steps: list[tuple[bool, int]],
) -> None:
    pool, taken = BufferPool(), list[tuple[Buffer, int]]()
    for number, (is_taking, kib) in enumerate(steps):
        if is_taking:
            buffer = pool.take(kib * KIB)
            assert len(buffer) == kib * KIB
            buffer[0] = buffer[-1] = number % 256
            taken.append((buffer, number % 256))
        elif taken:
            pool.give_back(taken.pop(kib % len(taken))[0])
        assert all(buffer[0] == buffer[-1] == mark for buffer, mark in taken)
        assert pool.slab_bytes <= BUDGET_BYTES
