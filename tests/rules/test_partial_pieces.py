from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from actortorrent.rules.geometry import BLOCK_BYTES, Geometry, Run
from actortorrent.rules.partial_pieces import (
    EARLIER_SESSION,
    PartialPieces,
    contributors_of,
)

BLOCKS = 5
GEOMETRY = Geometry(3 * BLOCKS * BLOCK_BYTES - 100, BLOCKS * BLOCK_BYTES)


def test_blocks_stored_are_no_longer_missing() -> None:
    partial = PartialPieces(GEOMETRY)
    partial.store(1, GEOMETRY.run(0, 1, 2))
    assert partial.missing_runs(GEOMETRY.whole_piece(0)) == (
        GEOMETRY.run(0, 0, 1),
        GEOMETRY.run(0, 3, 2),
    )


def test_a_piece_is_whole_when_its_last_short_block_is_there() -> None:
    partial = PartialPieces(GEOMETRY)
    partial.store(1, GEOMETRY.run(2, 0, 4))
    assert not partial.is_whole(2)
    partial.store(2, GEOMETRY.run(2, 4, 1))
    assert partial.is_whole(2)
    assert contributors_of(partial.contributions(2)) == (1, 2)


def test_restored_blocks_were_sent_by_an_earlier_session() -> None:
    partial = PartialPieces(GEOMETRY)
    partial.restore(1, 0b10110)
    assert partial.stored_blocks() == ((1, 0b10110),)
    assert contributors_of(partial.contributions(1)) == (EARLIER_SESSION,)


class Ledger(RuleBasedStateMachine):
    """Compare the ledger with the simplest one: the sender of every block."""

    def __init__(self) -> None:
        super().__init__()
        self.partial = PartialPieces(GEOMETRY)
        self.senders: dict[tuple[int, int], int] = {}

    @rule(
        piece=st.integers(0, 2),
        first=st.integers(0, 4),
        count=st.integers(1, 5),
        conn=st.integers(1, 4),
    )
    def blocks_come(self, piece: int, first: int, count: int, conn: int) -> None:
        run = GEOMETRY.run(piece, first, min(count, BLOCKS - first))
        for part in self.partial.missing_runs(run):
            self.partial.store(conn, part)
        for block in self._blocks(run):
            self.senders.setdefault((piece, block), conn)

    @rule(piece=st.integers(0, 2))
    def piece_is_judged(self, piece: int) -> None:
        self.partial.forget(piece)
        self.senders = {key: conn for key, conn in self.senders.items() if key[0] != piece}

    @invariant()
    def every_stored_block_has_exactly_one_sender(self) -> None:
        contributed = [
            ((piece, block), each.conn)
            for piece in range(3)
            for each in self.partial.contributions(piece)
            for block in self._blocks(each.run)
        ]
        assert dict(contributed) == self.senders
        assert len(contributed) == len(self.senders)

    @invariant()
    def stored_blocks_are_those_with_a_sender(self) -> None:
        masks: dict[int, int] = {}
        for piece, block in self.senders:
            masks[piece] = masks.get(piece, 0) | 1 << block
        assert dict(self.partial.stored_blocks()) == masks
        assert all(
            self.partial.is_whole(piece) == (masks.get(piece) == GEOMETRY.all_blocks(piece))
            for piece in range(3)
        )

    @staticmethod
    def _blocks(run: Run) -> range:
        return range(run.first_block, run.first_block + run.block_count)


TestLedger = Ledger.TestCase
TestLedger.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
