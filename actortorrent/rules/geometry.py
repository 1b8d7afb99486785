"""The arithmetic of pieces, blocks and files; the only place that divides (BEP 3).

A torrent is one row of bytes. It is cut three ways: into *pieces* (hashed), into
*blocks* of 16 KiB within a piece (asked for), and into *files* (kept). A *run* is
a stretch of whole blocks of one piece: what a peer is lent, fills, and hands over. Where
pieces are small, it may also be a *row* of several whole pieces.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

from actortorrent.wire.block_size import USUAL_BLOCK_BYTES

BLOCK_BYTES = USUAL_BLOCK_BYTES


@dataclass(frozen=True, slots=True)
class Run:
    """Name consecutive whole blocks of one piece, or of a row of whole pieces.

    The last block may be short. In a row blocks and offsets are counted from the beginning
    of its first piece, whose index is `piece_index`.
    """

    piece_index: int
    offset: int
    length: int
    piece_count: int = 1

    def __str__(self) -> str:
        if self.piece_count > 1:
            return f"pieces {self.piece_index} to {self.pieces[-1]}"
        return f"piece {self.piece_index} [{self.offset}, +{self.length}]"

    @property
    def pieces(self) -> range:
        """Return the indexes of its pieces: mostly one."""
        return range(self.piece_index, self.piece_index + self.piece_count)

    @property
    def piece_mask(self) -> int:
        """Return its pieces as bits: bit i is piece i."""
        return ((1 << self.piece_count) - 1) << self.piece_index

    @property
    def end(self) -> int:
        """Return the offset in the piece just behind the run."""
        return self.offset + self.length

    @property
    def first_block(self) -> int:
        """Return the index, in the piece, of the first block."""
        return self.offset // BLOCK_BYTES

    @property
    def block_count(self) -> int:
        """Return how many blocks the run has."""
        return -(-self.length // BLOCK_BYTES)

    @property
    def block_mask(self) -> int:
        """Return the run's blocks as bits: bit b is block b of the piece."""
        return ((1 << self.block_count) - 1) << self.first_block

    def blocks(self) -> Iterator[tuple[int, int]]:
        """Yield (offset, length) of each block."""
        for offset in range(self.offset, self.end, BLOCK_BYTES):
            yield offset, min(BLOCK_BYTES, self.end - offset)


class Geometry:
    """Answer every question about where pieces and blocks lie.

    Args:
        total_length: bytes in the torrent, 0 or more.
        piece_length: bytes in every piece but the last, 1 or more.
    """

    __slots__ = ("piece_count", "piece_length", "total_length")

    def __init__(self, total_length: int, piece_length: int) -> None:
        self.total_length = total_length
        self.piece_length = piece_length
        self.piece_count = -(-total_length // piece_length)

    def piece_size(self, piece_index: int) -> int:
        """Return the bytes in a piece; only the last may be shorter."""
        return min(self.piece_length, self.total_length - piece_index * self.piece_length)

    def bytes_of(self, pieces: int) -> int:
        """Return the bytes of a set of pieces: bit i is piece i."""
        last = self.piece_count - 1
        has_last = last >= 0 and pieces >> last & 1
        spare = self.piece_length - self.piece_size(last) if has_last else 0
        return pieces.bit_count() * self.piece_length - spare

    def piece_offset(self, piece_index: int) -> int:
        """Return the offset of a piece in the torrent."""
        return piece_index * self.piece_length

    def block_count(self, piece_index: int) -> int:
        """Return how many blocks a piece has."""
        return -(-self.piece_size(piece_index) // BLOCK_BYTES)

    def all_blocks(self, piece_index: int) -> int:
        """Return a piece's blocks as bits, all set."""
        return (1 << self.block_count(piece_index)) - 1

    def whole_piece(self, piece_index: int) -> Run:
        """Return the run that is the whole piece."""
        return Run(piece_index, 0, self.piece_size(piece_index))

    def run(self, piece_index: int, first_block: int, block_count: int) -> Run:
        """Return the run of `block_count` blocks that starts at `first_block`."""
        offset = first_block * BLOCK_BYTES
        length = min(block_count * BLOCK_BYTES, self.piece_size(piece_index) - offset)
        return Run(piece_index, offset, length)

    @property
    def has_rows(self) -> bool:
        """Say whether pieces end where blocks end, so that a row of them is made of blocks."""
        return self.piece_length % BLOCK_BYTES == 0

    def row(self, first_piece: int, piece_count: int) -> Run:
        """Return the run that is several whole pieces; the torrent must have rows."""
        offset = self.piece_offset(first_piece)
        length = min(piece_count * self.piece_length, self.total_length - offset)
        return Run(first_piece, 0, length, piece_count)

    def split(self, run: Run) -> tuple[Run, ...]:
        """Return a run as one a piece."""
        if run.piece_count == 1:
            return (run,)
        return tuple([self.whole_piece(index) for index in run.pieces])

    def stretches(self, run: Run) -> list[tuple[int, int, int]]:
        """Return (piece index, offset in the piece, length) of each part of a run, one a piece."""
        if run.piece_count == 1:
            return [(run.piece_index, run.offset, run.length)]
        *others, last = run.pieces
        stretches = [(index, 0, self.piece_length) for index in others]
        return [*stretches, (last, 0, self.piece_size(last))]

    def blocks_of(self, run: Run) -> list[tuple[int, int, int]]:
        """Return (piece index, offset in the piece, length) of each block of a run or a row."""
        if run.piece_count == 1:
            return [(run.piece_index, offset, length) for offset, length in run.blocks()]
        return [
            (run.piece_index + offset // self.piece_length, offset % self.piece_length, length)
            for offset, length in run.blocks()
        ]

    def runs_of(self, piece_index: int, block_mask: int) -> tuple[Run, ...]:
        """Return the set bits of `block_mask` as as few runs as possible."""
        runs = []
        first_block = 0
        while block_mask:
            gap = (block_mask & -block_mask).bit_length() - 1
            block_mask >>= gap
            first_block += gap
            count = (~block_mask & (block_mask + 1)).bit_length() - 1
            runs.append(self.run(piece_index, first_block, count))
            block_mask >>= count
            first_block += count
        return tuple(runs)

    def runs_of_blocks(self, blocks: Mapping[int, int]) -> tuple[Run, ...]:
        """Return blocks, given as a bitmask a piece, as as few runs as possible; no rows."""
        return tuple([run for index, mask in blocks.items() for run in self.runs_of(index, mask)])

    def pieces_of(self, offset: int, length: int) -> range:
        """Return the pieces that hold any byte of a stretch of the torrent."""
        if length <= 0:
            return range(0)
        return range(offset // self.piece_length, -(-(offset + length) // self.piece_length))


class FileSpan(NamedTuple):
    """Name a stretch of one file."""

    file_index: int
    file_offset: int
    length: int


class FileMap:
    """Translate stretches of the torrent into stretches of its files.

    Args:
        lengths: bytes of each file in the torrent's order, padding files included.
    """

    __slots__ = ("_ends", "_starts", "lengths", "total_length")

    def __init__(self, lengths: Sequence[int]) -> None:
        self.lengths = tuple(lengths)
        self._ends = list(accumulate(self.lengths))
        self._starts = [end - length for end, length in zip(self._ends, self.lengths, strict=True)]
        self.total_length = self._ends[-1] if self._ends else 0

    def start(self, file_index: int) -> int:
        """Return the offset of a file's first byte in the torrent."""
        return self._starts[file_index]

    def spans(self, offset: int, length: int) -> tuple[FileSpan, ...]:
        """Return the files' stretches that make up a stretch of the torrent, in order.

        Files of no bytes never appear.
        """
        spans = []
        file_index = bisect_right(self._ends, offset)
        while length > 0:
            file_offset = offset - self._starts[file_index]
            count = min(length, self.lengths[file_index] - file_offset)
            if count:
                spans.append(FileSpan(file_index, file_offset, count))
            offset += count
            length -= count
            file_index += 1
        return tuple(spans)
