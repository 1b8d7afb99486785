"""What a torrent must be like, by what peers say of it: a capture has no torrent file.

What is inferred is the least that all that was said fits in: exact where a seed sent its
bitfield and the last piece was spoken of.
"""

from __future__ import annotations

from collections import Counter

from actortorrent.captures.rebuilding import UNKNOWN_PIECE
from actortorrent.wire.messages import Bitfield, Cancel, Have, PieceHeader, Request

MAX_PIECES = 16_000_000
MAX_PIECE_BYTES = 1 << 30
LEAST_PIECE_BYTES = 16 * 1024


class Shape:
    """Infer how many pieces a torrent has, and how long they are."""

    def __init__(self) -> None:
        self._bitfields: Counter[int] = Counter()  # their lengths in bytes
        self._named = 0  # how many pieces there are at least
        self._ends: dict[int, int] = {}  # of the pieces that blocks were named of
        self._longest = 0

    def hear(self, message: object) -> None:
        """Learn from a message."""
        if isinstance(message, Bitfield):
            self._bitfields[len(message.bits)] += 1
            self._name(_last_set(message.bits))
        elif isinstance(message, Have):
            self._name(message.piece_index)
        elif isinstance(message, Request | Cancel | PieceHeader):
            self._name_block(message.piece_index, message.block_offset + message.length)

    @property
    def piece_count(self) -> int:
        """Return how many pieces there are, as far as one knows."""
        if not self._bitfields:
            return self._named
        size = self._bitfields.most_common(1)[0][0]
        return max(min(self._named, 8 * size), 8 * (size - 1) + 1, 0)

    @property
    def piece_length(self) -> int:
        """Return how long pieces are: a power of two, unless there is only one."""
        if self.piece_count == 1 or not self._longest:
            return self._longest
        return 1 << max(LEAST_PIECE_BYTES - 1, self._longest - 1).bit_length()

    @property
    def total_length(self) -> int:
        """Return the bytes of the whole: exact if the last one was spoken of."""
        count, length = self.piece_count, self.piece_length
        return max(0, count - 1) * length + self._ends.get(count - 1, length if count else 0)

    def _name(self, piece_index: int) -> bool:
        is_likely = piece_index < MAX_PIECES
        if is_likely:
            self._named = max(self._named, piece_index + 1)
        return is_likely

    def _name_block(self, piece_index: int, end: int) -> None:
        if piece_index == UNKNOWN_PIECE or end > MAX_PIECE_BYTES or not self._name(piece_index):
            return
        self._longest = max(self._longest, end)
        self._ends[piece_index] = max(self._ends.get(piece_index, 0), end)


def _last_set(bits: bytes) -> int:
    """Return the last piece in a bitfield, -1 if there is none."""
    filled = bits.rstrip(b"\x00")
    if not filled:
        return -1
    return 8 * len(filled) - 1 - ((filled[-1] & -filled[-1]).bit_length() - 1)
