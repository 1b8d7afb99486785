"""The piece buffers: how many bytes of them there may be, and those waiting to be used again.

Fresh memory costs more to touch for the first time than to fill. So a buffer that comes back
is kept as long as there is room for it in the budget.
"""

from __future__ import annotations

BUDGET_BYTES = 26 * 1024 * 1024  # lent out, in the storage's hands and spare, all peers together
POOLED_AT_LEAST_BYTES = 64 * 1024  # smaller ones cost nothing to make anew


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
        if len(buffer) < POOLED_AT_LEAST_BYTES:
            return
        spare = self._spare.pop(len(buffer), [])
        spare.append(buffer)
        self._spare[len(buffer)] = spare
        self.spare_bytes += len(buffer)

    def keep(self, most_bytes: int) -> None:
        """Let go of buffers, until those that are spare are no more than this in all."""
        while self._spare and self.spare_bytes > most_bytes:
            self._let_go_of_one()

    def _let_go_of_one(self) -> None:
        byte_count, spare = next(iter(self._spare.items()))
        spare.pop()
        self.spare_bytes -= byte_count
        if not spare:
            del self._spare[byte_count]
