"""Which tracker to ask, when, and what to tell it: BEP 12's tiers, intervals and back-off.

A *round* asks trackers in order, tier by tier, until one answers: that one moves to the
front of its tier, and its interval says when the next round is. A tracker that is slow
does not hold up the round, for the caller asks the next one beside it; what it answers
late is welcome.

Invariants, each with a test:

* a tracker is never asked before its `may_ask_at`: the minimum interval after an
  answer, the back-off after a failure; only events (`completed`, `stopped`) may;
* `started` goes to a tracker until it has answered once;
* `completed` goes once to each tracker that knew us as incomplete;
* a private torrent has one tracker asked at a time, and the others only when the one
  that serves us fails (BEP 27).
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence

from msgspec import Struct

from actortorrent.wire.announces import (
    WANTED_PEERS,
    AnnounceEvent,
    AnnounceReply,
    AnnounceRequest,
)
from actortorrent.wire.tracker_udp_exchange import UdpConnection
from actortorrent.wire.tracker_urls import TrackerUrl

MAX_TRACKERS = 200  # of one torrent; the rest are never asked
MAX_CALLS = 8  # under way at once in a round
MAX_GOODBYES = 50
BACK_OFF_SECONDS = 15.0  # after the first failure; then doubling
MAX_BACK_OFF_SECONDS = 30 * 60.0
JITTER = 0.2  # of the back-off, up or down: clients must not come back all at once


class AnnounceIdentity(Struct, frozen=True):
    """Say who announces: the torrent, our peer id, the port we listen on, and our key."""

    info_hash: bytes
    peer_id: bytes
    port: int
    key: int


class TransferTotals(Struct, frozen=True):
    """Count payload bytes: sent and received in this session, and those still missing."""

    uploaded: int
    downloaded: int
    left: int


class TrackedTracker(Struct, eq=False):
    """Remember one tracker.

    Attributes:
        number: unique in the torrent, from 0.
        may_ask_at: monotonic seconds.
        told_left: bytes we said are missing, when it last answered; None before that.
        failures: in a row.
        has_refused: whether its last word was no.
        tracker_id: what it wants to be told next time (BEP 3).
        connection: the UDP connection id it gave last (BEP 15).
    """

    number: int
    tier: int
    url: TrackerUrl
    may_ask_at: float = -math.inf
    told_left: int | None = None
    failures: int = 0
    has_refused: bool = False
    is_being_asked: bool = False
    tracker_id: bytes = b""
    connection: UdpConnection | None = None

    @property
    def knows_us(self) -> bool:
        """Say whether it counts us among its peers."""
        return self.told_left is not None

    def live_connection(self, now: float) -> UdpConnection | None:
        """Return its UDP connection id while that is good."""
        connection = self.connection
        return connection if connection is not None and now < connection.expires_at else None


class AnnouncePlan:
    """Hold the trackers of a torrent in order, and the round that is under way.

    Args:
        tiers: as the torrent gives them; shuffled within, once (BEP 12).
        is_private: whether BEP 27 holds.
        rng: dice.
    """

    def __init__(
        self, tiers: Sequence[Sequence[TrackerUrl]], *, is_private: bool, rng: random.Random
    ) -> None:
        self.next_round_at: float | None = None
        self._is_private = is_private
        self._rng = rng
        self._tiers = _shuffled(tiers, rng)
        self._asked_this_round: set[int] = set()
        self._is_round_open = False
        self.is_complete = False
        self._serving: TrackedTracker | None = None

    def __iter__(self) -> Iterator[TrackedTracker]:
        """Yield the trackers in the order in which they are asked now."""
        return (tracker for tier in self._tiers for tracker in tier)

    @property
    def is_round_open(self) -> bool:
        """Say whether a round is under way that nobody has answered yet."""
        return self._is_round_open

    @property
    def has_every_tracker_refused(self) -> bool:
        """Say whether the last word of each was no."""
        return all(tracker.has_refused for tracker in self)

    # --- a round --------------------------------------------------------------------------

    def begin_round(self) -> None:
        """Start asking from the first tracker on."""
        self._is_round_open = True
        self._asked_this_round.clear()
        self.next_round_at = None

    def next_to_ask(self, now: float) -> TrackedTracker | None:
        """Return whom to ask next in this round, or None if nobody (for the moment)."""
        under_way = sum(tracker.is_being_asked for tracker in self)
        if not self._is_round_open or under_way >= (1 if self._is_private else MAX_CALLS):
            return None
        return next((each for each in self._in_order() if self._may_be_asked(each, now)), None)

    def note_asked(self, tracker: TrackedTracker) -> None:
        """Remember that a tracker is being asked."""
        tracker.is_being_asked = True
        self._asked_this_round.add(tracker.number)

    def note_answer(
        self, tracker: TrackedTracker, ask: AnnounceRequest, reply: AnnounceReply, now: float
    ) -> bool:
        """Remember an answer, and say whether it is the first in this round."""
        tracker.is_being_asked = tracker.has_refused = False
        tracker.failures = 0
        tracker.told_left = ask.left
        tracker.tracker_id = reply.tracker_id or tracker.tracker_id
        tracker.may_ask_at = now + reply.min_interval_seconds
        if not self._is_round_open:
            return False
        self._is_round_open = False
        self._serving = tracker
        self._promote(tracker)
        self.next_round_at = now + reply.interval_seconds
        return True

    def note_failure(self, tracker: TrackedTracker, now: float, *, has_refused: bool) -> None:
        """Remember that a tracker did not serve us; it is left alone for a while."""
        tracker.is_being_asked = False
        tracker.has_refused = has_refused
        tracker.failures += 1
        tracker.may_ask_at = now + back_off_seconds(tracker.failures, self._rng)
        if tracker is self._serving:
            self._serving = None

    def close_if_lost(self, now: float) -> bool:
        """End the round if nobody is left to ask or to answer, and say whether that is so."""
        is_somebody_left = any(
            tracker.is_being_asked or self._may_be_asked(tracker, now) for tracker in self
        )
        if not self._is_round_open or is_somebody_left:
            return False
        self._is_round_open = False
        self.next_round_at = self._earliest_at()
        return True

    def hasten(self, now: float) -> None:
        """Have the next round as early as the trackers allow: we need peers."""
        earliest = self._earliest_at()
        if self._is_round_open or earliest is None:
            return
        at = max(now, earliest)
        self.next_round_at = at if self.next_round_at is None else min(at, self.next_round_at)

    # --- events -----------------------------------------------------------------------------

    def note_completed(self) -> None:
        """Remember that nothing is missing any more."""
        self.is_complete = True

    def event_for(self, tracker: TrackedTracker) -> AnnounceEvent:
        """Return the event that the next announce to a tracker carries."""
        if not tracker.knows_us:
            return AnnounceEvent.STARTED
        if self.is_complete and tracker.told_left:
            return AnnounceEvent.COMPLETED
        return AnnounceEvent.NONE

    def announce(
        self,
        tracker: TrackedTracker,
        event: AnnounceEvent,
        identity: AnnounceIdentity,
        totals: TransferTotals,
    ) -> AnnounceRequest:
        """Return what to tell a tracker now; who leaves wants no peers."""
        return AnnounceRequest(
            info_hash=identity.info_hash,
            peer_id=identity.peer_id,
            port=identity.port,
            key=identity.key,
            uploaded=totals.uploaded,
            downloaded=totals.downloaded,
            left=0 if self.is_complete else totals.left,
            event=event,
            wanted_peers=0 if event is AnnounceEvent.STOPPED else WANTED_PEERS,
            tracker_id=tracker.tracker_id,
        )

    def due_for_completed(self) -> list[TrackedTracker]:
        """Return those to be told at once that we are complete."""
        return [
            tracker
            for tracker in self
            if self.event_for(tracker) is AnnounceEvent.COMPLETED
            and not tracker.is_being_asked
            and not tracker.failures
        ]

    def due_for_goodbye(self) -> list[TrackedTracker]:
        """Return those that count us as a peer, or may do so by now."""
        known = [tracker for tracker in self if tracker.knows_us or tracker.is_being_asked]
        return known[:MAX_GOODBYES]

    # --- within -------------------------------------------------------------------------------

    def _in_order(self) -> Iterator[TrackedTracker]:
        if self._is_private and self._serving is not None:
            yield self._serving
        yield from self

    def _may_be_asked(self, tracker: TrackedTracker, now: float) -> bool:
        return (
            not tracker.is_being_asked
            and tracker.number not in self._asked_this_round
            and tracker.may_ask_at <= now
        )

    def _promote(self, tracker: TrackedTracker) -> None:
        tier = self._tiers[tracker.tier]
        tier.remove(tracker)
        tier.insert(0, tracker)

    def _earliest_at(self) -> float | None:
        if self._is_private and self._serving is not None:
            return self._serving.may_ask_at
        return min((tracker.may_ask_at for tracker in self), default=None)


def back_off_seconds(failures: int, rng: random.Random) -> float:
    """Return how long to leave a tracker alone after so many failures in a row (1 or more)."""
    doubled = BACK_OFF_SECONDS * 2.0 ** min(failures - 1, 16)
    return min(doubled, MAX_BACK_OFF_SECONDS) * rng.uniform(1 - JITTER, 1 + JITTER)


def _shuffled(
    tiers: Sequence[Sequence[TrackerUrl]], rng: random.Random
) -> list[list[TrackedTracker]]:
    """Return the tiers with each tracker once, in random order within a tier."""
    seen: set[str] = set()
    result: list[list[TrackedTracker]] = []
    for urls in tiers:
        tier: list[TrackedTracker] = []
        for url in urls:
            if url.text not in seen and len(seen) < MAX_TRACKERS:
                tier.append(TrackedTracker(len(seen), len(result), url))
                seen.add(url.text)
        rng.shuffle(tier)
        result.append(tier)
    return result
