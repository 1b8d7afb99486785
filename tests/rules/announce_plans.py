"""Trackers are drawn as in `ab|c`: a tier of a and b, then one of c."""

from __future__ import annotations

import random

from actortorrent.rules.announcing import (
    AnnounceIdentity,
    AnnouncePlan,
    TrackedTracker,
    TransferTotals,
)
from actortorrent.wire.announces import AnnounceReply
from actortorrent.wire.tracker_urls import TrackerUrl

ME = AnnounceIdentity(b"h" * 20, b"p" * 20, 6881, 7)
HALF = TransferTotals(uploaded=1, downloaded=2, left=100)
REPLY = AnnounceReply(interval_seconds=1800, min_interval_seconds=60)


class KeepsOrder(random.Random):
    """Dice that shuffle nothing, and jitter by nothing."""

    def shuffle(self, x: object) -> None:
        pass

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


def url(name: str) -> TrackerUrl:
    return TrackerUrl("http", name, 80, f"http://{name}/announce")


def plan_of(
    drawn: str, *, is_private: bool = False, rng: random.Random | None = None
) -> AnnouncePlan:
    tiers = [[url(name) for name in tier] for tier in drawn.split("|")]
    return AnnouncePlan(tiers, is_private=is_private, rng=rng or KeepsOrder())


def name(tracker: TrackedTracker | None) -> str:
    return tracker.url.host if tracker is not None else "-"


def order(plan: AnnouncePlan) -> str:
    return "".join(name(tracker) for tracker in plan)


def ask_next(plan: AnnouncePlan, now: float = 0.0) -> TrackedTracker:
    tracker = plan.next_to_ask(now)
    assert tracker is not None
    plan.note_asked(tracker)
    return tracker


def answer(
    plan: AnnouncePlan,
    tracker: TrackedTracker,
    now: float = 0.0,
    *,
    totals: TransferTotals = HALF,
    reply: AnnounceReply = REPLY,
) -> bool:
    ask = plan.announce(tracker, plan.event_for(tracker), ME, totals)
    return plan.note_answer(tracker, ask, reply, now)


def fail(plan: AnnouncePlan, tracker: TrackedTracker, now: float = 0.0) -> None:
    plan.note_failure(tracker, now, has_refused=False)


def play(plan: AnnouncePlan, script: str, now: float = 0.0) -> str:
    """Play a round in which the n-th tracker asked answers (`+`) or fails (`x`); return whom."""
    plan.begin_round()
    asked = ""
    for outcome in script:
        tracker = ask_next(plan, now)
        asked += name(tracker)
        if outcome == "+":
            answer(plan, tracker, now)
        else:
            fail(plan, tracker, now)
    return asked
