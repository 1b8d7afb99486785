"""The piece buffers: how many bytes of them there may be, and those waiting to be used again."""

from __future__ import annotations

BUDGET_BYTES = 48 * 1024 * 1024  # lent out and in the storage's hands, all peers together
POOLED_AT_LEAST_BYTES = 256 * 1024  # smaller ones cost nothing to make anew
MOST_SPARE_BYTES = 16 * 1024 * 1024


class BufferPool:
    """Hand out buffers, and keep large ones that come back."""

    __slots__ = ("_spare", "_spare_bytes")

    def __init__(self) -> None:
        self._spare: dict[int, list[bytearray]] = {}
        self._spare_bytes = 0

    def take(self, byte_count: int) -> bytearray:
        """Return a buffer of exactly that many bytes; what it holds means nothing."""
        spare = self._spare.get(byte_count)
        if spare:
            self._spare_bytes -= byte_count
            return spare.pop()
        return bytearray(byte_count)

    def give_back(self, buffer: bytearray | None) -> None:
        """Keep a buffer that nobody else uses any more, if it is worth it."""
        if buffer is None or len(buffer) < POOLED_AT_LEAST_BYTES:
            return
        if self._spare_bytes + len(buffer) <= MOST_SPARE_BYTES:
            self._spare.setdefault(len(buffer), []).append(buffer)
            self._spare_bytes += len(buffer)
