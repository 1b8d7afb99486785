"""What a peer has asked for and was not sent yet, in the order in which it asked.

Nearly all that peers ask for lies in rows, piece by piece. So it is kept by rows, and a row
costs as much as a block by itself.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection

from actortorrent.wire.block_rows import BlockRow
from actortorrent.wire.messages import BlockName


class RequestQueue:
    """Keep requests.

    Attributes:
        count: how many blocks.
        byte_count: of all of them.
    """

    __slots__ = ("_rows", "byte_count", "count")

    def __init__(self) -> None:
        self._rows: deque[BlockRow] = deque()
        self.count = 0
        self.byte_count = 0

    @property
    def pieces(self) -> set[int]:
        """Return of which pieces it has blocks."""
        return {row.piece_index for row in self._rows}

    @property
    def next_bytes(self) -> int:
        """Return the length of the first block; 0 if there is none."""
        if not self._rows:
            return 0
        return min(self._rows[0].length, self._rows[0].block_bytes)

    def add(self, row: BlockRow) -> None:
        """Put a row at the end."""
        joined = self._rows[-1].joined(row) if self._rows else None
        if joined is None:
            self._rows.append(row)
        else:
            self._rows[-1] = joined
        self._count(row, 1)

    def put_back(self, row: BlockRow) -> None:
        """Put a row, just taken, at the beginning again."""
        self._rows.appendleft(row)
        self._count(row, 1)

    def take(self, most_bytes: int, most_blocks: int) -> BlockRow:
        """Take from the beginning what lies in a row: a block at least, or as much as that."""
        row = self._rows.popleft()
        if row.length > most_bytes or row.block_count > most_blocks:
            row, rest = row.split(max(1, min(most_blocks, most_bytes // row.block_bytes)))
            if rest.length:
                self._rows.appendleft(rest)
        self._count(row, -1)
        return row

    def remove(self, name: BlockName) -> bool:
        """Take one block out, the first of that name; say whether it was there."""
        # Rows are passed over quickly: a peer may name what is not there again and again.
        piece_index, begin, _ = name
        for index, (row_piece, offset, length, _) in enumerate(self._rows):
            if row_piece == piece_index and offset <= begin < offset + length:
                place = self._rows[index].place_of(name)
                if place is not None:
                    self._take_out(index, place)
                    return True
        return False

    def _take_out(self, index: int, place: int) -> None:
        """Take one block out of a row, which falls apart."""
        before, others = self._rows[index].split(place)
        block, behind = others.split(1)
        del self._rows[index]
        for part in (behind, before):
            if part.length:
                self._rows.insert(index, part)
        self._count(block, -1)

    def forget(self, spared: Collection[int] = ()) -> list[BlockName]:
        """Take all out but blocks of the pieces spared; return what was taken."""
        forgotten = [row for row in self._rows if row.piece_index not in spared]
        self._rows = deque(row for row in self._rows if row.piece_index in spared)
        for row in forgotten:
            self._count(row, -1)
        return [name for row in forgotten for name in row.blocks()]

    def _count(self, row: BlockRow, sign: int) -> None:
        self.count += sign * row.block_count
        self.byte_count += sign * row.length
