"""Blocks that lie in a row in a piece, and what names them on the wire: the hot path.

What names the blocks of a stretch differs from what names those of the same stretch of another
piece in the index of the piece alone. So the bytes between the indexes are made once for a
stretch, and kept for the next.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from actortorrent.wire.block_size import USUAL_BLOCK_BYTES
from actortorrent.wire.messages import (
    BLOCK_NAME,
    BLOCK_NAME_LENGTH,
    BLOCK_OVERHEAD,
    LENGTH_BYTES,
    PIECE_HEADER,
    PIECE_HEADER_BYTES,
    BlockName,
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

    @property
    def block_count(self) -> int:
        """Return how many blocks it has."""
        return -(-self.length // self.block_bytes)

    def blocks(self) -> list[BlockName]:
        """Return each as (piece index, offset, length)."""
        index, offset, length, size = self
        return [(index, *block) for block in _blocks(offset, length, size)]

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

    def place_of(self, name: BlockName) -> int | None:
        """Return which of the blocks has this name, from 0; None if none has."""
        piece_index, offset, length = name
        ahead = offset - self.offset
        if piece_index != self.piece_index or not 0 <= ahead < self.length:
            return None
        is_one = not ahead % self.block_bytes and length == min(
            self.block_bytes, self.length - ahead
        )
        return ahead // self.block_bytes if is_one else None

    def joined(self, following: BlockRow) -> BlockRow | None:
        """Return the row that both are; None where the other does not go on as this one ends."""
        index, offset, length, size = self
        goes_on = (index, offset + length) == following[:2] and not length % size
        is_short = following.length < size and following.block_count == 1
        if not (goes_on and (following.block_bytes == size or is_short)):
            return None
        return BlockRow(index, offset, length + following.length, size)

    def split(self, count: int) -> tuple[BlockRow, BlockRow]:
        """Return the first blocks, and the rest; it may have none."""
        index, offset, length, size = self
        first = min(count * size, length)
        return (
            BlockRow(index, offset, first, size),
            BlockRow(index, offset + first, length - first, size),
        )


def block_row(name: BlockName) -> BlockRow:
    """Return the row that a block is by itself."""
    return BlockRow(*name, name[2])


def first_row(requests: memoryview, first: BlockName, piece_length: int) -> BlockRow:
    """Return the row that requests ask for from the first on, which asks for the block named.

    That is this block, or more if all are of the usual size: they are compared, all at once,
    with what would ask for the whole piece.
    """
    index, offset, length = first
    usual, size = USUAL_BLOCK_BYTES, BLOCK_NAME.size
    following = _usual_name(index, offset + usual, piece_length)
    if length != usual or offset % usual or requests[size : 2 * size].tobytes() != following:
        return block_row(first)
    asked = BlockRow(index, 0, piece_length, usual).names(Kind.REQUEST)[offset // usual * size :]
    came = requests[: len(asked)].tobytes()
    count = _alike(asked, came, len(came) // size, size)
    return BlockRow(index, offset, min(count * usual, piece_length - offset), usual)


def _usual_name(index: int, offset: int, piece_length: int) -> bytes:
    length = min(USUAL_BLOCK_BYTES, piece_length - offset)
    if length <= 0:
        return b""
    return BLOCK_NAME.pack(BLOCK_NAME_LENGTH, Kind.REQUEST, index, offset, length)


def _alike(one: bytes, other: bytes, most: int, size: int) -> int:
    """Return how many parts of a size, up to `most`, are the same at the beginning of both."""
    if one[: most * size] == other[: most * size]:
        return most
    least = 0  # surely the same, where `most` is not
    while most - least > 1:
        middle = (least + most) // 2
        if one[: middle * size] == other[: middle * size]:
            least = middle
        else:
            most = middle
    return least


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
