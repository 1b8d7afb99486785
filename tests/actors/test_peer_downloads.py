from __future__ import annotations

import pytest

from actortorrent.actors.peer_downloads import SNUB_SECONDS, Downloads
from actortorrent.rules.geometry import BLOCK_BYTES, Geometry, Run
from actortorrent.rules.leases import Cargo, FilledRun, Lease
from actortorrent.rules.pipeline import FIRST_DEPTH_BYTES, MOST_DEPTH_BYTES
from actortorrent.wire.handshake import HANDSHAKE_BYTES
from actortorrent.wire.peer_protocol import Block

PIECE_BYTES = 8 * BLOCK_BYTES
GEOMETRY = Geometry(10 * PIECE_BYTES, PIECE_BYTES)
LATER = 2 * SNUB_SECONDS


def downloads(*leases: Lease, is_limited: bool = False) -> Downloads:
    """Return the downloads of a peer that was lent something at 0.0 s."""
    mine = Downloads(GEOMETRY, 0.0, is_limited=is_limited)
    mine.borrow(leases, 0.0)
    return mine


def lease(lease_id: int, piece_index: int, block_count: int) -> Lease:
    run = GEOMETRY.run(piece_index, 0, block_count)
    return Lease(lease_id, run, Cargo(bytearray(run.length)))


def block(piece_index: int, block_index: int) -> Block:
    return Block(piece_index, block_index * BLOCK_BYTES, memoryview(b"x" * BLOCK_BYTES))


# --- how much to ask for ----------------------------------------------------------------------------


def test_at_first_it_asks_for_a_whole_pipeline() -> None:
    assert downloads().bytes_to_ask_for == FIRST_DEPTH_BYTES == PIECE_BYTES


def test_it_does_not_ask_again_before_it_has_an_answer() -> None:
    mine = downloads()
    mine.has_asked = True
    assert mine.bytes_to_ask_for == 0
    mine.borrow([], 0.0)
    assert mine.bytes_to_ask_for == FIRST_DEPTH_BYTES


def test_it_asks_again_when_a_quarter_of_the_pipeline_is_free() -> None:
    mine = downloads(lease(1, 0, 7))
    assert mine.in_flight_bytes == 7 * BLOCK_BYTES
    assert mine.bytes_to_ask_for == 0  # for a single block
    mine.blocks_came([block(0, 0)], 0.0)  # and the pipeline grows by a block
    assert mine.bytes_to_ask_for == 3 * BLOCK_BYTES


def test_of_a_quick_peer_that_is_near_it_asks_when_half_is_free() -> None:
    mine = downloads()
    mine.pipeline.depth_bytes = MOST_DEPTH_BYTES
    mine.borrow([lease(1, 0, 8)], 0.0)
    most = MOST_DEPTH_BYTES - mine.in_flight_bytes
    assert (mine.bytes_to_ask_for, mine.pipeline.least_to_ask_for) == (most, MOST_DEPTH_BYTES // 2)
    mine.pipeline.answer_seconds = 0.2
    assert mine.pipeline.least_to_ask_for == MOST_DEPTH_BYTES // 4


def test_a_choke_frees_the_pipeline_and_takes_the_question_back() -> None:
    mine = downloads(lease(1, 0, 8))
    mine.has_asked = True
    mine.give_back()
    assert mine.bytes_to_ask_for == FIRST_DEPTH_BYTES


# --- what comes -------------------------------------------------------------------------------------


def test_runs_are_handed_over_as_they_become_whole() -> None:
    mine = downloads(lease(1, 0, 2), lease(2, 1, 1))
    first = mine.blocks_came([block(1, 0), block(0, 1)], 1.0)
    second = mine.blocks_came([block(0, 0)], 2.0)
    assert [one.lease_id for one in (*first, *second)] == [2, 1]
    assert isinstance(first[0], FilledRun)
    assert (mine.came_bytes, mine.wasted_bytes) == (3 * BLOCK_BYTES, 0)
    assert mine.last_lease_id == 2


def test_what_nobody_asked_for_is_counted_as_wasted() -> None:
    mine = downloads(lease(1, 0, 1))
    mine.blocks_came([block(0, 0), block(0, 0), block(5, 5)], 1.0)
    assert (mine.came_bytes, mine.wasted_bytes) == (3 * BLOCK_BYTES, 2 * BLOCK_BYTES)
    assert mine.meter.total_bytes == BLOCK_BYTES


def test_what_came_of_a_cancelled_lease_is_wasted_too() -> None:
    mine = downloads(lease(1, 0, 3))
    mine.blocks_came([block(0, 1)], 1.0)
    assert mine.cancel(1) == (GEOMETRY.run(0, 0, 1), GEOMETRY.run(0, 2, 1))
    assert mine.cancel(1) == ()
    assert (mine.came_bytes, mine.wasted_bytes) == (BLOCK_BYTES, BLOCK_BYTES)


def test_giving_back_hands_over_what_came() -> None:
    mine = downloads(lease(1, 0, 2))
    mine.blocks_came([block(0, 0)], 1.0)
    ((kept,), (given_back,)) = mine.give_back()
    assert (kept.run, bytes(kept.buffer.take())) == (Run(0, 0, BLOCK_BYTES), b"x" * BLOCK_BYTES)
    assert given_back.missing == (Run(0, BLOCK_BYTES, BLOCK_BYTES),)
    assert (mine.in_flight_bytes, mine.wasted_bytes) == (0, 0)


# --- a peer that lets us wait -------------------------------------------------------------------------


def test_it_has_stalled_when_nothing_that_was_asked_for_came_for_long() -> None:
    mine = downloads(lease(1, 0, 2))
    assert not mine.has_stalled(SNUB_SECONDS)
    assert mine.has_stalled(SNUB_SECONDS + 0.1)
    mine.blocks_came([block(0, 0)], SNUB_SECONDS)
    assert not mine.has_stalled(2 * SNUB_SECONDS)


def test_whoever_was_asked_for_nothing_has_not_stalled() -> None:
    assert not downloads().has_stalled(LATER)


def test_blocks_of_no_use_do_not_count() -> None:
    mine = downloads(lease(1, 0, 2))
    mine.blocks_came([block(5, 5)], LATER)
    assert mine.has_stalled(LATER)


def test_the_time_counts_from_the_first_lease_in_flight() -> None:
    mine = downloads()
    mine.borrow([lease(1, 0, 1)], LATER)
    assert not mine.has_stalled(LATER + SNUB_SECONDS)
    mine.borrow([lease(2, 1, 1)], LATER + SNUB_SECONDS)  # which is no news of the first
    assert mine.has_stalled(LATER + SNUB_SECONDS + 0.1)


def test_a_snubbed_peer_is_asked_for_one_block_until_it_brings_one() -> None:
    mine = downloads(lease(1, 0, 2))
    mine.snub()
    mine.give_back()
    assert (mine.is_snubbed, mine.bytes_to_ask_for) == (True, BLOCK_BYTES)
    mine.borrow([lease(2, 0, 1)], LATER)
    mine.blocks_came([block(0, 0)], LATER)
    assert not mine.is_snubbed
    assert mine.bytes_to_ask_for > BLOCK_BYTES


# --- a limit --------------------------------------------------------------------------------------------


def test_under_a_limit_only_the_handshake_is_free() -> None:
    assert downloads().allowance is None
    assert downloads(is_limited=True).allowance == HANDSHAKE_BYTES


@pytest.mark.parametrize(("allowance", "stalls_after"), [(0, LATER), (1, 0.0)])
def test_whom_we_kept_waiting_has_not_stalled(allowance: int, stalls_after: float) -> None:
    mine = downloads(lease(1, 0, 2), is_limited=True)
    mine.allowance = allowance
    assert mine.has_stalled(LATER) == bool(allowance)
    mine.grant(100, LATER)
    assert mine.allowance == allowance + 100
    assert mine.has_stalled(stalls_after + SNUB_SECONDS + 0.1)
    assert mine.has_stalled(LATER) == bool(allowance)
