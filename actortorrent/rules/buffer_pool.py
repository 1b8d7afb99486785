"""The piece buffers: how many bytes of them there may be, and the memory that they are cut from.

Fresh memory costs more to touch for the first time than to fill, and all threads of Python wait
meanwhile. So buffers, large and small, are stretches of slabs, and a slab of which all have come
back is cut up anew. What never comes back, since the peer that had it failed, holds its slab no
longer than it lives itself.
"""

from __future__ import annotations

import mmap
from typing import TypeAlias
from weakref import WeakSet

BUDGET_BYTES = 26 * 1024 * 1024  # lent out, in the storage's hands and spare, all peers together
SLAB_BYTES = 2 * 1024 * 1024  # the longest run
MOST_SLABS = BUDGET_BYTES // SLAB_BYTES

Buffer: TypeAlias = bytearray | memoryview


class _Slab(mmap.mmap):
    """Memory of which nothing is there before it is touched, cut from its beginning to its end."""

    cut_bytes = 0
    out_count = 0  # buffers of it that have not come back


class BufferPool:
    """Hand out buffers that are cut from slabs, and take them back."""

    __slots__ = ("_alive", "_open", "_spare")

    def __init__(self) -> None:
        self._alive = WeakSet[_Slab]()
        self._spare: list[_Slab] = []  # no buffer of them is out
        self._open: _Slab | None = None  # what the next small buffer is cut from

    @property
    def slab_bytes(self) -> int:
        """Return the memory of all slabs of which anything is out or spare."""
        return len(self._alive) * SLAB_BYTES

    def take(self, byte_count: int) -> Buffer:
        """Return a buffer of exactly that many bytes; what it holds means nothing."""
        slab = self._slab_with_room(byte_count)
        if slab is None:  # slow peers hold a little of each
            return bytearray(byte_count)
        begin = slab.cut_bytes
        slab.cut_bytes += byte_count
        slab.out_count += 1
        return memoryview(slab)[begin : slab.cut_bytes]

    def _slab_with_room(self, byte_count: int) -> _Slab | None:
        if self._open is not None and self._open.cut_bytes + byte_count <= SLAB_BYTES:
            return self._open
        slab = self._empty_slab() if byte_count <= SLAB_BYTES else None
        if slab is not None and byte_count < SLAB_BYTES:
            self._open = slab
        return slab

    def _empty_slab(self) -> _Slab | None:
        if self._spare:
            return self._spare.pop()
        if len(self._alive) == MOST_SLABS:
            return None
        slab = _Slab(-1, SLAB_BYTES)
        self._alive.add(slab)
        return slab

    def give_back(self, buffer: Buffer) -> None:
        """Take a buffer back that nobody else uses any more."""
        slab = buffer.obj if isinstance(buffer, memoryview) else None
        if not isinstance(slab, _Slab):
            return
        slab.out_count -= 1
        if not slab.out_count:
            slab.cut_bytes = 0
            if slab is not self._open:
                self._spare.append(slab)

    def let_go(self) -> None:
        """Let go of all memory of which nothing is out."""
        self._spare.clear()
        if self._open is not None and not self._open.out_count:
            self._open = None
