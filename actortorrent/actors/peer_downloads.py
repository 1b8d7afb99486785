"""The downloading half of a peer's actor: what it was lent, and how much to ask for."""

from __future__ import annotations

from collections.abc import Iterable

from actortorrent.errors import PeerProtocolError
from actortorrent.rules.borrowing import Borrowed, GivenBack
from actortorrent.rules.geometry import Geometry, Run
from actortorrent.rules.leases import FilledRun, Lease
from actortorrent.rules.pipeline import Pipeline
from actortorrent.rules.rates import RateMeter
from actortorrent.rules.taken_back import TakenBack
from actortorrent.wire.handshake import HANDSHAKE_BYTES
from actortorrent.wire.messages import BlockName, Reject
from actortorrent.wire.peer_protocol import Block, Placed, Places

SNUB_SECONDS = 20.0  # without a block that was asked for


class Downloads:
    """Keep one peer's leases, the depth of its pipeline, and what of it was of use.

    `allowance` is how many bytes may be read before more are granted; None: any.
    """

    __slots__ = (
        "_borrowed",
        "_last_came",
        "_taken_back",
        "allowance",
        "came_bytes",
        "has_asked",
        "is_snubbed",
        "meter",
        "pipeline",
        "wasted_bytes",
    )

    def __init__(self, geometry: Geometry, now: float, *, is_limited: bool) -> None:
        self._borrowed = Borrowed(geometry)
        self._taken_back = TakenBack()
        self.pipeline = Pipeline(now, is_limited=is_limited)
        self.meter = RateMeter()
        # The handshake is free: nobody shares out the limit before hands are shaken.
        self.allowance = HANDSHAKE_BYTES if is_limited else None
        self.has_asked = False  # for work, and no answer has come yet
        self.is_snubbed = False
        self.came_bytes = 0  # of blocks, those of no use included
        self.wasted_bytes = 0  # of these: not asked for, or cancelled meanwhile
        self._last_came = now

    @property
    def last_lease_id(self) -> int:
        """Return the number of the last lease that was taken."""
        return self._borrowed.last_lease_id

    @property
    def in_flight_bytes(self) -> int:
        """Return the bytes asked for that have not come."""
        return self._borrowed.in_flight_bytes

    @property
    def bytes_to_ask_for(self) -> int:
        """Return how much work to ask for now; 0 while the pipeline is full enough."""
        room = self.pipeline.depth_bytes - self._borrowed.in_flight_bytes
        return 0 if self.has_asked or room < self.pipeline.least_to_ask_for else room

    def grant(self, byte_count: int, now: float) -> None:
        """Allow so many bytes more to be read; if none were, it was we who kept it waiting."""
        if not self.allowance:
            self._last_came = now
        self.allowance = (self.allowance or 0) + byte_count

    def borrow(self, leases: Iterable[Lease], now: float) -> None:
        """Take leases."""
        self.has_asked = False
        if not self._borrowed.in_flight_bytes:
            self._last_came = now
        self.pipeline.asked(self._borrowed.in_flight_bytes, now)
        for lease in leases:
            self._borrowed.borrow(lease)

    def decline(self, leases: Iterable[Lease]) -> tuple[GivenBack, ...]:
        """Take no lease, and return what is to be said of that."""
        self.has_asked = False
        return self._borrowed.decline(leases)

    @property
    def places(self) -> Places:
        """Return where each block goes that is expected: for whoever reads the stream."""
        return self._borrowed.places

    def blocks_came(self, blocks: Iterable[Block | Placed], now: float) -> tuple[FilledRun, ...]:
        """Put blocks in their places, if they are not there, and return the runs that are whole."""
        filled: list[FilledRun] = []
        useful = 0
        for came in blocks:
            if isinstance(came, Placed):
                useful += came.byte_count
                filled += self._borrowed.placed(came.owners, came.byte_count)
            else:
                useful += self._block_came(came, filled)
        self._count(useful, now)
        return tuple(filled)

    def _block_came(self, block: Block, filled: list[FilledRun]) -> int:
        """Put one block in its place; return how many bytes of it were of use."""
        whole = self._borrowed.block_came(*block)
        byte_count = len(block.data)
        if whole is None:
            self.came_bytes += byte_count
            self.wasted_bytes += byte_count
            self._taken_back.answered((block.piece_index, block.block_offset, byte_count))
            return 0
        filled += whole
        return byte_count

    def _count(self, useful: int, now: float) -> None:
        if useful:
            self.came_bytes += useful
            self.pipeline.received(useful, now)
            self.meter.add(useful, now)
            self._last_came = now
            self.is_snubbed = False

    def cancel(self, lease_id: int) -> tuple[Run, ...]:
        """Drop a lease; return what was asked for of it and has not come."""
        self.pipeline.dropped()
        self.wasted_bytes += self._borrowed.came_bytes(lease_id)
        return self._borrowed.cancel(lease_id)

    def cancelled(self, names: Iterable[BlockName]) -> None:
        """Note requests that were taken back, and will be answered all the same (BEP 6)."""
        self._taken_back.cancelled(names)

    def rejected(self, piece_index: int, block_offset: int, length: int) -> None:
        """Expect a block no more that the peer will not send.

        Raises:
            PeerProtocolError: if it was not asked for it.
        """
        if self._taken_back.answered((piece_index, block_offset, length)):
            return
        if not self._borrowed.reject(piece_index, block_offset, length):
            found = Reject(piece_index, block_offset, length)
            raise PeerProtocolError(f"expected a reject of what was asked for, found {found}")
        self.pipeline.dropped()

    def give_back_rejected(self) -> tuple[tuple[FilledRun, ...], tuple[GivenBack, ...]]:
        """Give up what was rejected: runs that are over by that, and what did not come."""
        return self._borrowed.give_back_rejected()

    def give_back(self) -> tuple[tuple[FilledRun, ...], tuple[GivenBack, ...]]:
        """Give up all leases: what came of them, and what did not."""
        self.has_asked = False
        self.pipeline.dropped()
        return self._borrowed.give_back()

    def has_stalled(self, now: float) -> bool:
        """Say whether blocks were asked for, might be read, and none came for too long."""
        waits = self._borrowed.in_flight_bytes > 0 and self.allowance != 0
        return waits and now - self._last_came > SNUB_SECONDS

    def snub(self) -> None:
        """Note that the peer lets us wait: from now on a single block is asked for."""
        self.is_snubbed = True
        self.pipeline.snubbed()
