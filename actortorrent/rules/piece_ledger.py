"""Which piece is where: the ledger of what is missing, lent, stored and verified.

The invariant: **a piece is in exactly one of four states, and each block of a started
piece in exactly one of three.**

::

    piece   untouched -> started -> complete (all blocks stored) -> verified
                ^___________|_______________|   failed its hash, or all taken back
    block   missing -> lent (to one peer; in the endgame to several) -> stored
              ^__________|

Blocks are lent in runs. What is lent comes back by exactly one of three ways: it is
stored, the peer gives it back, or the peer is gone and it is taken back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from actortorrent.rules.bitfield import indexes_of
from actortorrent.rules.geometry import Geometry, Run
from actortorrent.rules.loans import Loan, StartedPiece, shortened

MOST_HOLDERS = 3  # peers that fetch the same block in the endgame


class PieceLedger:
    """Keep the state of every piece and block, lend blocks out and take them back.

    Pieces are bitmasks: bit i is piece i. `wanted` are the pieces of selected files.
    """

    def __init__(self, geometry: Geometry, wanted: int) -> None:
        self._geometry = geometry
        self.wanted = wanted
        self.verified = 0
        self.untouched = wanted  # wanted pieces with no block lent or stored
        self.open = 0  # wanted pieces, started, with a block missing
        self._suspects: dict[int, int | None] = {}  # piece: the peer that was lent of it last
        self._doublable: dict[int, None] = {}  # pieces with loans, but those with enough holders
        self._started: dict[int, StartedPiece] = {}
        self._loans: dict[int, Loan] = {}
        self._loans_of: dict[int, dict[int, Loan]] = {}
        self._next_lease_id = 1
        self.bytes_out = 0
        self.bytes_filled = 0  # of these, what has come and waits to be written

    # --- questions -----------------------------------------------------------------------

    @property
    def lacking(self) -> int:
        """Return the wanted pieces that are not verified."""
        return self.wanted & ~self.verified

    @property
    def is_complete(self) -> bool:
        """Say whether every wanted piece is verified."""
        return not self.lacking

    @property
    def is_all_lent(self) -> bool:
        """Say whether no block is left to lend but pieces are lacking: the endgame."""
        return not self.untouched and not self.open and not self.is_complete

    def loans_of(self, conn: int) -> tuple[Loan, ...]:
        """Return what a peer has out."""
        return tuple(self._loans_of.get(conn, {}).values())

    def missing_blocks(self, piece_index: int) -> int:
        """Return, as a bitmask, the blocks of a piece that are neither lent nor stored."""
        started = self._started.get(piece_index)
        return self._geometry.all_blocks(piece_index) if started is None else started.missing()

    def stored_bytes(self, run: Run) -> int:
        """Return how many bytes of a run are stored, or verified, already."""
        started = self._started.get(run.piece_index)
        if started is not None:
            return self._bytes_of(run, started.stored & run.block_mask) if started.stored else 0
        return run.length if self.verified >> run.piece_index & 1 else 0

    def may_lend(self, piece_index: int, conn: int) -> bool:
        """Say whether a peer may fetch from a piece: a suspect one is fetched from one peer.

        As long as that peer fetches anything, it will come back for the rest.
        """
        if piece_index not in self._suspects or piece_index not in self._started:
            return True
        last = self._suspects[piece_index]
        if last not in (None, conn) and last in self._loans_of:
            return False
        return all(loan.conn == conn for loan in self._started[piece_index].loans.values())

    def loans_to_double(self, conn: int, pieces: int) -> Iterator[Loan]:
        """Yield others' loans that a peer with these pieces could fetch too (endgame)."""
        held = pieces.to_bytes((pieces.bit_length() + 7) // 8, "little")
        for piece_index in tuple(self._doublable):
            if piece_index // 8 < len(held) and held[piece_index // 8] >> piece_index % 8 & 1:
                loans = self._loans_with_room(piece_index)
                if not loans:
                    del self._doublable[piece_index]
                yield from (loan for loan, holders in loans if conn not in holders)

    def _loans_with_room(self, piece_index: int) -> list[tuple[Loan, set[int]]]:
        """Return the loans of a piece that too few peers fetch besides, and who those are."""
        started = self._started[piece_index]
        found = []
        for loan in started.loans.values():
            blocks = 0 if loan.is_filled else loan.blocks_out & ~started.stored
            holders = {one.conn for one in started.loans.values() if one.blocks_out & blocks}
            if blocks and len(holders) < MOST_HOLDERS:
                found.append((loan, holders))
        return found

    # --- lending -------------------------------------------------------------------------

    def lend(self, conn: int, piece_index: int, most_bytes: int) -> Loan:
        """Lend the first missing run of a piece, of `most_bytes` at most but a block at least.

        The piece must be untouched or open.
        """
        started = self._started.get(piece_index)
        if started is None:
            first_run = self._geometry.whole_piece(piece_index)
        else:
            first_run = self._geometry.runs_of(piece_index, started.missing())[0]
        return self._lend_run(conn, shortened(first_run, most_bytes, self._geometry))

    def lend_again(self, conn: int, loan: Loan, most_bytes: int) -> Loan:
        """Lend what another peer has out already, and nobody has brought yet (endgame)."""
        blocks = loan.blocks_out & ~self._started[loan.run.piece_index].stored
        runs = self._geometry.runs_of(loan.run.piece_index, blocks)
        return self._lend_run(conn, shortened(runs[0], most_bytes, self._geometry))

    def _lend_run(self, conn: int, run: Run) -> Loan:
        loan = Loan(self._next_lease_id, conn, run, run.block_mask)
        self._next_lease_id += 1
        self._loans[loan.lease_id] = loan
        self._loans_of.setdefault(conn, {})[loan.lease_id] = loan
        self._start(run.piece_index).loans[loan.lease_id] = loan
        if run.piece_index in self._suspects:
            self._suspects[run.piece_index] = conn
        self.bytes_out += run.length
        self._settle(run.piece_index)
        return loan

    # --- what becomes of a loan ------------------------------------------------------------

    def fill(self, lease_id: int) -> None:
        """Note that all blocks of a loan have come: it is nothing to be lent again."""
        loan = self._loans.get(lease_id)
        if loan is not None and not loan.is_filled:
            loan.is_filled = True
            self.bytes_filled += self._bytes_of(loan.run, loan.blocks_out)

    def give_back(self, lease_id: int, missing: Iterable[Run]) -> None:
        """Take back the blocks of a loan that did not come; the rest is on its way to disk.

        No two of the runs may overlap.
        """
        loan = self._loans.get(lease_id)
        if loan is not None:
            self._come_back(loan, sum(run.block_mask for run in missing))
            self._settle(loan.run.piece_index)

    def take_back(self, lease_id: int) -> None:
        """Take back all that is still out of a loan."""
        loan = self._loans.get(lease_id)
        if loan is not None:
            self._come_back(loan, loan.blocks_out)
            self._settle(loan.run.piece_index)

    def trust(self, piece_index: int) -> None:
        """Let several peers fetch a suspect piece again: the one takes too long."""
        if piece_index in self._suspects:
            del self._suspects[piece_index]
            self._settle(piece_index)

    def store(self, lease_id: int, run: Run) -> tuple[Loan, ...]:
        """Note that a run was written; return others' loans that are now of no use."""
        loan = self._loans.get(lease_id)
        if loan is not None:
            self._come_back(loan, run.block_mask)
        if run.piece_index not in self._started and self.verified >> run.piece_index & 1:
            return ()  # meanwhile, through another peer
        started = self._start(run.piece_index)
        started.stored |= run.block_mask
        useless = tuple(
            other for other in started.loans.values() if not other.blocks_out & ~started.stored
        )
        self._settle(run.piece_index)
        return useless

    def verify(self, piece_index: int) -> tuple[Loan, ...]:
        """Note that a piece matched its hash; return the loans that are now of no use."""
        started = self._started.pop(piece_index, None)
        self._suspects.pop(piece_index, None)
        self._doublable.pop(piece_index, None)
        bit = 1 << piece_index
        self.verified |= bit
        if started is None:
            self.untouched &= ~bit
            return ()
        if started.is_open:
            self.open ^= bit
        useless = tuple(started.loans.values())
        for loan in useless:
            self._forget(loan)
        return useless

    def fail(self, piece_index: int, *, is_suspect: bool) -> tuple[Loan, ...]:
        """Note that a piece did not match its hash: all its blocks are missing again.

        Where several peers had sent it, it is suspect: from then on it is lent to one
        peer at a time, so that the next hash says something about that peer. Loans of it
        that are still out are returned, to be cancelled.
        """
        started = self._started.get(piece_index)
        if started is not None:
            started.stored = 0
        if is_suspect:
            self._suspects[piece_index] = None
        self._settle(piece_index)
        return tuple(started.loans.values()) if started is not None and is_suspect else ()

    def lose(self, piece_index: int) -> None:
        """Note that a verified piece can no longer be read: it is missing again."""
        bit = 1 << piece_index
        self.verified &= ~bit
        self.untouched |= self.wanted & bit

    def want(self, pieces: int) -> None:
        """Want these pieces and no others; to be said before any block is lent."""
        self.wanted = pieces
        self.untouched = pieces & ~self.verified

    def find_verified(self, pieces: int) -> None:
        """Note, at start-up, the pieces whose content on disk matched."""
        self.verified |= pieces
        self.untouched &= ~pieces

    def _come_back(self, loan: Loan, blocks: int) -> None:
        self._count_back(loan, loan.blocks_out & blocks)
        loan.blocks_out &= ~blocks
        if not loan.blocks_out:
            self._drop(loan)

    def _forget(self, loan: Loan) -> None:
        self._count_back(loan, loan.blocks_out)
        self._drop(loan)

    def _count_back(self, loan: Loan, blocks: int) -> None:
        byte_count = self._bytes_of(loan.run, blocks)
        self.bytes_out -= byte_count
        if loan.is_filled:
            self.bytes_filled -= byte_count

    def _bytes_of(self, run: Run, blocks: int) -> int:
        if blocks == run.block_mask:
            return run.length
        return sum(part.length for part in self._geometry.runs_of(run.piece_index, blocks))

    def _drop(self, loan: Loan) -> None:
        del self._loans[loan.lease_id]
        peers_loans = self._loans_of[loan.conn]
        del peers_loans[loan.lease_id]
        if not peers_loans:
            del self._loans_of[loan.conn]
        started = self._started.get(loan.run.piece_index)
        if started is not None:
            started.loans.pop(loan.lease_id, None)

    def _start(self, piece_index: int) -> StartedPiece:
        """Return what is known of a piece that is not verified; if nothing, it is started now."""
        started = self._started.get(piece_index)
        if started is None:
            bit = 1 << piece_index
            is_wanted = bool(self.wanted & bit)
            started = StartedPiece(self._geometry.all_blocks(piece_index), is_wanted)
            self._started[piece_index] = started
            if is_wanted:
                self.untouched ^= bit
        return started

    def _settle(self, piece_index: int) -> None:
        """Put a piece where its blocks say it belongs; large sets change only if they must."""
        started = self._started.get(piece_index)
        if started is None:
            return
        if started.loans and piece_index not in self._suspects:
            self._doublable[piece_index] = None
        else:
            self._doublable.pop(piece_index, None)
        is_begun = bool(started.stored or started.loans)
        is_open = is_begun and started.is_wanted and bool(started.missing())
        if is_open != started.is_open:
            started.is_open = is_open
            self.open ^= 1 << piece_index
        if not is_begun:
            del self._started[piece_index]
            if started.is_wanted:
                self.untouched |= 1 << piece_index

    def check_invariant(self) -> None:
        """Raise AssertionError unless every piece is in exactly one state (for tests)."""
        started = sum(1 << piece_index for piece_index in self._started)
        assert not self.untouched & (started | self.verified)
        assert not started & self.verified
        assert self.wanted & ~(self.untouched | started | self.verified) == 0
        assert not self.open & ~started
        for piece_index in indexes_of(started):
            is_open = self.wanted >> piece_index & 1 and self.missing_blocks(piece_index)
            assert bool(is_open) == bool(self.open >> piece_index & 1)
        out = [self._bytes_of(loan.run, loan.blocks_out) for loan in self._loans.values()]
        assert self.bytes_out == sum(out)
