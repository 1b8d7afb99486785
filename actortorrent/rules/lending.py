"""Leases: what is picked for a peer, the buffers it is lent with, and how much of both.

It binds the ledger (which blocks are where), the picker (which next) and the pool of
buffers together: a lease takes from all three. When the budget of buffers is lent out, or
the storage is behind, nobody is lent more until buffers come back, whatever the sizes and
however many the peers.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator

from actortorrent.rules.availability import Availability
from actortorrent.rules.buffer_pool import BUDGET_BYTES, BufferPool
from actortorrent.rules.geometry import Geometry
from actortorrent.rules.leases import Cargo, Lease
from actortorrent.rules.picker_policies import PickPolicy
from actortorrent.rules.piece_ledger import PieceLedger
from actortorrent.rules.piece_picking import MAX_RUN_BYTES, PiecePicker, lease_bytes

TRIAL_BYTES = 256 * 1024  # or a piece: out at a time of a peer that may be a liar
# What has come and waits for the storage: more would only be cold in the caches when it is
# hashed, and be no help to a disk that cannot keep up.
BACKLOG_BYTES = 8 * 1024 * 1024
LEAST_LENT_BYTES = 2 * 1024 * 1024  # to whoever wants as much: crumbs cost as many messages


class Lender:
    """Lend peers blocks to fetch, and buffers to fetch them into.

    Attributes:
        ledger: which piece is where.
        availability: how many peers have each.
        picker: which is fetched next.
        trial_bytes: what a peer may have out of which nothing has been verified so far.
    """

    def __init__(
        self,
        geometry: Geometry,
        wanted: int,
        rng: random.Random,
        *,
        is_sequential: bool,
        policy: PickPolicy | None,
    ) -> None:
        self._geometry = geometry
        self._pool = BufferPool()
        self.trial_bytes = max(TRIAL_BYTES, min(geometry.piece_length, MAX_RUN_BYTES))
        self.ledger = PieceLedger(geometry, wanted)
        self.availability = Availability()
        self.picker = PiecePicker(
            self.ledger,
            self.availability,
            geometry,
            rng,
            is_sequential=is_sequential,
            policy=policy,
        )

    @property
    def wanted_bytes(self) -> int:
        """Return the bytes of the wanted pieces."""
        return self._geometry.bytes_of(self.ledger.wanted)

    @property
    def verified_bytes(self) -> int:
        """Return the bytes of the wanted pieces that are verified."""
        return self._geometry.bytes_of(self.ledger.wanted & self.ledger.verified)

    @property
    def room_bytes(self) -> int:
        """Return how much may be lent now, all peers together."""
        is_behind = self.ledger.bytes_filled >= BACKLOG_BYTES
        return 0 if is_behind else max(0, BUDGET_BYTES - self.ledger.bytes_out)

    @property
    def most_wanted_bytes(self) -> int:
        """Return what a peer may want at most, to be lent any of it now."""
        room_bytes = self.room_bytes
        return room_bytes if room_bytes < _least_lent_bytes() else sys.maxsize

    def lend(
        self, conn: int, pieces: int, wants_bytes: int, peer_count: int
    ) -> Iterator[tuple[Lease, str]]:
        """Lend a peer that has `pieces` about `wants_bytes`, as far as the budget allows.

        Yields leases, each with the rule by which its piece was picked. `peer_count` is
        how many peers would serve us: towards the end they share what is lacking. If it is not
        one alone, each hashes what it brings.
        """
        if not 0 < wants_bytes <= self.most_wanted_bytes:
            return
        most_bytes = min(wants_bytes, self.room_bytes)
        lacking_bytes = self._geometry.bytes_of(self.ledger.lacking) - self.ledger.bytes_filled
        sharers = min(peer_count, BUDGET_BYTES // MAX_RUN_BYTES)  # no more fetch at a time
        most_bytes = lease_bytes(most_bytes, lacking_bytes, sharers)
        for pick in self.picker.lend(conn, pieces, most_bytes):
            run = pick.loan.run
            buffer = Cargo(self._pool.take(run.length))
            yield Lease(pick.loan.lease_id, run, buffer, with_hash=peer_count > 1), pick.rule

    def take_back(self, buffer: Cargo | None) -> None:
        """Take back a buffer that the storage has done with, if one was lent."""
        if buffer is not None:
            self._pool.give_back(buffer.take())
            if self.ledger.is_complete:
                self._pool.let_go()


def _least_lent_bytes() -> int:
    return min(LEAST_LENT_BYTES, BUDGET_BYTES // 8)
