"""Which blocks of unfinished pieces are stored, and who sent each: bookkeeping of the storage.

The invariant: **the contributions to a piece are disjoint, and together they are
exactly its stored blocks.** So every stored block has one sender, and when a piece
fails its hash, the senders are known.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct, field

from actortorrent.rules.geometry import Geometry, Run

EARLIER_SESSION = 0  # stands for the sender of blocks that were stored before this session began


class Contribution(Struct, frozen=True):
    """Say which connection sent a run."""

    conn: int
    run: Run


class _PartialPiece(Struct):
    stored: int = 0  # bit b is block b
    contributions: list[Contribution] = field(default_factory=list)


class PartialPieces:
    """Keep the stored blocks, and their senders, of pieces that are not verified."""

    def __init__(self, geometry: Geometry) -> None:
        self._geometry = geometry
        self._pieces: dict[int, _PartialPiece] = {}

    def missing_runs(self, run: Run) -> tuple[Run, ...]:
        """Return the parts of a run whose blocks are not stored yet."""
        piece = self._pieces.get(run.piece_index)
        if piece is None:
            return (run,)
        return self._geometry.runs_of(run.piece_index, run.block_mask & ~piece.stored)

    def store(self, conn: int, run: Run) -> None:
        """Note that the blocks of a run, none of which was stored before, now are."""
        piece = self._pieces.setdefault(run.piece_index, _PartialPiece())
        piece.stored |= run.block_mask
        piece.contributions.append(Contribution(conn, run))

    def restore(self, piece_index: int, block_mask: int) -> None:
        """Note blocks that an earlier session stored."""
        for run in self._geometry.runs_of(piece_index, block_mask):
            self.store(EARLIER_SESSION, run)

    def is_whole(self, piece_index: int) -> bool:
        """Say whether all blocks of a piece are stored."""
        piece = self._pieces.get(piece_index)
        return piece is not None and piece.stored == self._geometry.all_blocks(piece_index)

    def contributions(self, piece_index: int) -> tuple[Contribution, ...]:
        """Return who sent what of a piece, in the order of storing."""
        piece = self._pieces.get(piece_index)
        return tuple(piece.contributions) if piece is not None else ()

    def forget(self, piece_index: int) -> None:
        """Drop a piece: it is verified, or it failed and all its blocks are missing again."""
        self._pieces.pop(piece_index, None)

    def stored_blocks(self) -> tuple[tuple[int, int], ...]:
        """Return (piece index, mask of its stored blocks) of every piece that is kept."""
        return tuple((index, piece.stored) for index, piece in self._pieces.items())


def contributors_of(contributions: Iterable[Contribution]) -> tuple[int, ...]:
    """Return the connections that sent any of it, each once, in order of their number."""
    return tuple(sorted({contribution.conn for contribution in contributions}))
