"""The fetching half of a web seed's actor: its leases, and the one call that runs.

What is lent is asked for by a short-lived call (`web_seed_calls.py`); what comes of that is cut
into blocks, and handed over as a peer's are. What a failure means is for `web_seed.py` to say.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING

from actortorrent.actors.base import Actor, Runtime
from actortorrent.actors.http_ranges import STEP_BYTES, Allowance
from actortorrent.actors.peer_downloads import Downloads
from actortorrent.actors.peer_values import Neighbours
from actortorrent.actors.web_seed_books import CallBooks, WebSeedFacts, joined
from actortorrent.rules.borrowing import GivenBack
from actortorrent.rules.geometry import BLOCK_BYTES
from actortorrent.rules.leases import Cargo, Lease
from actortorrent.rules.web_seed_answers import Fault, Refusal
from actortorrent.rules.web_seed_ranges import Part
from actortorrent.rules.web_seeds import conn_of_web_seed, source_name
from actortorrent.wire.peer_protocol import Block

if TYPE_CHECKING:
    from actortorrent.actors.web_seed import WebSeedProxy
    from actortorrent.actors.web_seed_calls import RangeCallStarter, RunningRanges

FIRST_WISH_BYTES = 256 * 1024  # a server that is not known yet gets little to spoil
MOST_WISH_BYTES = 4 * 1024 * 1024  # lent to one web seed
STALL_SECONDS = 20.0  # without a block that was asked for


class WebSeedFetching(Actor):
    """Fetch what is lent, one call at a time."""

    def __init__(
        self,
        runtime: Runtime,
        facts: WebSeedFacts,
        neighbours: Neighbours,
        start_call: RangeCallStarter,
    ) -> None:
        self._conn = conn_of_web_seed(facts.number)
        super().__init__(runtime, source_name(self._conn))
        self._facts = facts
        self._tell = neighbours
        self._start_call = start_call
        self._downloads = Downloads(facts.geometry, time.monotonic(), is_limited=False)
        self._books = CallBooks(facts.geometry)
        self._wish_bytes = FIRST_WISH_BYTES
        self._running: RunningRanges | None = None
        self._allowance = Allowance(is_limited=facts.is_download_limited)
        self._ungranted_bytes = 0  # of the running call
        self._moved_at = 0.0
        self._failures = 0  # in a row
        self._pieces = facts.files.pieces()
        self._is_interested = False
        self._rests_because = ""  # while it is left alone, and when it is given up
        self._is_guilty = False

    @property
    def _is_resting(self) -> bool:
        return bool(self._rests_because)

    # --- leases ------------------------------------------------------------------------------

    def lease(self, leases: tuple[Lease, ...]) -> None:
        """Take runs to fetch; of files that the server lacks, give them back."""
        taken = [lease for lease in leases if self._has(lease)]
        if len(taken) < len(leases):
            given_back = self._downloads.decline([one for one in leases if one not in taken])
            self._tell.piece_manager.leases_returned.defer(self._conn, given_back)
        self._downloads.borrow(taken, time.monotonic())
        self._books.borrow(taken)
        self._fetch()
        self._ask_for_work()

    def _has(self, lease: Lease) -> bool:
        return not self._is_resting and not lease.run.piece_mask & ~self._pieces

    def cancel_leases(self, lease_ids: tuple[int, ...]) -> None:
        """Drop leases whose blocks came from another peer (endgame)."""
        for lease_id in lease_ids:
            self._downloads.cancel(lease_id)
        if self._books.drop(lease_ids):
            self._end_call()
            self._fetch()
        self._ask_for_work()

    def grant_download(self, byte_count: int) -> None:
        """Read so many bytes more (a limit is set)."""
        self._allowance.grant(byte_count)
        self._ungranted_bytes -= byte_count
        self._ask_to_download()

    # --- fetching ----------------------------------------------------------------------------

    def _ask_for_work(self) -> None:
        byte_count = self._bytes_to_ask_for()
        if byte_count:
            self._tell.piece_manager.wants_work.defer(self._conn, byte_count)

    def _bytes_to_ask_for(self) -> int:
        downloads = self._downloads
        room = self._wish_bytes - downloads.in_flight_bytes
        may_ask = self._is_interested and not self._is_resting and not downloads.has_asked
        if not may_ask or room < self._wish_bytes // 2:
            return 0
        downloads.has_asked = True
        return max(room, BLOCK_BYTES)

    def _fetch(self) -> None:
        """Ask for all that is lent and was not asked for, if no call is under way."""
        if self._running is not None or self._is_resting or not self._books.is_any_waiting:
            return
        call = self._books.begin_call(self._conn, self._parts)
        limited = self._facts.is_download_limited
        self._allowance = Allowance(is_limited=limited)
        self._ungranted_bytes = sum(part.length for part in call.parts) if limited else 0
        self._moved_at = time.monotonic()
        self._running = self._start_call(call, self._allowance, self._me)
        self._ask_to_download()

    def _parts(self, stretches: Iterable[tuple[int, int]]) -> tuple[Part, ...]:
        files = self._facts.files
        return tuple(part for stretch in joined(stretches) for part in files.parts(*stretch))

    def _ask_to_download(self) -> None:
        if self._ungranted_bytes > 0:
            self._tell.seeder.wants_download.defer(self._conn, self._ungranted_bytes)

    def bytes_came(self, call_number: int, data: Cargo) -> None:
        """Take what came of a call, and hand over the runs that are whole by that."""
        if call_number != self._books.call_number or self._running is None:
            self._count_wasted(data.length)
            return
        now = time.monotonic()
        blocks = [Block(*named) for named in self._books.stream.cut(data.take())]
        filled = self._downloads.blocks_came(blocks, now)
        if blocks:
            self._moved_at = now
        if filled:
            self._failures = 0
            self._tell.storage.store_runs.defer(self._conn, filled)
            lease_ids = tuple([one.lease_id for one in filled])
            self._books.drop(lease_ids)
            wants_bytes = self._bytes_to_ask_for()
            self._tell.piece_manager.leases_filled.defer(self._conn, lease_ids, wants_bytes)

    def _count_wasted(self, byte_count: int) -> None:
        self._downloads.came_bytes += byte_count
        self._downloads.wasted_bytes += byte_count

    def call_ended(self, call_number: int, refusal: Refusal | None) -> None:
        """Learn that a call has ended: all came, or why not."""
        if call_number != self._books.call_number or self._running is None:
            return
        self._end_call()
        if refusal is None:
            self._wish_bytes = min(MOST_WISH_BYTES, 2 * self._wish_bytes)
            self._fetch()
            self._ask_for_work()
        else:
            self._failed(refusal)

    def _end_call(self) -> None:
        """Expect nothing more of the running call; what came of a block is lost."""
        running, self._running = self._running, None
        if running is not None:
            running.cancel()
            self._count_wasted(self._books.stream.rest_bytes)

    def _wish_for_little(self) -> None:
        self._wish_bytes = FIRST_WISH_BYTES

    # --- what subclasses add -----------------------------------------------------------------

    @property
    @abstractmethod
    def _me(self) -> WebSeedProxy:
        """Return our own proxy."""

    @abstractmethod
    def _failed(self, refusal: Refusal) -> None:
        """Hear that the call came to nothing, or to less than was asked for."""

    # --- the end of a call -------------------------------------------------------------------

    def _look_after_call(self, now: float) -> None:
        if self._allowance.is_used_up:  # it is we who keep it waiting
            self._moved_at = now
            if self._ungranted_bytes <= 0:
                self._ungranted_bytes = STEP_BYTES
                self._ask_to_download()
        elif now - self._moved_at > STALL_SECONDS:
            self._end_call()
            self._failed(Refusal(Fault.BUSY, f"it sent nothing for {STALL_SECONDS:g} s"))

    def _give_back(self) -> None:
        given_back = self._hand_over_what_came()
        if given_back:
            self._tell.piece_manager.leases_returned.defer(self._conn, given_back)

    def _hand_over_what_came(self) -> tuple[GivenBack, ...]:
        """Give back all leases; who sent bad data is not believed in what was not whole either."""
        leases = self._books.clear()
        came, given_back = self._downloads.give_back()
        if self._is_guilty:
            self._downloads.wasted_bytes += sum(one.run.length for one in came)
            return self._downloads.decline(leases)
        if came:
            self._tell.storage.store_runs.defer(self._conn, came)
        return given_back
