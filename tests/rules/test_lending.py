"""Leases, their buffers and the budget, as peers take and bring them in any order."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actortorrent.rules import lending
from actortorrent.rules.bitfield import all_pieces
from actortorrent.rules.geometry import BLOCK_BYTES, Geometry
from actortorrent.rules.leases import Cargo, Lease
from actortorrent.rules.lending import Lender

GEOMETRY = Geometry(20 * BLOCK_BYTES + 7, 2 * BLOCK_BYTES)
EVERYTHING = all_pieces(GEOMETRY.piece_count)
BUDGET, BACKLOG = 8 * BLOCK_BYTES, 4 * BLOCK_BYTES


@pytest.fixture(autouse=True, scope="module")
def small_budget() -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lending, "BUDGET_BYTES", BUDGET)
        patch.setattr(lending, "BACKLOG_BYTES", BACKLOG)
        yield


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["lend", "fill", "store", "give back"]),
        st.integers(1, 3),
        st.integers(1, 6 * BLOCK_BYTES),
    ),
    max_size=40,
)


@settings(max_examples=60)
@given(STEPS, st.booleans())
def test_no_more_is_lent_than_the_budget_and_every_buffer_comes_back(
    steps: list[tuple[str, int, int]], is_sequential: bool
) -> None:
    lender = Lender(
        GEOMETRY, EVERYTHING, random.Random(0), is_sequential=is_sequential, policy=None
    )
    out: dict[int, Lease] = {}
    filled: dict[int, Lease] = {}
    for what, conn, wants_bytes in steps:
        if what == "lend":
            was_behind = lender.ledger.bytes_filled >= BACKLOG
            lent = list(lender.lend(conn, EVERYTHING, wants_bytes, peer_count=2))
            assert not (lent and was_behind)
            for lease, rule in lent:
                assert rule
                assert lease.buffer.length == lease.run.length
                assert lease.lease_id not in out
                out[lease.lease_id] = lease
        elif what == "fill" and out:
            lease_id, lease = out.popitem()
            lender.ledger.fill(lease_id)
            filled[lease_id] = lease
        elif what == "store" and filled:
            store(lender, *filled.popitem())
        elif what == "give back" and out:
            lease_id, lease = out.popitem()
            lender.ledger.give_back(lease_id, GEOMETRY.split(lease.run))
        # One lease may be beyond the budget, by less than a block: nobody is lent less than that.
        assert lender.ledger.bytes_out < BUDGET + BLOCK_BYTES
        lender.ledger.check_invariant()
    for lease_id, lease in [*out.items(), *filled.items()]:
        store(lender, lease_id, lease)
    assert lender.ledger.bytes_out == lender.ledger.bytes_filled == 0
    assert lender.verified_bytes <= lender.wanted_bytes == GEOMETRY.total_length


def store(lender: Lender, lease_id: int, lease: Lease) -> None:
    """Do as the piece manager does when the storage has taken a run, and all of it is right."""
    whole = sum(1 << part.piece_index for part in GEOMETRY.split(lease.run))
    lender.ledger.store(lease_id, lease.run, whole)
    lender.take_back(Cargo(lease.buffer.take()))


@pytest.mark.parametrize(("peer_count", "do_they_hash"), [(1, False), (2, True), (20, True)])
def test_only_several_peers_hash_what_they_bring(peer_count: int, do_they_hash: bool) -> None:
    lender = Lender(GEOMETRY, EVERYTHING, random.Random(0), is_sequential=False, policy=None)
    lent = list(lender.lend(1, EVERYTHING, 4 * BLOCK_BYTES, peer_count))
    assert lent
    assert {lease.with_hash for lease, _ in lent} == {do_they_hash}
