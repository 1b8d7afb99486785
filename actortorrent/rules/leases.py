"""What a peer is lent, and what comes of it: the values that carry blocks between actors.

A buffer goes round in a ring: the piece manager lends it with a `Lease`, the peer
fills it and hands it to the storage in a `FilledRun`, the storage writes it and gives
it back in a `StoredRun`. It changes hands whole: the giver never touches it again.
That makes it the one mutable thing that ever crosses between actors.
"""

from __future__ import annotations

from dataclasses import dataclass

from actortorrent.rules.geometry import Run


@dataclass(frozen=True, slots=True)
class Lease:
    """Lend a peer a run to fetch, and the buffer to fetch it into."""

    lease_id: int
    run: Run
    buffer: bytearray

    def __str__(self) -> str:
        return f"lease {self.lease_id} of {self.run}"


@dataclass(frozen=True, slots=True)
class FilledRun:
    """Hand over a run that has come whole; `len(buffer) == run.length`."""

    lease_id: int
    run: Run
    buffer: bytearray

    def __str__(self) -> str:
        return f"lease {self.lease_id} of {self.run}, filled"


@dataclass(frozen=True, slots=True)
class StoredRun:
    """Give back the buffer of a run that the storage has done with.

    `was_useful` is False where all its blocks were there already (endgame).
    """

    lease_id: int
    run: Run
    buffer: bytearray | None
    was_useful: bool

    def __str__(self) -> str:
        return f"lease {self.lease_id} of {self.run}, stored"
