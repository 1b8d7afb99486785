"""Bytes that come in order, cut into the blocks that they are.

A web seed sends no headers between blocks: what a byte is follows from its place alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from actortorrent.rules.buffer_pool import Buffer

Named = tuple[int, int, memoryview]  # piece index, offset in the piece, the block


class BlockStream:
    """Cut what comes.

    Args:
        blocks: (piece index, offset, length) of each, in the order in which they come.
    """

    __slots__ = ("_blocks", "_rest")

    def __init__(self, blocks: Iterable[tuple[int, int, int]]) -> None:
        self._blocks = deque(blocks)
        self._rest = bytearray()

    @property
    def rest_bytes(self) -> int:
        """Return how many bytes came of a block that is not whole."""
        return len(self._rest)

    def cut(self, data: Buffer) -> Iterator[Named]:
        """Yield the blocks that are whole by what has come now.

        What is yielded is a part of `data`, which must stay as it is.
        """
        if self._rest:
            data = self._rest + data
        view, begin = memoryview(data), 0
        while self._blocks and len(data) - begin >= self._blocks[0][2]:
            piece_index, offset, length = self._blocks.popleft()
            yield piece_index, offset, view[begin : begin + length]
            begin += length
        self._rest = bytearray(view[begin:])
