from __future__ import annotations

from actortorrent.rules.announcing import TransferTotals
from actortorrent.wire.announces import AnnounceEvent, AnnounceReply
from tests.rules.announce_plans import HALF, ME, answer, ask_next, fail, name, plan_of, play


def test_started_is_told_until_a_tracker_has_answered() -> None:
    plan = plan_of("ab")
    play(plan, "x+")
    events = {name(tracker): plan.event_for(tracker) for tracker in plan}
    assert events == {"a": AnnounceEvent.STARTED, "b": AnnounceEvent.NONE}


def test_completed_is_told_once_to_each_that_knew_us_incomplete() -> None:
    plan = plan_of("abc")
    plan.begin_round()
    first, second = ask_next(plan), ask_next(plan)
    answer(plan, first)
    answer(plan, second)
    plan.note_completed()
    assert [name(tracker) for tracker in plan.due_for_completed()] == ["a", "b"]
    for tracker in plan.due_for_completed():
        plan.note_asked(tracker)
    assert plan.due_for_completed() == []
    answer(plan, first)
    fail(plan, second)
    assert plan.due_for_completed() == []
    events = {name(tracker): plan.event_for(tracker) for tracker in plan}
    assert events == {
        "a": AnnounceEvent.NONE,
        "b": AnnounceEvent.COMPLETED,  # with the next round
        "c": AnnounceEvent.STARTED,
    }


def test_who_had_all_from_the_start_tells_no_completion() -> None:
    plan = plan_of("a")
    plan.begin_round()
    answer(plan, ask_next(plan), totals=TransferTotals(0, 0, 0))
    plan.note_completed()
    assert plan.due_for_completed() == []


def test_goodbye_is_told_to_whoever_may_know_us() -> None:
    plan = plan_of("abcd")
    plan.begin_round()
    first, second, _third = ask_next(plan), ask_next(plan), ask_next(plan)
    answer(plan, first)
    fail(plan, second)
    assert [name(tracker) for tracker in plan.due_for_goodbye()] == ["a", "c"]


def test_an_announce_tells_what_is_missing_and_nothing_once_complete() -> None:
    plan = plan_of("a")
    tracker = next(iter(plan))
    tracker.tracker_id = b"id"
    ask = plan.announce(tracker, AnnounceEvent.NONE, ME, HALF)
    assert (ask.uploaded, ask.downloaded, ask.left, ask.tracker_id) == (1, 2, 100, b"id")
    plan.note_completed()
    assert plan.announce(tracker, AnnounceEvent.COMPLETED, ME, HALF).left == 0
    assert plan.announce(tracker, AnnounceEvent.STOPPED, ME, HALF).wanted_peers == 0


def test_a_tracker_id_is_kept_until_another_comes() -> None:
    plan = plan_of("a")
    tracker = next(iter(plan))
    answer(plan, tracker, reply=AnnounceReply(tracker_id=b"one"))
    answer(plan, tracker, reply=AnnounceReply())
    assert tracker.tracker_id == b"one"
