"""What one peer has been lent and is filling: the peer's half of the ledger.

The invariant: **a block of a borrowed run is either expected or has come**, and a run
none of whose blocks is expected any more has been handed over. What is borrowed
leaves by one of three doors: `block_came` (whole), `give_back` (the peer choked us or
goes) and `cancel` (it came from another peer).
"""

from __future__ import annotations

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

    __slots__ = ("_expected", "_fillings", "_geometry", "in_flight_bytes", "last_lease_id")

    def __init__(self, geometry: Geometry) -> None:
        self._geometry = geometry
        self._expected: dict[tuple[int, int], _Filling] = {}
        self._fillings: dict[int, _Filling] = {}
        self.in_flight_bytes = 0
        self.last_lease_id = 0

    def borrow(self, lease: Lease) -> None:
        """Take a lease; all its blocks are expected from now on."""
        filling = _Filling(lease, lease.buffer.take(), lease.run.block_count)
        self._fillings[lease.lease_id] = filling
        for offset, _ in lease.run.blocks():
            self._expected[lease.run.piece_index, offset] = filling
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
        run, expected = filling.lease.run, self._expected
        blocks = run.blocks()
        return sum(size for start, size in blocks if (run.piece_index, start) not in expected)

    def cancel(self, lease_id: int) -> tuple[Run, ...]:
        """Drop a lease; return the runs of it that are still expected."""
        filling = self._fillings.pop(lease_id, None)
        if filling is None:
            return ()
        run, missing = filling.lease.run, 0
        for offset, length in run.blocks():
            if self._expected.get((run.piece_index, offset)) is filling:
                del self._expected[run.piece_index, offset]
                self.in_flight_bytes -= length
                missing |= 1 << offset // BLOCK_BYTES
        return self._geometry.runs_of(run.piece_index, missing)

    def give_back(self) -> tuple[tuple[FilledRun, ...], tuple[GivenBack, ...]]:
        """Give up all leases: what came of them, to be stored, and what did not come."""
        came: list[FilledRun] = []
        given_back = []
        for lease_id, filling in list(self._fillings.items()):
            run = filling.lease.run
            missing = self.cancel(lease_id)
            given_back.append(GivenBack(lease_id, missing))
            came_blocks = run.block_mask & ~sum(part.block_mask for part in missing)
            for part in self._geometry.runs_of(run.piece_index, came_blocks):
                begin = part.offset - run.offset
                kept = filling.buffer[begin : begin + part.length]
                came.append(FilledRun(lease_id, part, Cargo(kept)))
        return tuple(came), tuple(given_back)
