"""What one peer has been lent and is filling: the peer's half of the ledger.

The invariant: **a block of a borrowed run is either expected or has come**, and a run
none of whose blocks is expected any more has been handed over. What is borrowed
leaves by one of four doors: `block_came` or `placed` (whole), `give_back` (the peer choked
us or goes), `cancel` (it came from another peer), and block by block `reject` (BEP 6).

A block is known by the 13 bytes that the peer sends before it: they hold its piece, its
offset and its length. So whoever reads the stream can put it in its place at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import repeat
from typing import Any, TypeAlias

from msgspec import Struct, field

from actortorrent.rules.buffer_pool import Buffer
from actortorrent.rules.geometry import BLOCK_BYTES, Geometry, Run
from actortorrent.rules.leases import Cargo, FilledRun, Lease
from actortorrent.rules.run_hashing import RunHasher
from actortorrent.wire.block_rows import BlockRow
from actortorrent.wire.messages import BLOCK_OVERHEAD, PIECE_HEADER, Kind

_PIECE = int(Kind.PIECE)


class GivenBack(Struct, frozen=True):
    """Say which blocks of a lease did not come; the others are on their way to the storage."""

    lease_id: int
    missing: tuple[Run, ...]

    def __str__(self) -> str:
        return f"lease {self.lease_id}: {sum(run.block_count for run in self.missing)} blocks"


class _Filling(Struct):
    lease: Lease
    buffer: Buffer
    blocks_expected: int
    rejected: dict[int, int] = field(default_factory=dict)  # blocks, as a bitmask a piece


# By the 13 bytes before a block: where it goes, and of which lease it is.
Places: TypeAlias = dict[bytes, tuple[memoryview, Any]]


class Borrowed:
    """Keep the leases of one peer and fill their buffers.

    Attributes:
        places: the blocks that are expected; whoever copies one to its place takes it out, and
            says so by `placed`.
    """

    __slots__ = (
        "_fillings",
        "_geometry",
        "_hasher",
        "_piece_length",
        "_rejected",
        "in_flight_bytes",
        "last_lease_id",
        "places",
    )

    def __init__(self, geometry: Geometry) -> None:
        self._geometry = geometry
        self._hasher = RunHasher(geometry)
        self._piece_length = geometry.piece_length
        self._fillings: dict[int, _Filling] = {}
        self._rejected: dict[int, dict[int, int]] = {}  # by lease, and not given back yet
        self.places: Places = {}
        self.in_flight_bytes = 0
        self.last_lease_id = 0

    def borrow(self, lease: Lease) -> None:
        """Take a lease; all its blocks are expected from now on."""
        filling = _Filling(lease, lease.buffer.take(), lease.run.block_count)
        self._fillings[lease.lease_id] = filling
        view, headers = memoryview(filling.buffer), list[bytes]()
        for stretch in self._geometry.stretches(lease.run):
            headers += BlockRow(*stretch, BLOCK_BYTES).headers()
        begins = range(0, lease.run.length, BLOCK_BYTES)
        targets = [view[begin : begin + BLOCK_BYTES] for begin in begins]
        self.places.update(zip(headers, zip(targets, repeat(filling)), strict=True))
        self.in_flight_bytes += lease.run.length
        self.last_lease_id = lease.lease_id

    def block_came(
        self, piece_index: int, block_offset: int, data: memoryview
    ) -> list[FilledRun] | None:
        """Put a block in its place.

        Returns what came of a lease if this was its last block, nothing if others are
        expected, and None for a block of no use: not expected, or not of the right length.
        """
        place = self.places.pop(_header(piece_index, block_offset, len(data)), None)
        if place is None:
            return None
        target, filling = place
        target[:] = data
        return self.placed([filling], len(data))

    def placed(self, fillings: list[Any], byte_count: int) -> list[FilledRun]:
        """Note that blocks lie in their places, as the owners that `places` names; the hot path.

        Returns the runs of which these were the last blocks.
        """
        filled = []
        self.in_flight_bytes -= byte_count
        for filling in fillings:
            filling.blocks_expected -= 1
            if not filling.blocks_expected:
                filled += self._over(filling)
        return filled

    def _over(self, filling: _Filling) -> list[FilledRun]:
        """Hand over a lease of which nothing is expected any more."""
        lease = filling.lease
        del self._fillings[lease.lease_id]
        if filling.rejected:
            return list(self._came_of(filling, filling.rejected))
        hashed = self._hasher.hash(lease.run, filling.buffer) if lease.with_hash else None
        return [FilledRun(lease.lease_id, lease.run, Cargo(filling.buffer), hashed)]

    def reject(self, piece_index: int, block_offset: int, length: int) -> bool:
        """Expect a block no more; say whether it was expected."""
        place = self.places.pop(_header(piece_index, block_offset, length), None)
        if place is None:
            return False
        _, filling = place
        filling.blocks_expected -= 1
        self.in_flight_bytes -= length
        block = 1 << block_offset // BLOCK_BYTES
        for blocks in (filling.rejected, self._rejected.setdefault(filling.lease.lease_id, {})):
            blocks[piece_index] = blocks.get(piece_index, 0) | block
        return True

    def give_back_rejected(self) -> tuple[tuple[FilledRun, ...], tuple[GivenBack, ...]]:
        """Give up what was rejected; leases of which all else came are over."""
        came: list[FilledRun] = []
        given_back = []
        for lease_id, blocks in self._rejected.items():
            given_back.append(GivenBack(lease_id, self._geometry.runs_of_blocks(blocks)))
            filling = self._fillings.get(lease_id)
            if filling is not None and not filling.blocks_expected:
                came += self._over(filling)
        self._rejected.clear()
        return tuple(came), tuple(given_back)

    def came_bytes(self, lease_id: int) -> int:
        """Return the bytes that came of a lease that is not whole yet."""
        filling = self._fillings.get(lease_id)
        if filling is None:
            return 0
        return sum(
            length
            for piece_index, offset, length in self._geometry.blocks_of(filling.lease.run)
            if _header(piece_index, offset, length) not in self.places
            and not filling.rejected.get(piece_index, 0) >> offset // BLOCK_BYTES & 1
        )

    def decline(self, leases: Iterable[Lease]) -> tuple[GivenBack, ...]:
        """Give back leases without having borrowed them."""
        declined = []
        for lease in leases:
            self.last_lease_id = lease.lease_id
            declined.append(GivenBack(lease.lease_id, tuple(self._geometry.split(lease.run))))
        return tuple(declined)

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
            header = _header(piece_index, offset, length)
            if self.places.get(header, (None, None))[1] is filling:
                del self.places[header]
                self.in_flight_bytes -= length
                missing[piece_index] = missing.get(piece_index, 0) | 1 << offset // BLOCK_BYTES
        return missing

    def give_back(self) -> tuple[tuple[FilledRun, ...], tuple[GivenBack, ...]]:
        """Give up all leases: what came of them, to be stored, and what did not come."""
        early_came, early_given_back = self.give_back_rejected()
        came, given_back = list(early_came), list(early_given_back)
        for lease_id, filling in self._fillings.items():
            missing = self._drop(filling)
            came += self._came_of(filling, _both(missing, filling.rejected))
            given_back.append(GivenBack(lease_id, self._geometry.runs_of_blocks(missing)))
        self._fillings.clear()
        return tuple(came), tuple(given_back)

    def _came_of(self, filling: _Filling, missing: dict[int, int]) -> Iterator[FilledRun]:
        """Cut what came out of a buffer that is not full."""
        run = filling.lease.run
        for part in self._geometry.split(run):
            blocks = part.block_mask & ~missing.get(part.piece_index, 0)
            start = (part.piece_index - run.piece_index) * self._piece_length - run.offset
            for kept in self._geometry.runs_of(part.piece_index, blocks):
                data = bytearray(filling.buffer[start + kept.offset : start + kept.end])
                yield FilledRun(filling.lease.lease_id, kept, Cargo(data))


def _header(piece_index: int, offset: int, length: int) -> bytes:
    """Return the 13 bytes that come before a block."""
    return PIECE_HEADER.pack(BLOCK_OVERHEAD + length, _PIECE, piece_index, offset)


def _both(blocks: dict[int, int], others: dict[int, int]) -> dict[int, int]:
    """Return all blocks of two sets of them, each a bitmask a piece."""
    return {one: blocks.get(one, 0) | others.get(one, 0) for one in (*blocks, *others)}
