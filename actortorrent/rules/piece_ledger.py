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

Small pieces are lent in rows. A piece of a row is lent as a whole, and its blocks need no
books of their own, unless a part of the row comes back or is lent again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from actortorrent.rules.bitfield import indexes_of, stretch_around, without
from actortorrent.rules.geometry import Geometry, Run
from actortorrent.rules.loans import (
    Loan,
    LoanBook,
    StartedPiece,
    blocks_by_piece,
    bytes_of,
    shortened,
)

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
        self._loans = LoanBook(geometry)
        self.bytes_twice = 0  # were stored already when they were stored

    # --- questions -----------------------------------------------------------------------

    @property
    def lacking(self) -> int:
        """Return the wanted pieces that are not verified."""
        return without(self.wanted, self.verified)

    @property
    def is_complete(self) -> bool:
        """Say whether every wanted piece is verified."""
        return not self.lacking

    @property
    def is_all_lent(self) -> bool:
        """Say whether no block is left to lend but pieces are lacking: the endgame."""
        return not self.untouched and not self.open and not self.is_complete

    @property
    def bytes_out(self) -> int:
        """Return the bytes of all blocks that are out."""
        return self._loans.bytes_out

    @property
    def bytes_filled(self) -> int:
        """Return the bytes of those of them that have come and wait to be written."""
        return self._loans.bytes_filled

    def loans_of(self, conn: int) -> tuple[Loan, ...]:
        """Return what a peer has out."""
        return self._loans.of(conn)

    def missing_blocks(self, piece_index: int) -> int:
        """Return, as a bitmask, the blocks of a piece that are neither lent nor stored."""
        started = self._started.get(piece_index)
        if started is not None:
            return started.missing()
        is_in_row = any(piece_index in row.run.pieces for row in self._loans.rows.values())
        return 0 if is_in_row else self._geometry.all_blocks(piece_index)

    def may_lend(self, piece_index: int, conn: int) -> bool:
        """Say whether a peer may fetch from a piece: a suspect one is fetched from one peer.

        As long as that peer fetches anything, it will come back for the rest.
        """
        if piece_index not in self._suspects or piece_index not in self._started:
            return True
        last = self._suspects[piece_index]
        if last not in (None, conn) and last is not None and self._loans.has_any(last):
            return False
        return all(loan.conn == conn for loan in self._started[piece_index].loans.values())

    def loans_to_double(self, conn: int, pieces: int) -> Iterator[Loan]:
        """Yield others' loans that a peer with these pieces could fetch too (endgame)."""
        for row in list(self._loans.rows.values()):
            self._split(row)
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

    def row_at(self, piece_index: int, pieces: int, most_pieces: int) -> Run | None:
        """Return the row around an untouched piece that may be lent of `pieces`; None: no row.

        A row lies between multiples of `most_pieces`, so that few remain in small parts.
        """
        if most_pieces < 2 or not self._geometry.has_rows or piece_index in self._suspects:
            return None
        begin = piece_index - piece_index % most_pieces
        near = (self.untouched & pieces) >> begin & (1 << most_pieces) - 1
        for suspect in self._suspects:
            if begin <= suspect < begin + most_pieces:
                near &= ~(1 << suspect - begin)
        first, count = stretch_around(near, piece_index - begin)
        return self._geometry.row(begin + first, count) if count > 1 else None

    def lend_row(self, conn: int, row: Run) -> Loan:
        """Lend a row of untouched pieces, as `row_at` returned it or the beginning of that."""
        self.untouched = without(self.untouched, row.piece_mask)
        return self._loans.lend(conn, row)

    def lend_again(self, conn: int, loan: Loan, most_bytes: int) -> Loan:
        """Lend what another peer has out already, and nobody has brought yet (endgame)."""
        blocks = loan.blocks_out & ~self._started[loan.run.piece_index].stored
        runs = self._geometry.runs_of(loan.run.piece_index, blocks)
        return self._lend_run(conn, shortened(runs[0], most_bytes, self._geometry))

    def _lend_run(self, conn: int, run: Run) -> Loan:
        loan = self._loans.lend(conn, run)
        self._start(run.piece_index).loans[loan.lease_id] = loan
        if run.piece_index in self._suspects:
            self._suspects[run.piece_index] = conn
        self._settle(run.piece_index)
        return loan

    def _split(self, row: Loan) -> None:
        """Begin to keep books of the blocks of each piece of a row."""
        self.untouched |= row.run.piece_mask & self.wanted
        for loan in self._loans.split(row):
            self._start(loan.run.piece_index).loans[loan.lease_id] = loan
            self._settle(loan.run.piece_index)

    def _split_row_of(self, piece_index: int) -> None:
        """Split the row that a piece is lent in, if it is: it came late from somebody else."""
        for row in list(self._loans.rows.values()):
            if piece_index in row.run.pieces:
                self._split(row)

    def _split_lease(self, lease_id: int) -> None:
        row = self._loans.rows.get(lease_id)
        if row is not None:
            self._split(row)

    # --- what becomes of a loan ------------------------------------------------------------

    def fill(self, lease_id: int) -> None:
        """Note that all blocks of a loan have come: it is nothing to be lent again."""
        self._loans.fill(lease_id)

    def give_back(self, lease_id: int, missing: Iterable[Run]) -> None:
        """Take back the blocks of a loan that did not come; the rest is on its way to disk.

        No two of the runs may overlap.
        """
        self._split_lease(lease_id)
        blocks = blocks_by_piece(missing)
        for loan in self._loans.parts(lease_id):
            self._come_back(loan, blocks.get(loan.run.piece_index, 0))
            self._settle(loan.run.piece_index)

    def take_back(self, lease_id: int) -> None:
        """Take back all that is still out of a loan."""
        self._split_lease(lease_id)
        for loan in self._loans.parts(lease_id):
            self._come_back(loan, loan.blocks_out)
            self._settle(loan.run.piece_index)

    def trust(self, piece_index: int) -> None:
        """Let several peers fetch a suspect piece again: the one takes too long."""
        if piece_index in self._suspects:
            del self._suspects[piece_index]
            self._settle(piece_index)

    def store(self, lease_id: int, run: Run, verified: int = 0) -> tuple[Loan, ...]:
        """Note that a run was written; return others' loans that are now of no use.

        Of the pieces that it made whole those of `verified` matched their hash.
        """
        row = self._loans.rows.get(lease_id)
        if row is not None and row.run == run:
            return self._store_row(row, verified)
        return tuple(
            [
                useless
                for part in self._geometry.split(run)
                for useless in self._store_part(lease_id, part, verified)
            ]
        )

    def _store_row(self, row: Loan, verified: int) -> tuple[Loan, ...]:
        """Settle a row that was stored as it was lent."""
        matched = row.run.piece_mask & verified
        self._loans.come_back(row, row.blocks_out)
        self.verified |= matched
        failed = without(row.run.piece_mask, matched)
        self.untouched |= failed & self.wanted
        for piece_index in indexes_of(failed):  # that they failed is still to be told
            self._store_part(row.lease_id, self._geometry.whole_piece(piece_index), 0)
        return ()

    def _store_part(self, lease_id: int, run: Run, verified: int) -> tuple[Loan, ...]:
        piece_index = run.piece_index
        loan = self._loans.part(lease_id, piece_index)
        if loan is not None:
            self._come_back(loan, run.block_mask)
        if piece_index not in self._started:
            if self.verified >> piece_index & 1:
                self.bytes_twice += run.length
                return ()  # meanwhile, through another peer
            self._split_row_of(piece_index)
        started = self._start(piece_index)
        if started.stored:
            self.bytes_twice += bytes_of(self._geometry, run, started.stored & run.block_mask)
        started.stored |= run.block_mask
        is_whole = started.stored == started.all_blocks  # else more of it is told in a moment
        if is_whole and verified >> piece_index & 1:
            return self.verify(piece_index)
        useless = [one for one in started.loans.values() if not one.blocks_out & ~started.stored]
        over = self._forget(useless)
        self._settle(piece_index)
        return over

    def verify(self, piece_index: int) -> tuple[Loan, ...]:
        """Note that a piece matched its hash; return the leases that are now of no use."""
        started = self._started.pop(piece_index, None)
        self._suspects.pop(piece_index, None)
        self._doublable.pop(piece_index, None)
        bit = 1 << piece_index
        self.verified |= bit
        if started is None:
            self.untouched = without(self.untouched, bit)
            return ()
        if started.is_open:
            self.open ^= bit
        return self._forget(list(started.loans.values()))

    def fail(self, piece_index: int, *, is_suspect: bool) -> tuple[Loan, ...]:
        """Note that a piece did not match its hash: all its blocks are missing again.

        Where several peers had sent it, it is suspect: from then on it is lent to one
        peer at a time, so that the next hash says something about that peer. Leases of it
        that are still out are taken back and returned, to be cancelled.
        """
        started = self._started.get(piece_index)
        if started is not None:
            started.stored = 0
        if is_suspect:
            self._suspects[piece_index] = None
        useless = list(started.loans.values()) if started is not None and is_suspect else []
        cancelled = self._forget(useless)
        self._settle(piece_index)
        return cancelled

    def lose(self, piece_index: int) -> None:
        """Note that a verified piece can no longer be read: it is missing again."""
        bit = 1 << piece_index
        self.verified &= ~bit
        self.untouched |= self.wanted & bit

    def want(self, pieces: int) -> None:
        """Want these pieces and no others; to be said before any block is lent."""
        self.wanted = pieces
        self.untouched = without(pieces, self.verified)

    def find_verified(self, pieces: int) -> None:
        """Note, at start-up, the pieces whose content on disk matched."""
        self.verified |= pieces
        self.untouched = without(self.untouched, pieces)

    def _come_back(self, loan: Loan, blocks: int) -> None:
        if self._loans.come_back(loan, blocks):
            started = self._started.get(loan.run.piece_index)
            if started is not None:
                started.loans.pop(loan.lease_id, None)

    def _forget(self, loans: list[Loan]) -> tuple[Loan, ...]:
        """Take loans back; return those of leases of which nothing is out any more."""
        for loan in loans:
            self._come_back(loan, loan.blocks_out)
        return tuple([loan for loan in loans if self._loans.is_over(loan)])

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
        assert not self.open & ~started
        rows = 0
        for row in self._loans.rows.values():
            assert not row.run.piece_mask & (rows | started | self.untouched | self.verified)
            rows |= row.run.piece_mask
        for piece_index in indexes_of(started):
            is_open = self.wanted >> piece_index & 1 and self.missing_blocks(piece_index)
            assert bool(is_open) == bool(self.open >> piece_index & 1)
        assert self.wanted & ~(self.untouched | started | self.verified | rows) == 0
        loans = self._loans.all()
        out = [bytes_of(self._geometry, loan.run, loan.blocks_out) for loan in loans]
        assert self.bytes_out == sum(out)
