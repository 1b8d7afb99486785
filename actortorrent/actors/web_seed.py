"""`WebSeed`: a web server that has the torrent's files, and serves ranges of them (BEP 19).

It takes leases from the piece manager exactly as a `PeerActor` does, and hands over what it
filled in the same way (`web_seed_fetching.py`). To the others it is a peer that has everything, never chokes us and
wants nothing: so it needs no slot, and the swarm does not know it. What is fetched comes by
short-lived calls (`web_seed_calls.py`), one at a time, so that nobody ever waits for a server.

A server that is busy is left alone for a while, one that lacks a file is asked for the others,
one that lies or speaks no ranges is given up.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

from actortorrent.actors.base import Proxy, Runtime, message, proxy_of
from actortorrent.actors.peer_values import Neighbours, Parting
from actortorrent.actors.web_seed_books import WebSeedFacts
from actortorrent.actors.web_seed_fetching import WebSeedFetching
from actortorrent.rules.bitfield import to_wire
from actortorrent.rules.choking import PeerRates
from actortorrent.rules.rates import NOTHING
from actortorrent.rules.web_seed_answers import Fault, Refusal
from actortorrent.rules.web_seeds import (
    WebSeedStatus,
    rest_seconds,
    source_name,
)

if TYPE_CHECKING:
    from actortorrent.actors.peer import PeerProxy
    from actortorrent.actors.reporter import ReporterProxy
    from actortorrent.actors.web_seed_calls import RangeCallStarter
    from actortorrent.actors.web_seeds import WebSeedsProxy

MOST_LOST_FILES = 100  # that a server may lack before it is given up
BEAT_SECONDS = 1.0


class WebSeed(WebSeedFetching):
    """Fetch from one web server."""

    shown_state = ("_is_resting", "_is_interested")

    def __init__(
        self,
        runtime: Runtime,
        facts: WebSeedFacts,
        neighbours: Neighbours,
        reporter: ReporterProxy,
        start_call: RangeCallStarter,
        keeper: WebSeedsProxy,
    ) -> None:
        super().__init__(runtime, facts, neighbours, start_call)
        self._reporter = reporter
        self._keeper = keeper
        self._lost_files = 0
        self._has_begun = False
        self._has_left = False
        self._has_nothing = False  # that is not known yet
        self._is_more_wanted = True

    @property
    def _me(self) -> WebSeedProxy:
        return proxy_of(self.actor_ref, WebSeedProxy)

    # --- commands ----------------------------------------------------------------------------

    def begin(self) -> None:
        """Take leases from now on: what is on disk is known."""
        self._has_begun = True
        me = cast("PeerProxy", self._me)
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
        """Go: nothing more is wanted of a web server."""
        self._is_more_wanted = False
        self._give_up("nothing is lacking", is_notable=False)

    def show_interest(self, is_interested: bool) -> None:
        """Note whether the server has anything that we want."""
        self._is_interested = is_interested
        self._has_nothing = not is_interested
        self._report()
        self._ask_for_work()

    def leave(self, parting: Parting, reason: str) -> None:
        """Ask this server no more."""
        self._is_guilty = parting is Parting.MISBEHAVED
        self._give_up(reason, is_notable=self._is_guilty)

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
        self._wish_for_little()
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
        if self._has_left:
            return
        self._has_left = True
        self._end_call()
        self._rests_because = why  # what is still lent goes back at once
        self._record("bt:web_seed_left", {"conn": self._conn, "why": why})
        if is_notable:
            self._notice(f"given up: {why}")
        self.stop()

    # --- time, and telling -------------------------------------------------------------------

    def _look_after(self) -> None:
        now = time.monotonic()
        if self._running is not None:
            self._look_after_call(now)
        self._tell_rates(now)
        self._after(BEAT_SECONDS, "_look_after")

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

    def _report(self) -> None:
        self._reporter.web_seed_changed.defer(
            WebSeedStatus(
                number=self._facts.number,
                url=self._facts.shown_url,
                rests_because=self._rests_because,
                has_nothing=self._has_nothing,
            )
        )

    def _notice(self, text: str) -> None:
        self._reporter.notice.defer(f"web seed {self._facts.shown_url}: {text}")

    # --- the end -----------------------------------------------------------------------------

    def on_end(self, error: BaseException | None) -> None:  # noqa: ARG002 - the hook's signature
        """Give back all that was lent, and tell everyone that this web seed has gone."""
        self._end_call()
        if self._has_begun:
            given_back = self._hand_over_what_came()
            last_lease_id = self._downloads.last_lease_id
            self._tell.piece_manager.peer_left.defer(self._conn, given_back, last_lease_id)
            self._tell_rates(time.monotonic())
            self._tell.seeder.peer_left.defer(self._conn)
        self._keeper.web_seed_left.defer(self._facts.number, self._is_more_wanted)


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
