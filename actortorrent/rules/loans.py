"""What is out: blocks lent to peers, by lease, by peer and in bytes; for the ledger.

A lease is one loan. Where it is of several whole pieces, a *row*, it is one loan as well,
so that small pieces cost no more than large ones; only when something happens to a part of
a row is it split into a loan a piece, all of them with the number of the lease.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct, field

from actortorrent.rules.geometry import BLOCK_BYTES, Geometry, Run


class Loan(Struct):
    """Some blocks that are out: lent to `conn` and not yet stored or given back.

    `blocks_out` counts the blocks from the run's first piece on.
    """

    lease_id: int
    conn: int
    run: Run
    blocks_out: int  # bitmask
    is_filled: bool = False  # all its blocks have come, and are on their way to the disk


class StartedPiece(Struct):
    """A piece with at least one block lent or stored, and not lent in a row."""

    all_blocks: int  # bitmask, as is `stored`
    is_wanted: bool
    stored: int = 0
    is_open: bool = False  # as the ledger's `open` says
    loans: dict[int, Loan] = field(default_factory=dict)

    def missing(self) -> int:
        """Return the blocks that are neither lent nor stored."""
        return self.all_blocks & ~self.stored & ~self.lent()

    def lent(self) -> int:
        """Return the blocks that are out."""
        lent = 0
        for loan in self.loans.values():
            lent |= loan.blocks_out
        return lent


class LoanBook:
    """Keep all loans.

    Attributes:
        bytes_out: of all blocks that are out.
        bytes_filled: of these, what has come and waits to be written.
    """

    __slots__ = (
        "_geometry",
        "_leases_of",
        "_next_lease_id",
        "_parts",
        "bytes_filled",
        "bytes_out",
        "rows",
    )

    def __init__(self, geometry: Geometry) -> None:
        self._geometry = geometry
        self._parts: dict[int, dict[int, Loan]] = {}  # by lease and (first) piece
        self._leases_of: dict[int, dict[int, None]] = {}
        self._next_lease_id = 1
        self.rows: dict[int, Loan] = {}  # by lease
        self.bytes_out = 0
        self.bytes_filled = 0

    # --- questions -----------------------------------------------------------------------

    def all(self) -> tuple[Loan, ...]:
        """Return all loans."""
        return tuple(loan for parts in self._parts.values() for loan in parts.values())

    def of(self, conn: int) -> tuple[Loan, ...]:
        """Return what a peer has out."""
        leases = self._leases_of.get(conn, ())
        return tuple(loan for lease_id in leases for loan in self._parts[lease_id].values())

    def has_any(self, conn: int) -> bool:
        """Say whether a peer has anything out."""
        return conn in self._leases_of

    def parts(self, lease_id: int) -> tuple[Loan, ...]:
        """Return what is still out of a lease: a loan, or one a piece where it was split."""
        return tuple(self._parts.get(lease_id, {}).values())

    def part(self, lease_id: int, piece_index: int) -> Loan | None:
        """Return what is still out of a lease that begins with this piece."""
        return self._parts.get(lease_id, {}).get(piece_index)

    def is_over(self, loan: Loan) -> bool:
        """Say whether nothing is out any more of the lease that a loan belongs to."""
        return loan.lease_id not in self._parts

    # --- what becomes of a loan ------------------------------------------------------------

    def lend(self, conn: int, run: Run) -> Loan:
        """Note that a run goes out."""
        loan = Loan(self._next_lease_id, conn, run, run.block_mask)
        self._next_lease_id += 1
        self._parts[loan.lease_id] = {run.piece_index: loan}
        self._leases_of.setdefault(conn, {})[loan.lease_id] = None
        self.bytes_out += run.length
        if run.piece_count > 1:
            self.rows[loan.lease_id] = loan
        return loan

    def fill(self, lease_id: int) -> None:
        """Note that all blocks of a lease have come."""
        for loan in self.parts(lease_id):
            if not loan.is_filled:
                loan.is_filled = True
                self.bytes_filled += self._bytes_of(loan, loan.blocks_out)

    def come_back(self, loan: Loan, blocks: int) -> bool:
        """Note that some blocks of a loan are out no more; say whether these were the last."""
        byte_count = self._bytes_of(loan, loan.blocks_out & blocks)
        self.bytes_out -= byte_count
        if loan.is_filled:
            self.bytes_filled -= byte_count
        loan.blocks_out &= ~blocks
        if not loan.blocks_out:
            self._drop(loan)
        return not loan.blocks_out

    def split(self, row: Loan) -> list[Loan]:
        """Make a loan a piece of a row; what is out stays the same."""
        del self.rows[row.lease_id]
        runs = self._geometry.split(row.run)
        loans = [Loan(row.lease_id, row.conn, run, run.block_mask, row.is_filled) for run in runs]
        self._parts[row.lease_id] = {loan.run.piece_index: loan for loan in loans}
        return loans

    def _bytes_of(self, loan: Loan, blocks: int) -> int:
        return bytes_of(self._geometry, loan.run, blocks)

    def _drop(self, loan: Loan) -> None:
        self.rows.pop(loan.lease_id, None)
        parts = self._parts[loan.lease_id]
        del parts[loan.run.piece_index]
        if parts:
            return
        del self._parts[loan.lease_id]
        leases = self._leases_of[loan.conn]
        del leases[loan.lease_id]
        if not leases:
            del self._leases_of[loan.conn]


def bytes_of(geometry: Geometry, run: Run, blocks: int) -> int:
    """Return the bytes of some blocks of a run; of a row they are all of them or none."""
    if blocks == run.block_mask:
        return run.length
    return sum(part.length for part in geometry.runs_of(run.piece_index, blocks))


def shortened(run: Run, most_bytes: int, geometry: Geometry) -> Run:
    """Return the beginning of a run: at most so many bytes, but a block at least."""
    if run.length <= most_bytes:
        return run
    blocks = max(1, most_bytes // BLOCK_BYTES)
    return geometry.run(run.piece_index, run.first_block, min(blocks, run.block_count))


def blocks_by_piece(runs: Iterable[Run]) -> dict[int, int]:
    """Return, as a bitmask a piece, the blocks of runs no two of which overlap."""
    blocks: dict[int, int] = {}
    for run in runs:
        blocks[run.piece_index] = blocks.get(run.piece_index, 0) | run.block_mask
    return blocks
