"""A piece that is being fetched: its blocks that are out, and to whom; for the ledger."""

from __future__ import annotations

from dataclasses import dataclass, field

from actortorrent.rules.geometry import BLOCK_BYTES, Geometry, Run


@dataclass(slots=True)
class Loan:
    """Some blocks that are out: lent to `conn` and not yet stored or given back."""

    lease_id: int
    conn: int
    run: Run
    blocks_out: int  # bitmask over the blocks of the piece
    is_filled: bool = False  # all its blocks have come, and are on their way to the disk


@dataclass(slots=True)
class StartedPiece:
    """A piece with at least one block lent or stored."""

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


def shortened(run: Run, most_bytes: int, geometry: Geometry) -> Run:
    """Return the beginning of a run: at most so many bytes, but a block at least."""
    if run.length <= most_bytes:
        return run
    blocks = max(1, most_bytes // BLOCK_BYTES)
    return geometry.run(run.piece_index, run.first_block, min(blocks, run.block_count))
