"""`WebSeed`: a web server that has the torrent's files, and serves ranges of them (BEP 19).

It takes leases from the piece manager exactly as a `PeerActor` does, and hands over what it
filled in the same way. To the others it is a peer that has everything, never chokes us and
wants nothing: so it needs no slot, and the swarm does not know it. What is fetched comes by
short-lived calls (`web_seed_calls.py`), one at a time, so that nobody ever waits for a server.

A server that is busy is left alone for a while, one that lacks a file is asked for the others,
one that lies or speaks no ranges is given up.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from actortorrent.actors.base import Actor, Proxy, Runtime, message, proxy_of
from actortorrent.actors.http_ranges import STEP_BYTES, Allowance
from actortorrent.actors.peer_downloads import Downloads
from actortorrent.actors.peer_values import Neighbours, Parting
from actortorrent.actors.web_seed_books import CallBooks, joined
from actortorrent.rules.bitfield import to_wire
from actortorrent.rules.borrowing import GivenBack
from actortorrent.rules.choking import PeerRates
from actortorrent.rules.geometry import BLOCK_BYTES, Geometry
from actortorrent.rules.leases import Cargo, Lease
from actortorrent.rules.rates import NOTHING
from actortorrent.rules.web_seed_answers import Fault, Refusal
from actortorrent.rules.web_seed_ranges import Part, WebSeedFiles
from actortorrent.rules.web_seeds import (
    WebSeedStatus,
    conn_of_web_seed,
    rest_seconds,
    source_name,
)
from actortorrent.wire.peer_protocol import Block

if TYPE_CHECKING:
    from actortorrent.actors.peer import PeerProxy
    from actortorrent.actors.reporter import ReporterProxy
    from actortorrent.actors.web_seed_calls import RangeCallStarter, RunningRanges

FIRST_WISH_BYTES = 256 * 1024  # a server that is not known yet gets little to spoil
MOST_WISH_BYTES = 8 * 1024 * 1024  # lent to one web seed
MOST_LOST_FILES = 100  # that a server may lack before it is given up
STALL_SECONDS = 20.0  # without a block that was asked for
BEAT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class WebSeedFacts:
    """What a web seed must know: its number in the session, from 1, and where its files lie."""

    number: int
    shown_url: str  # without its secrets
    files: WebSeedFiles = field(repr=False)
    geometry: Geometry
    is_download_limited: bool


class WebSeed(Actor):
    """Fetch from one web server."""

    shown_state = ("_is_resting", "_is_interested")

    def __init__(
        self,
        runtime: Runtime,
        facts: WebSeedFacts,
        neighbours: Neighbours,
        reporter: ReporterProxy,
        start_call: RangeCallStarter,
    ) -> None:
        self._conn = conn_of_web_seed(facts.number)
        super().__init__(runtime, source_name(self._conn))
        self._facts = facts
        self._tell = neighbours
        self._reporter = reporter
        self._start_call = start_call
        self._downloads = Downloads(facts.geometry, time.monotonic(), is_limited=False)
        self._books = CallBooks(facts.geometry)
        self._wish_bytes = FIRST_WISH_BYTES
        self._running: RunningRanges | None = None
        self._allowance = Allowance(is_limited=facts.is_download_limited)
        self._ungranted_bytes = 0  # of the running call
        self._moved_at = 0.0
        self._failures = self._lost_files = 0
        self._pieces = facts.files.pieces()
        self._has_begun = False
        self._is_interested = False
        self._has_nothing = False  # that is not known yet
        self._rests_because = ""  # while it is left alone
        self._is_guilty = False

    @property
    def _is_resting(self) -> bool:
        return bool(self._rests_because)

    # --- commands ----------------------------------------------------------------------------

    def begin(self) -> None:
        """Take leases from now on: what is on disk is known."""
        self._has_begun = True
        me = cast("PeerProxy", proxy_of(self.actor_ref, WebSeedProxy))
        bits = to_wire(self._pieces, self._facts.geometry.piece_count)
        self._record("bt:web_seed_begun", {"conn": self._conn, "url": self._facts.shown_url})
        self._tell.piece_manager.peer_joined.defer(self._conn, me)
        self._tell.seeder.peer_joined.defer(self._conn, me)
        self._tell.piece_manager.peer_has_bitfield.defer(self._conn, bits)
        self._tell.piece_manager.peer_unchoked_us.defer(self._conn, True)
        self._report()
        self._after(BEAT_SECONDS, "_look_after")

    def introduce(self, bitfield: bytes) -> None:
        """Tell a web server nothing of what we have."""

    def we_have(self, piece_indexes: tuple[int, ...]) -> None:
        """Tell a web server nothing of what we have."""

    def we_are_complete(self) -> None:
        """Ask for nothing more."""
        self._is_interested = False

    def show_interest(self, is_interested: bool) -> None:
        """Note whether the server has anything that we want."""
        self._is_interested = is_interested
        self._has_nothing = not is_interested
        self._report()
        self._ask_for_work()

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

    def leave(self, parting: Parting, reason: str) -> None:
        """Ask this server no more."""
        self._is_guilty = parting is Parting.MISBEHAVED
        self._give_up(reason, is_notable=self._is_guilty)

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
        me = proxy_of(self.actor_ref, WebSeedProxy)
        self._running = self._start_call(call, self._allowance, me)
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
        now = self._moved_at = time.monotonic()
        blocks = [Block(*named) for named in self._books.stream.cut(data.take())]
        filled = self._downloads.blocks_came(blocks, now)
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

    # --- failures ----------------------------------------------------------------------------

    def _failed(self, refusal: Refusal) -> None:
        fault, why = refusal.fault.value, refusal.why
        self._record("bt:web_seed_failed", {"conn": self._conn, "fault": fault, "why": why})
        if refusal.fault is Fault.USELESS:
            self._give_up(refusal.why)
        elif refusal.fault is Fault.LACKS_FILE:
            self._lose(refusal)
        else:
            self._rest(refusal)

    def _lose(self, refusal: Refusal) -> None:
        """Ask no more for a file that the server lacks, nor for the pieces with bytes of it."""
        self._lost_files += 1
        lost = self._pieces & self._facts.files.pieces_of(refusal.file_index)
        self._pieces &= ~lost
        if not self._pieces or self._lost_files > MOST_LOST_FILES:
            self._give_up(refusal.why)
            return
        bits = to_wire(lost, self._facts.geometry.piece_count)
        self._tell.piece_manager.peer_lacks.defer(self._conn, bits)
        if self._lost_files == 1:
            self._notice(f"does not have all files (file {refusal.file_index + 1}: {refusal.why})")
        self._give_back()
        self._ask_for_work()

    def _rest(self, refusal: Refusal) -> None:
        """Leave the server alone for a while, and let others have what was lent."""
        self._failures += 1
        seconds = rest_seconds(self._failures, refusal.retry_seconds)
        if seconds is None:
            self._give_up(refusal.why)
            return
        self._rests_because = refusal.why
        self._wish_bytes = FIRST_WISH_BYTES
        self._decide(
            "rest_web_seed",
            source_name(self._conn),
            seconds=seconds,
            failures=self._failures,
            why=refusal.why,
        )
        self._tell.piece_manager.peer_unchoked_us.defer(self._conn, False)
        self._give_back()
        self._report()
        self._after(seconds, "_try_again")

    def _try_again(self) -> None:
        self._rests_because = ""
        self._tell.piece_manager.peer_unchoked_us.defer(self._conn, True)
        self._report()
        self._ask_for_work()

    def _give_up(self, why: str, *, is_notable: bool = True) -> None:
        self._record("bt:web_seed_left", {"conn": self._conn, "why": why})
        if is_notable:
            self._notice(f"given up: {why}")
        self.stop()

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

    # --- time, and telling -------------------------------------------------------------------

    def _look_after(self) -> None:
        now = time.monotonic()
        if self._running is not None:
            self._look_after_call(now)
        self._tell_rates(now)
        self._after(BEAT_SECONDS, "_look_after")

    def _look_after_call(self, now: float) -> None:
        if self._allowance.is_used_up:  # it is we who keep it waiting
            self._moved_at = now
            if self._ungranted_bytes <= 0:
                self._ungranted_bytes = STEP_BYTES
                self._ask_to_download()
        elif now - self._moved_at > STALL_SECONDS:
            self._end_call()
            self._failed(Refusal(Fault.BUSY, f"it sent nothing for {STALL_SECONDS:g} s"))

    def _tell_rates(self, now: float) -> None:
        recent = self._downloads.meter.recent(now)
        self._tell.seeder.peer_rates.defer(
            PeerRates(
                conn=self._conn,
                downloaded_bytes_total=self._downloads.came_bytes,
                uploaded_bytes_total=0,
                download_rate=recent.rate,
                upload_rate=0.0,
                is_snubbed=False,
                wasted_bytes_total=self._downloads.wasted_bytes,
                recent_download=recent,
                recent_upload=NOTHING,
            )
        )

    def _report(self, *, is_gone: bool = False) -> None:
        self._reporter.web_seed_changed.defer(
            WebSeedStatus(
                number=self._facts.number,
                url=self._facts.shown_url,
                rests_because=self._rests_because,
                has_nothing=self._has_nothing,
                is_gone=is_gone,
            )
        )

    def _notice(self, text: str) -> None:
        self._reporter.notice.defer(f"web seed {self._facts.shown_url}: {text}")

    # --- the end -----------------------------------------------------------------------------

    def on_end(self, error: BaseException | None) -> None:  # noqa: ARG002 - the hook's signature
        """Give back all that was lent, and tell everyone that this web seed has gone."""
        if self._running is not None:
            self._end_call()
        if self._has_begun:
            given_back = self._hand_over_what_came()
            last_lease_id = self._downloads.last_lease_id
            self._tell.piece_manager.peer_left.defer(self._conn, given_back, last_lease_id)
            self._tell_rates(time.monotonic())
            self._tell.seeder.peer_left.defer(self._conn)
        self._report(is_gone=True)


class WebSeedProxy(Proxy):
    """The messages that a web seed takes."""

    begin = message(WebSeed.begin)
    introduce = message(WebSeed.introduce)
    we_have = message(WebSeed.we_have)
    we_are_complete = message(WebSeed.we_are_complete)
    show_interest = message(WebSeed.show_interest)
    lease = message(WebSeed.lease)
    cancel_leases = message(WebSeed.cancel_leases)
    grant_download = message(WebSeed.grant_download)
    leave = message(WebSeed.leave)
    bytes_came = message(WebSeed.bytes_came)
    call_ended = message(WebSeed.call_ended)
