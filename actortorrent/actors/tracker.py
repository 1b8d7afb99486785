"""The Tracker: tells a torrent's trackers how we stand, and Swarm which peers they name.

Whom to ask and when is decided in `rules/announcing.py`; each question is a call of its
own (`tracker_calls`), so that this actor never waits and a dead or slow tracker delays
nothing. It begins with the first `progress_changed`, since an announce says how much is
missing; it ends by `say_goodbye`, which takes `GOODBYE_SECONDS` at most.

The passkeys in trackers' URLs are for the trackers alone: all that leaves this actor,
traces too, names a tracker as `http://tracker.example:6969/…`.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from actortorrent.actors.base import Actor, Proxy, Runtime, message, proxy_of
from actortorrent.rules.announcing import (
    AnnounceIdentity,
    AnnouncePlan,
    TrackedTracker,
    TransferTotals,
)
from actortorrent.rules.own_address import is_plausible
from actortorrent.rules.tracker_calls import (
    CallAnswered,
    CallFailed,
    CallOutcome,
    RunningCall,
    StartCall,
    TrackerCall,
)
from actortorrent.rules.tracker_status import TrackerState, TrackerStatus
from actortorrent.wire.announces import AnnounceEvent, AnnounceReply, AnnounceRequest
from actortorrent.wire.tracker_urls import sort_out

if TYPE_CHECKING:
    from actortorrent.actors.inbox import Timer
    from actortorrent.actors.reporter import ReporterProxy
    from actortorrent.actors.swarm import SwarmProxy

PATIENCE_SECONDS = 4.0  # with a silent tracker, before the next is asked beside it
GOODBYE_SECONDS = 1.5  # for all trackers together
UNMET_SECONDS = 0.4  # of these, for those that have never answered: they may be dead


class _Call(Struct, frozen=True):
    tracker: TrackedTracker
    ask: AnnounceRequest
    running: RunningCall


class Tracker(Actor):
    """Announce to the trackers of one torrent.

    Args:
        swarm: is told the peers.
        reporter: is told how each tracker stands, and when the goodbye is over.
        identity: who we are.
        tiers: URLs as the torrent gives them.
        is_private: whether BEP 27 holds.
        start_call: starts a question to a tracker (`CallStarter`).
        takes_udp: whether trackers that speak UDP are asked at all.
    """

    def __init__(
        self,
        runtime: Runtime,
        swarm: SwarmProxy,
        reporter: ReporterProxy,
        identity: AnnounceIdentity,
        tiers: Sequence[Sequence[str]],
        is_private: bool,
        start_call: StartCall,
        *,
        takes_udp: bool = True,
    ) -> None:
        super().__init__(runtime, "Tracker")
        self._swarm = swarm
        self._reporter = reporter
        self._identity = identity
        self._start_call = start_call
        urls, self._unusable = sort_out(tiers, takes_udp=takes_udp)
        rng = random.Random(runtime.rng.getrandbits(64))
        self._plan = AnnouncePlan(urls, is_private=is_private, rng=rng)
        self._patience_seconds = None if is_private else PATIENCE_SECONDS
        self._totals = TransferTotals(0, 0, 0)
        self._has_begun = False
        self._calls: dict[int, _Call] = {}
        self._calls_made = 0
        self._next_round: Timer | None = None
        self._is_leaving = False
        self._has_left = False
        self._waits_for_unmet = True

    # --- messages ---------------------------------------------------------------------------

    def progress_changed(self, totals: TransferTotals) -> None:
        """Take how much was transferred and is missing; the first time, begin announcing."""
        self._totals = totals
        if not self._has_begun and not self._is_leaving:
            self._has_begun = True
            self._report_unusable()
            self._begin_round()

    def announce_now(self) -> None:
        """Ask for more peers as soon as the trackers allow."""
        if self._has_begun and not self._is_leaving:
            self._plan.hasten(time.monotonic())
            self._schedule_round()

    def content_completed(self) -> None:
        """Tell the trackers that nothing is missing any more."""
        self._plan.note_completed()
        self._tell_completed()

    def reachable_on(self, port: int) -> None:
        """Announce this port from now on: it is the router's, and leads to ours."""
        self._identity = replace(self._identity, port=port)

    def say_goodbye(self) -> None:
        """Tell `stopped` to each tracker that knows us; then `Reporter.trackers_left`.

        A tracker that is just being told `completed` hears that first: who fetches and
        goes says both in one breath.
        """
        if self._is_leaving:
            return
        self._is_leaving = True
        trackers = self._plan.due_for_goodbye()
        completing = self._cancel_calls(keep=AnnounceEvent.COMPLETED)
        for tracker in trackers:
            if tracker not in completing:
                self._ask(tracker, AnnounceEvent.STOPPED)
        self._after(UNMET_SECONDS, "_leave_unmet")
        self._after(GOODBYE_SECONDS, "_leave")
        self._leave_if_told()

    def call_ended(self, outcome: CallOutcome) -> None:
        """Take what came of a call."""
        call = self._calls.pop(outcome.number, None)
        if call is None:  # cancelled
            return
        if isinstance(outcome, CallAnswered):
            self._take_answer(call, outcome)
        else:
            self._take_failure(call, outcome)
        if self._is_leaving:
            if call.ask.event is AnnounceEvent.COMPLETED:
                self._ask(call.tracker, AnnounceEvent.STOPPED)
            self._leave_if_told()
        else:
            self._tell_completed()
            self._go_on()

    def on_end(self, error: BaseException | None) -> None:  # noqa: ARG002
        """Cancel the calls under way, and wait for none."""
        self._cancel_calls()

    # --- a round ----------------------------------------------------------------------------

    def _begin_round(self) -> None:
        if not self._is_leaving:
            self._plan.begin_round()
            self._go_on()

    def _go_on(self) -> None:
        """Ask the next tracker if the round is open; end the round if nobody is left."""
        now = time.monotonic()
        tracker = self._plan.next_to_ask(now)
        if tracker is not None:
            self._decide("ask_tracker", str(tracker.url), tier=tracker.tier, rule="BEP 12")
            self._ask(tracker, self._plan.event_for(tracker))
            if self._patience_seconds is not None:
                self._after(self._patience_seconds, "_lose_patience", self._calls_made)
        elif self._plan.close_if_lost(now):
            self._schedule_round()

    def _lose_patience(self, call_number: int) -> None:
        if call_number in self._calls and not self._is_leaving:
            self._go_on()

    def _schedule_round(self) -> None:
        if self._next_round is not None:
            self._next_round.cancel()
        at = self._plan.next_round_at
        if at is not None:
            self._next_round = self._after(max(0.0, at - time.monotonic()), "_begin_round")

    def _tell_completed(self) -> None:
        if not self._is_leaving:
            for tracker in self._plan.due_for_completed():
                self._ask(tracker, AnnounceEvent.COMPLETED)

    # --- calls --------------------------------------------------------------------------------

    def _ask(self, tracker: TrackedTracker, event: AnnounceEvent) -> None:
        self._calls_made += 1
        number = self._calls_made
        ask = self._plan.announce(tracker, event, self._identity, self._totals)
        call = TrackerCall(number, tracker.url, ask, tracker.live_connection(time.monotonic()))
        self._plan.note_asked(tracker)
        self._record_call("bt:announce_sent", tracker, number, event=str(event), left=ask.left)
        report = proxy_of(self.actor_ref, TrackerProxy).call_ended.defer
        self._calls[number] = _Call(tracker, ask, self._start_call(call, report))
        if not self._is_leaving:
            self._report(tracker, TrackerState.ASKING)

    def _take_answer(self, call: _Call, outcome: CallAnswered) -> None:
        tracker, reply = call.tracker, outcome.reply
        assert isinstance(reply, AnnounceReply)
        tracker.connection = outcome.connection
        is_first = self._plan.note_answer(tracker, call.ask, reply, time.monotonic())
        self._record_call(
            "bt:announce_answered",
            tracker,
            outcome.number,
            peers=len(reply.peers),
            interval_seconds=reply.interval_seconds,
        )
        if self._is_leaving:
            return
        if reply.peers:
            self._swarm.peers_found.defer(reply.peers, "tracker")
        our_host = reply.external_host
        if our_host is not None and is_plausible(our_host, tracker.url.host):
            self._swarm.told_own_address.defer(str(tracker.url), our_host)
        if is_first:
            self._schedule_round()
        self._report(tracker, TrackerState.WORKING, reply.warning, reply)

    def _take_failure(self, call: _Call, outcome: CallFailed) -> None:
        tracker = call.tracker
        tracker.connection = None
        self._plan.note_failure(tracker, time.monotonic(), has_refused=outcome.has_refused)
        why, has_refused = outcome.message, outcome.has_refused
        self._record_call(
            "bt:announce_failed", tracker, outcome.number, why=why, has_refused=has_refused
        )
        if not self._is_leaving:
            words = f"it refused: {why}" if has_refused else why
            self._report(tracker, TrackerState.FAILED, words)

    def _cancel_calls(self, *, keep: AnnounceEvent | None = None) -> list[TrackedTracker]:
        """Cancel all calls but those that tell the event `keep`; return whom they tell."""
        kept = {number: call for number, call in self._calls.items() if call.ask.event is keep}
        for number, call in self._calls.items():
            if number not in kept:
                call.running.cancel()
        self._calls = kept
        return [call.tracker for call in kept.values()]

    # --- telling ------------------------------------------------------------------------------

    def _leave_if_told(self) -> None:
        calls = self._calls.values()
        if not any(call.tracker.knows_us or self._waits_for_unmet for call in calls):
            self._leave()

    def _leave_unmet(self) -> None:
        self._waits_for_unmet = False
        self._leave_if_told()

    def _leave(self) -> None:
        if not self._has_left:
            self._has_left = True
            self._reporter.trackers_left.defer()

    def _report(
        self,
        tracker: TrackedTracker,
        state: TrackerState,
        words: str = "",
        reply: AnnounceReply | None = None,
    ) -> None:
        at = self._plan.next_round_at
        known = reply or AnnounceReply()
        status = TrackerStatus(
            number=tracker.number,
            url=str(tracker.url),
            state=state,
            message=words,
            seeders=known.seeders,
            leechers=known.leechers,
            peers=len(known.peers),
            next_announce_seconds=None if at is None else max(0.0, at - time.monotonic()),
            has_every_tracker_refused=self._plan.has_every_tracker_refused,
        )
        self._reporter.tracker_changed.defer(status)

    def _report_unusable(self) -> None:
        numbers_used = len(list(self._plan))
        for number, (url, why) in enumerate(self._unusable, start=numbers_used):
            status = TrackerStatus(
                number=number,
                url=url,
                state=TrackerState.SKIPPED,
                message=why,
                has_every_tracker_refused=not numbers_used,
            )
            self._reporter.tracker_changed.defer(status)

    def _record_call(
        self, name: str, tracker: TrackedTracker, number: int, **figures: object
    ) -> None:
        self._record(name, {"tracker": str(tracker.url), "call": number, **figures})


class TrackerProxy(Proxy):
    """The messages that `Tracker` takes."""

    progress_changed = message(Tracker.progress_changed)
    announce_now = message(Tracker.announce_now)
    content_completed = message(Tracker.content_completed)
    reachable_on = message(Tracker.reachable_on)
    say_goodbye = message(Tracker.say_goodbye)
    call_ended = message(Tracker.call_ended)
