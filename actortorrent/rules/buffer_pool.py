"""The piece buffers: how many bytes of them there may be, and those waiting to be used again."""

from __future__ import annotations

BUDGET_BYTES = 40 * 1024 * 1024  # lent out and in the storage's hands, all peers together
POOLED_AT_LEAST_BYTES = 64 * 1024  # smaller ones cost nothing to make anew
MOST_SPARE_BYTES = 8 * 1024 * 1024


class BufferPool:
    """Hand out buffers, and keep large ones that come back: rather of sizes used lately."""

    __slots__ = ("_spare", "spare_bytes")

    def __init__(self) -> None:
        self._spare: dict[int, list[bytearray]] = {}  # by size, the one used last at the end
        self.spare_bytes = 0

    def take(self, byte_count: int) -> bytearray:
        """Return a buffer of exactly that many bytes; what it holds means nothing."""
        spare = self._spare.pop(byte_count, None)
        if spare is None:
            return bytearray(byte_count)
        buffer = spare.pop()
        if spare:
            self._spare[byte_count] = spare
        self.spare_bytes -= byte_count
        return buffer

    def give_back(self, buffer: bytearray) -> None:
        """Keep a buffer that nobody else uses any more, if it is worth it."""
        if not POOLED_AT_LEAST_BYTES <= len(buffer) <= MOST_SPARE_BYTES:
            return
        spare = self._spare.pop(len(buffer), [])
        spare.append(buffer)
        self._spare[len(buffer)] = spare
        self.spare_bytes += len(buffer)
        while self.spare_bytes > MOST_SPARE_BYTES:
            self._let_go_of_one()

    def _let_go_of_one(self) -> None:
        byte_count, spare = next(iter(self._spare.items()))
        spare.pop()
        self.spare_bytes -= byte_count
        if not spare:
            del self._spare[byte_count]
