"""SHA-1 of what one peer brings, made where it comes, so that the storage only compares and writes.

Hashing takes longer than writing. Where several peers serve us they do it side by side, each on its
own thread; else all of them would wait for the storage.

Each piece of a run gets its digest. Of a run that is but part of a piece there is SHA-1 of all from
the piece's first byte on, as long as this peer brings the piece in order: a chain. Others may have
brought other bytes of the piece first, which only the storage knows. So each link says of
which chain it is, and counts where all links before it did.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from msgspec import Struct

from actortorrent.rules.buffer_pool import Buffer
from actortorrent.rules.geometry import Geometry, Run

if TYPE_CHECKING:
    from hashlib import _Hash

Digests = tuple[bytes, ...]


class Link(Struct, frozen=True):
    """Hand over SHA-1 of a piece from its first byte to the run's last, to be gone on with.

    `chain` is a number that this peer gives no other chain.
    """

    chain: int
    sha1: _Hash


Hashed = Digests | Link


class RunHasher:
    """Hash the runs of one peer, in the order in which they come."""

    __slots__ = ("_chain", "_geometry", "_next", "_sha1")

    def __init__(self, geometry: Geometry) -> None:
        self._geometry = geometry
        self._chain = 0
        self._next = (-1, 0)  # the piece, and where in it the next link has to begin
        self._sha1 = hashlib.sha1(usedforsecurity=False)

    def hash(self, run: Run, buffer: Buffer) -> Hashed | None:
        """Return what `buffer`, which holds a run, hashes to; None where no chain leads up to it."""
        with memoryview(buffer) as data:
            if run.length >= self._geometry.piece_size(run.piece_index):
                return tuple(self._digests(data))
            return self._link(run, data)

    def _digests(self, data: memoryview) -> list[bytes]:
        size = self._geometry.piece_length
        return [
            hashlib.sha1(data[start : start + size], usedforsecurity=False).digest()
            for start in range(0, len(data), size)
        ]

    def _link(self, run: Run, data: memoryview) -> Link | None:
        if run.offset == 0:
            self._chain += 1
            self._sha1 = hashlib.sha1(usedforsecurity=False)
        elif self._next != (run.piece_index, run.offset):
            return None
        self._sha1.update(data)
        self._next = (run.piece_index, run.end)
        return Link(self._chain, self._sha1.copy())
