"""Room for answers to requests: one stretch of bytes, with a place for each header and block.

Nearly all blocks are of the usual size, so the places stay the same from answer to answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from actortorrent.rules.geometry import BLOCK_BYTES
from actortorrent.wire.block_rows import BlockRow
from actortorrent.wire.messages import PIECE_HEADER_BYTES


class Room(NamedTuple):
    """Hold the bytes of an answer, and views of its parts: headers, and the blocks behind them."""

    answer: memoryview
    headers: Sequence[memoryview]
    blocks: Sequence[memoryview]


class AnswerRoom:
    """Make room for one answer at a time, where the one before was, if that is let go of."""

    __slots__ = ("_usual",)

    def __init__(self) -> None:
        self._usual: Room | None = None

    def take(self, row: BlockRow) -> Room:
        """Return room for the blocks of a row; what it holds means nothing."""
        if row.block_bytes != BLOCK_BYTES or row.length % BLOCK_BYTES:
            return _lay_out(row)
        count = row.block_count
        usual = self._usual
        if usual is None or len(usual.blocks) < count:
            usual = self._usual = _lay_out(row)
        end = count * (PIECE_HEADER_BYTES + BLOCK_BYTES)
        return Room(usual.answer[:end], usual.headers[:count], usual.blocks[:count])

    def leave(self) -> None:
        """Leave the last answer alone: it is still to be sent, or nobody knows when the next comes."""
        self._usual = None


def _lay_out(row: BlockRow) -> Room:
    ends = list(accumulate(PIECE_HEADER_BYTES + length for _, _, length in row.blocks()))
    begins = [0, *ends[:-1]]
    answer = memoryview(bytearray(ends[-1]))
    return Room(
        answer,
        [answer[begin : begin + PIECE_HEADER_BYTES] for begin in begins],
        [answer[begin + PIECE_HEADER_BYTES : end] for begin, end in zip(begins, ends, strict=True)],
    )
