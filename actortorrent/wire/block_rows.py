"""What names the blocks of a stretch of a piece on the wire, written in one go: the hot path.

It differs from what names the blocks of the same stretch of another piece in the index of the
piece alone. So the bytes between the indexes are made once for a stretch, and kept for the next.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from actortorrent.wire.messages import (
    BLOCK_NAME,
    BLOCK_NAME_LENGTH,
    BLOCK_OVERHEAD,
    LENGTH_BYTES,
    PIECE_HEADER,
    PIECE_HEADER_BYTES,
    Kind,
)

KEPT_STRETCHES = 64
_BEFORE = LENGTH_BYTES + 1  # the bytes before the index of the piece: a length, and the kind
_BEHIND = _BEFORE + 4


class BlockRow(NamedTuple):
    """Consecutive blocks of a piece, of `block_bytes` each; the last may be short."""

    piece_index: int
    offset: int
    length: int
    block_bytes: int

    def names(self, kind: Kind) -> bytes:
        """Write a request, or a cancel, for each (BEP 3)."""
        _, *stretch = self
        return self.piece_index.to_bytes(4).join(_between_names(kind, *stretch))

    def headers(self) -> list[bytes]:
        """Write the 13 bytes that come before each."""
        _, *stretch = self
        row = self.piece_index.to_bytes(4).join(_between_headers(*stretch))
        size = PIECE_HEADER_BYTES
        return [row[begin : begin + size] for begin in range(0, len(row), size)]


@lru_cache(KEPT_STRETCHES)
def _between_names(kind: Kind, offset: int, length: int, block_bytes: int) -> tuple[bytes, ...]:
    return _around_index(
        [
            BLOCK_NAME.pack(BLOCK_NAME_LENGTH, kind, 0, begin, size)
            for begin, size in _blocks(offset, length, block_bytes)
        ]
    )


@lru_cache(KEPT_STRETCHES)
def _between_headers(offset: int, length: int, block_bytes: int) -> tuple[bytes, ...]:
    return _around_index(
        [
            PIECE_HEADER.pack(BLOCK_OVERHEAD + size, Kind.PIECE, 0, begin)
            for begin, size in _blocks(offset, length, block_bytes)
        ]
    )


def _blocks(offset: int, length: int, block_bytes: int) -> list[tuple[int, int]]:
    end = offset + length
    return [(begin, min(block_bytes, end - begin)) for begin in range(offset, end, block_bytes)]


def _around_index(messages: list[bytes]) -> tuple[bytes, ...]:
    """Return what stands before, between and behind the indexes in a row of messages."""
    ends = [message[_BEHIND:] for message in messages]
    begins = [message[:_BEFORE] for message in messages]
    between = [end + begin for end, begin in zip(ends, begins[1:], strict=False)]
    return (*begins[:1], *between, *ends[-1:])
