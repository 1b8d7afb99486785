"""What chapter 7 says of tit for tat is true in a new run."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from actortorrent.tracing.events import DECISION, MESSAGE, Event
from tests.learn.claims import by_time, events_of
from tests.learn.running import in_most_runs_of

SLOTS = "riders/slots.trace"
LEECHES = tuple(f"leech-{number}" for number in range(1, 6))
RIDER = "free-rider"


def node(event: Event) -> str:
    return event.actor.partition("/")[0]


def reviews(events: list[Event], rule: str) -> list[Event]:
    return [one for one in events if one.name == DECISION and one.data.get("rule") == rule]


def test_slots_that_are_earned_go_to_those_who_send_most(fresh: Path) -> None:
    for review in reviews(events_of(fresh / SLOTS), "tit-for-tat"):
        wanting = [one for one in review.data["candidates"] if one["reason"] != "not interested"]
        earned = [one["download_rate"] for one in wanting if one["reason"] == "sends us most"]
        refused = [one["download_rate"] for one in wanting if not one["is_unchoked"]]
        assert len(earned) <= 2, "of three slots one is never earned"
        assert all(rate > 0 for rate in earned)
        assert min(earned, default=0) >= max(refused, default=0) or len(earned) < 2


def test_the_free_rider_earns_no_slot(fresh: Path) -> None:
    events = events_of(fresh / SLOTS)
    assert all(
        one.data["slots"] == 0 for one in reviews(events, "tit-for-tat") if node(one) == RIDER
    )
    served = [
        one["reason"]
        for review in reviews(events, "tit-for-tat")
        for one in review.data["candidates"]
        if one["is_unchoked"] and one["download_rate"] == 0
    ]
    assert set(served) <= {"drawn by lot", "its draw still holds"}


@in_most_runs_of(7)
def test_the_free_rider_has_least_when_the_first_of_the_others_has_all(fresh: Path) -> None:
    events = sorted(events_of(fresh / SLOTS), key=by_time)
    had: Counter[str] = Counter()
    for event in events:
        had[node(event)] += event.name == "bt:piece_verified"
        is_done = event.name == MESSAGE and event.data["type"] == "content_completed"
        if is_done and node(event) in LEECHES:
            break
    assert had[RIDER] < min(had[leech] for leech in LEECHES)
    assert {node(one) for one in events if one.data.get("type") == "content_completed"} >= {RIDER}
