"""The books of one web seed: where its files lie, and which leases wait or are being fetched.

The invariant: **a lease is either waiting, or part of the running call, or over.** Those that
wait are asked for together, in the order of the torrent, so that neighbours make one range: the
fewer requests, the better for the server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from actortorrent.rules.block_stream import BlockStream
from actortorrent.rules.geometry import Geometry
from actortorrent.rules.leases import Lease
from actortorrent.rules.web_seed_ranges import Part, RangeCall, WebSeedFiles

Stretch = tuple[int, int]  # offset in the torrent, bytes
FindParts = Callable[[Iterable[Stretch]], tuple[Part, ...]]


@dataclass(frozen=True, slots=True)
class WebSeedFacts:
    """What a web seed must know: its number in the session, from 1, and where its files lie."""

    number: int
    shown_url: str  # without its secrets
    files: WebSeedFiles = field(repr=False)
    geometry: Geometry
    is_download_limited: bool


class CallBooks:
    """Keep the leases of one web seed.

    Attributes:
        call_number: of the call that runs, or of the last.
        stream: cuts what it brings into blocks.
    """

    def __init__(self, geometry: Geometry) -> None:
        self._geometry = geometry
        self._waiting: dict[int, Lease] = {}
        self._called: dict[int, Lease] = {}
        self.call_number = 0
        self.stream = BlockStream(())

    @property
    def is_any_waiting(self) -> bool:
        """Say whether there is anything to ask for."""
        return bool(self._waiting)

    def borrow(self, leases: Iterable[Lease]) -> None:
        """Note leases that are to be fetched."""
        self._waiting.update((lease.lease_id, lease) for lease in leases)

    def begin_call(self, conn: int, find_parts: FindParts) -> RangeCall:
        """Return what to ask for: all that waits."""
        leases = sorted(self._waiting.values(), key=self._begin)
        self._called, self._waiting = {one.lease_id: one for one in leases}, {}
        self.call_number += 1
        blocks = (name for one in leases for name in self._geometry.blocks_of(one.run))
        self.stream = BlockStream(blocks)
        parts = find_parts([(self._begin(one), one.run.length) for one in leases])
        return RangeCall(conn, self.call_number, parts)

    def _begin(self, lease: Lease) -> int:
        return self._geometry.piece_offset(lease.run.piece_index) + lease.run.offset

    def drop(self, lease_ids: Iterable[int]) -> bool:
        """Forget leases that are over; say whether the running call is of no use by that."""
        had_any = bool(self._called)
        for lease_id in lease_ids:
            self._waiting.pop(lease_id, None)
            self._called.pop(lease_id, None)
        return had_any and not self._called

    def clear(self) -> list[Lease]:
        """Forget all leases, and return those that were not over."""
        leases = [*self._called.values(), *self._waiting.values()]
        self._called, self._waiting = {}, {}
        return leases


def joined(stretches: Iterable[Stretch]) -> Iterator[Stretch]:
    """Yield stretches that come in order, those that touch as one."""
    begin = length = 0
    for offset, more in stretches:
        if offset == begin + length:
            length += more
            continue
        if length:
            yield begin, length
        begin, length = offset, more
    if length:
        yield begin, length
