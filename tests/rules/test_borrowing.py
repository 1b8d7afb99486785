from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.rules.borrowing import Borrowed, GivenBack
from actortorrent.rules.buffer_pool import SLAB_BYTES, BufferPool
from actortorrent.rules.geometry import BLOCK_BYTES, Geometry, Run
from actortorrent.rules.leases import Cargo, FilledRun, Lease

PIECE_LENGTH = 4 * BLOCK_BYTES + 100  # five blocks, the last one short
GEOMETRY = Geometry(3 * PIECE_LENGTH, PIECE_LENGTH)
CONTENT = random.Random(0).randbytes(GEOMETRY.total_length)

Block = tuple[int, int]  # piece, offset


def content(run: Run) -> bytes:
    start = GEOMETRY.piece_offset(run.piece_index) + run.offset
    return CONTENT[start : start + run.length]


def block_of(piece_index: int, block_offset: int) -> memoryview:
    length = min(BLOCK_BYTES, PIECE_LENGTH - block_offset)
    return memoryview(content(Run(piece_index, block_offset, length)))


def lease(lease_id: int, piece_index: int, first_block: int, block_count: int) -> Lease:
    run = GEOMETRY.run(piece_index, first_block, block_count)
    return Lease(lease_id, run, Cargo(bytearray(b"?" * run.length)))


def borrowed(*leases: Lease) -> Borrowed:
    mine = Borrowed(GEOMETRY)
    for one in leases:
        mine.borrow(one)
    return mine


def send(mine: Borrowed, blocks: Iterable[Block]) -> list[FilledRun]:
    """Let blocks come, all of them expected; return the runs that became whole."""
    outcomes = [mine.block_came(*block, block_of(*block)) for block in blocks]
    return [filled for outcome in outcomes for filled in expected(outcome)]


def expected(outcome: list[FilledRun] | None) -> list[FilledRun]:
    assert outcome is not None
    return outcome


@st.composite
def leases_of_a_peer(draw: st.DrawFn) -> list[Lease]:
    """Cut each piece into runs, and lend some of them."""
    leases = []
    for piece_index in range(GEOMETRY.piece_count):
        first = 0
        while first < 5:
            count = draw(st.integers(1, 5 - first))
            if draw(st.booleans()):
                leases.append(lease(len(leases) + 1, piece_index, first, count))
            first += count
    return draw(st.permutations(leases))


def blocks_of(leases: Sequence[Lease]) -> list[Block]:
    return [(one.run.piece_index, offset) for one in leases for offset, _ in one.run.blocks()]


# --- what comes -------------------------------------------------------------------------------


def test_a_run_is_handed_over_with_its_last_block() -> None:
    run = GEOMETRY.run(1, 3, 2)
    buffer = bytearray(run.length)
    mine = borrowed(Lease(7, run, Cargo(buffer)))
    assert mine.in_flight_bytes == run.length == BLOCK_BYTES + 100
    (filled,) = send(mine, [(1, 4 * BLOCK_BYTES), (1, 3 * BLOCK_BYTES)])
    assert (filled.lease_id, filled.run) == (7, run)
    assert filled.buffer.take() is buffer
    assert bytes(buffer) == content(run)
    assert mine.in_flight_bytes == 0


@given(leases_of_a_peer(), st.data())
def test_blocks_in_any_order_fill_every_run_with_its_own_bytes(
    leases: list[Lease], data: st.DataObject
) -> None:
    mine = borrowed(*leases)
    filled = send(mine, data.draw(st.permutations(blocks_of(leases))))
    assert {one.lease_id for one in filled} == {one.lease_id for one in leases}
    assert all(bytes(one.buffer.take()) == content(one.run) for one in filled)
    assert mine.in_flight_bytes == 0
    assert mine.give_back() == ((), ())


@pytest.mark.parametrize(
    ("piece_index", "offset", "length"),
    [
        (0, 0, BLOCK_BYTES),  # another piece
        (1, 0, BLOCK_BYTES),  # a block in front of the run
        (1, 3 * BLOCK_BYTES, BLOCK_BYTES),  # a block behind it
        (1, BLOCK_BYTES + 1, BLOCK_BYTES),  # not at a block's beginning
        (1, BLOCK_BYTES, BLOCK_BYTES - 1),
        (1, BLOCK_BYTES, BLOCK_BYTES + 1),
        (1, BLOCK_BYTES, 2 * BLOCK_BYTES),
        (1, BLOCK_BYTES, 0),
    ],
)
def test_a_block_that_was_not_asked_for_so_is_of_no_use_and_changes_nothing(
    piece_index: int, offset: int, length: int
) -> None:
    buffer = bytearray(b"?" * 2 * BLOCK_BYTES)
    mine = borrowed(Lease(1, GEOMETRY.run(1, 1, 2), Cargo(buffer)))
    assert mine.block_came(piece_index, offset, memoryview(bytes(length))) is None
    assert mine.in_flight_bytes == 2 * BLOCK_BYTES
    assert set(buffer) == set(b"?")


def test_a_short_last_block_must_be_as_short_as_it_is() -> None:
    mine = borrowed(lease(1, 0, 4, 1))
    assert mine.block_came(0, 4 * BLOCK_BYTES, memoryview(bytes(BLOCK_BYTES))) is None
    assert mine.block_came(0, 4 * BLOCK_BYTES, memoryview(bytes(99))) is None
    assert mine.block_came(0, 4 * BLOCK_BYTES, memoryview(bytes(100)))


def test_a_block_that_comes_twice_is_of_use_once() -> None:
    mine = borrowed(lease(1, 0, 0, 2))
    assert mine.block_came(0, 0, block_of(0, 0)) == []
    assert mine.block_came(0, 0, block_of(0, 0)) is None


# --- what does not ----------------------------------------------------------------------------


@given(leases_of_a_peer(), st.data())
def test_giving_back_hands_over_what_came_and_names_exactly_the_rest(
    leases: list[Lease], data: st.DataObject
) -> None:
    mine = borrowed(*leases)
    blocks = data.draw(st.permutations(blocks_of(leases)))
    count = data.draw(st.integers(0, len(blocks)))
    whole = {one.lease_id for one in send(mine, blocks[:count])}
    in_flight_bytes = mine.in_flight_bytes
    came, given_back = mine.give_back()

    assert {one.lease_id for one in given_back} == {one.lease_id for one in leases} - whole
    missing_runs = [run for one in given_back for run in one.missing]
    missing = {(run.piece_index, offset) for run in missing_runs for offset, _ in run.blocks()}
    assert missing == set(blocks[count:])
    assert sum(run.length for run in missing_runs) == in_flight_bytes
    assert mine.in_flight_bytes == 0

    kept = {(one.run.piece_index, offset) for one in came for offset, _ in one.run.blocks()}
    still_open = [one for one in leases if one.lease_id not in whole]
    assert kept == set(blocks_of(still_open)) - missing
    for one in came:
        assert bytes(one.buffer.take()) == content(one.run)
        assert one.lease_id in {given.lease_id for given in given_back}


def test_a_cancelled_lease_names_what_is_still_expected_of_it() -> None:
    mine = borrowed(lease(1, 0, 0, 4), lease(2, 1, 0, 1))
    send(mine, [(0, BLOCK_BYTES)])
    assert mine.cancel(1) == (GEOMETRY.run(0, 0, 1), GEOMETRY.run(0, 2, 2))
    assert mine.in_flight_bytes == BLOCK_BYTES
    assert mine.block_came(0, 0, block_of(0, 0)) is None
    assert mine.give_back() == ((), (GivenBack(2, (GEOMETRY.run(1, 0, 1),)),))


def test_what_came_of_a_lease_can_be_counted_until_it_is_whole() -> None:
    mine = borrowed(lease(1, 0, 3, 2))
    assert mine.came_bytes(1) == 0
    send(mine, [(0, 4 * BLOCK_BYTES)])
    assert mine.came_bytes(1) == 100
    send(mine, [(0, 3 * BLOCK_BYTES)])
    assert mine.came_bytes(1) == 0
    assert mine.came_bytes(99) == 0


def test_a_lease_that_is_not_there_any_more_is_cancelled_without_harm() -> None:
    mine = borrowed(lease(1, 0, 0, 1))
    send(mine, [(0, 0)])
    assert mine.cancel(1) == ()
    assert mine.cancel(99) == ()


def test_a_run_can_be_borrowed_again_after_it_was_given_back() -> None:
    mine = borrowed(lease(1, 0, 0, 5))
    send(mine, [(0, 0)])
    mine.give_back()
    again = lease(2, 0, 0, 5)
    mine.borrow(again)
    assert mine.last_lease_id == 2
    (filled,) = send(mine, blocks_of([again]))
    assert bytes(filled.buffer.take()) == content(again.run)


# --- what the peer rejects ----------------------------------------------------------------------


@given(leases_of_a_peer(), st.data())
def test_each_block_comes_or_is_given_back_once_however_many_are_rejected(
    leases: list[Lease], data: st.DataObject
) -> None:
    mine = borrowed(*leases)
    blocks = data.draw(st.permutations(blocks_of(leases)))
    fates = data.draw(
        st.lists(st.sampled_from(["came", "reject", "flush", "wait"]), min_size=len(blocks))
    )
    came: list[FilledRun] = []
    given_back: list[GivenBack] = []
    wanted: dict[str, set[Block]] = {"came": set(), "reject": set(), "flush": set(), "wait": set()}
    for block, fate in zip(blocks, fates, strict=False):
        wanted[fate].add(block)
        if fate == "came":
            came += expected(mine.block_came(*block, block_of(*block)))
        elif fate != "wait":
            length = len(block_of(*block))
            assert mine.reject(*block, length)
            assert not mine.reject(*block, length)
        if fate == "flush":
            runs, news = mine.give_back_rejected()
            came += runs
            given_back += news
    assert mine.in_flight_bytes == sum(len(block_of(*block)) for block in wanted["wait"])
    runs, news = mine.give_back()
    came += runs
    given_back += news
    assert mine.in_flight_bytes == 0
    assert named(run for one in given_back for run in one.missing) == sorted(
        wanted["reject"] | wanted["flush"] | wanted["wait"]
    )
    assert named(one.run for one in came) == sorted(wanted["came"])
    assert all(bytes(one.buffer.take()) == content(one.run) for one in came)


def named(runs: Iterable[Run]) -> list[Block]:
    return sorted((run.piece_index, offset) for run in runs for offset, _ in run.blocks())


def test_what_was_rejected_of_a_cancelled_lease_did_not_come() -> None:
    mine = borrowed(lease(1, 0, 0, 3))
    send(mine, [(0, 0)])
    assert mine.reject(0, BLOCK_BYTES, BLOCK_BYTES)
    assert mine.came_bytes(1) == BLOCK_BYTES
    assert mine.cancel(1) == (GEOMETRY.run(0, 2, 1),)


def test_a_lease_that_is_declined_is_given_back_whole() -> None:
    mine = borrowed()
    assert mine.decline([lease(4, 1, 0, 5)]) == (GivenBack(4, (GEOMETRY.run(1, 0, 5),)),)
    assert mine.last_lease_id == 4
    assert not mine.places


def test_what_is_given_back_prints_as_blocks() -> None:
    assert str(GivenBack(3, (GEOMETRY.run(0, 0, 2), GEOMETRY.run(0, 4, 1)))) == "lease 3: 3 blocks"


def test_a_peer_that_leaves_holds_no_memory_of_what_it_was_lent() -> None:
    pool, run = BufferPool(), GEOMETRY.whole_piece(0)
    mine = borrowed(Lease(1, run, Cargo(pool.take(run.length))))
    pool.take(SLAB_BYTES - run.length)  # the rest of the slab
    next_slab = pool.take(run.length)
    assert pool.slab_bytes == 2 * SLAB_BYTES
    send(mine, [(0, 0)])
    came, _ = mine.give_back()
    assert [bytes(one.buffer.take()) for one in came] == [content(GEOMETRY.run(0, 0, 1))]
    assert pool.slab_bytes == SLAB_BYTES
    assert len(next_slab) == run.length
