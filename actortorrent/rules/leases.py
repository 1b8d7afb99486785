"""What a peer is lent, and what comes of it: the values that carry blocks between actors.

A buffer goes round in a ring: the piece manager lends it with a `Lease`, the peer
fills it and hands it to the storage in a `FilledRun`, the storage writes it and gives
it back in a `StoredRun`. It changes hands whole: the giver never touches it again.
That makes it the one mutable thing that ever crosses between actors, and so each of
them takes it out of the `Cargo` in which it came.
"""

from __future__ import annotations

from msgspec import Struct

from actortorrent.rules.buffer_pool import Buffer
from actortorrent.rules.geometry import Run
from actortorrent.rules.run_hashing import Hashed


class Cargo:
    """A buffer on its way between two actors; who takes it leaves nothing behind.

    So nobody keeps a buffer by keeping the message that brought it, as a trace may.
    """

    __slots__ = ("_buffer", "length")

    def __init__(self, buffer: Buffer) -> None:
        self._buffer: Buffer | None = buffer
        self.length = len(buffer)

    def take(self) -> Buffer:
        """Return the buffer, once.

        Raises:
            RuntimeError: it was taken before: a bug of ours.
        """
        buffer, self._buffer = self._buffer, None
        if buffer is None:
            raise RuntimeError("a buffer was taken twice")
        return buffer


class Lease(Struct, frozen=True):
    """Lend a peer a run to fetch, and the buffer to fetch it into; perhaps it has to hash it, too."""

    lease_id: int
    run: Run
    buffer: Cargo
    with_hash: bool = False

    def __str__(self) -> str:
        return f"lease {self.lease_id} of {self.run}"


class FilledRun(Struct, frozen=True):
    """Hand over a run that has come whole; `buffer.length == run.length`."""

    lease_id: int
    run: Run
    buffer: Cargo
    hashed: Hashed | None = None

    def __str__(self) -> str:
        return f"lease {self.lease_id} of {self.run}, filled"


class StoredRun(Struct, frozen=True):
    """Give back the buffer of a run that the storage has done with.

    `was_useful` is False where all its blocks were there already (endgame).
    """

    lease_id: int
    run: Run
    buffer: Cargo | None
    was_useful: bool

    def __str__(self) -> str:
        return f"lease {self.lease_id} of {self.run}, stored"
