"""What one peer has been lent and is filling: the peer's half of the ledger.

The invariant: **a block of a borrowed run is either expected or has come**, and a run
none of whose blocks is expected any more has been handed over. What is borrowed
leaves by one of three doors: `block_came` (whole), `give_back` (the peer choked us or
goes) and `cancel` (it came from another peer).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from actortorrent.rules.geometry import BLOCK_BYTES, Geometry, Run
from actortorrent.rules.leases import Cargo, FilledRun, Lease


@dataclass(frozen=True, slots=True)
class GivenBack:
    """Say which blocks of a lease did not come; the others are on their way to the storage."""

    lease_id: int
    missing: tuple[Run, ...]

    def __str__(self) -> str:
        return f"lease {self.lease_id}: {sum(run.block_count for run in self.missing)} blocks"


@dataclass(slots=True)
class _Filling:
    lease: Lease
    buffer: bytearray
    blocks_expected: int


class Borrowed:
    """Keep the leases of one peer and fill their buffers."""

    __slots__ = (
        "_expected",
        "_fillings",
        "_geometry",
        "_piece_length",
        "in_flight_bytes",
        "last_lease_id",
    )

    def __init__(self, geometry: Geometry) -> None:
        self._geometry = geometry
        self._piece_length = geometry.piece_length
        self._expected: dict[tuple[int, int], _Filling] = {}
        self._fillings: dict[int, _Filling] = {}
        self.in_flight_bytes = 0
        self.last_lease_id = 0

    def borrow(self, lease: Lease) -> None:
        """Take a lease; all its blocks are expected from now on."""
        filling = _Filling(lease, lease.buffer.take(), lease.run.block_count)
        self._fillings[lease.lease_id] = filling
        for piece_index, offset, _ in self._geometry.blocks_of(lease.run):
            self._expected[piece_index, offset] = filling
        self.in_flight_bytes += lease.run.length
        self.last_lease_id = lease.lease_id

    def block_came(
        self, piece_index: int, block_offset: int, data: memoryview
    ) -> FilledRun | Literal[False] | None:
        """Put a block in its place; the hot path.

        Returns the run if this was its last block, None if others are expected, and
        False for a block that is of no use: not expected, or not of the right length.
        """
        filling = self._expected.get((piece_index, block_offset))
        if filling is None:
            return False
        lease = filling.lease
        begin = block_offset - lease.run.offset
        if piece_index != lease.run.piece_index:  # of a row
            begin += (piece_index - lease.run.piece_index) * self._piece_length
        length = len(data)
        if length != min(BLOCK_BYTES, lease.run.length - begin):
            return False
        del self._expected[piece_index, block_offset]
        filling.buffer[begin : begin + length] = data
        self.in_flight_bytes -= length
        filling.blocks_expected -= 1
        if filling.blocks_expected:
            return None
        del self._fillings[lease.lease_id]
        return FilledRun(lease.lease_id, lease.run, Cargo(filling.buffer))

    def came_bytes(self, lease_id: int) -> int:
        """Return the bytes that came of a lease that is not whole yet."""
        filling = self._fillings.get(lease_id)
        if filling is None:
            return 0
        blocks, expected = self._geometry.blocks_of(filling.lease.run), self._expected
        return sum(
            size for piece_index, start, size in blocks if (piece_index, start) not in expected
        )

    def cancel(self, lease_id: int) -> tuple[Run, ...]:
        """Drop a lease; return the runs of it that are still expected."""
        filling = self._fillings.pop(lease_id, None)
        if filling is None:
            return ()
        return self._geometry.runs_of_blocks(self._drop(filling))

    def _drop(self, filling: _Filling) -> dict[int, int]:
        """Expect the blocks of a lease no more; return those, as a bitmask a piece."""
        missing: dict[int, int] = {}
        for piece_index, offset, length in self._geometry.blocks_of(filling.lease.run):
            if self._expected.get((piece_index, offset)) is filling:
                del self._expected[piece_index, offset]
                self.in_flight_bytes -= length
                missing[piece_index] = missing.get(piece_index, 0) | 1 << offset // BLOCK_BYTES
        return missing

    def give_back(self) -> tuple[tuple[FilledRun, ...], tuple[GivenBack, ...]]:
        """Give up all leases: what came of them, to be stored, and what did not come."""
        came: list[FilledRun] = []
        given_back = []
        for filling in self._fillings.values():
            missing = self._drop(filling)
            came += self._came_of(filling, missing)
            runs = self._geometry.runs_of_blocks(missing)
            given_back.append(GivenBack(filling.lease.lease_id, runs))
        self._fillings.clear()
        return tuple(came), tuple(given_back)

    def _came_of(self, filling: _Filling, missing: dict[int, int]) -> Iterator[FilledRun]:
        """Cut what came out of a buffer that is not full."""
        run = filling.lease.run
        for part in self._geometry.split(run):
            blocks = part.block_mask & ~missing.get(part.piece_index, 0)
            start = (part.piece_index - run.piece_index) * self._piece_length - run.offset
            for kept in self._geometry.runs_of(part.piece_index, blocks):
                data = filling.buffer[start + kept.offset : start + kept.end]
                yield FilledRun(filling.lease.lease_id, kept, Cargo(data))
