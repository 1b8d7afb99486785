"""Trackers are drawn as in `ab|c`: a tier of a and b, then one of c."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.rules.announcing import (
    MAX_BACK_OFF_SECONDS,
    MAX_CALLS,
    MAX_TRACKERS,
    AnnouncePlan,
    TrackedTracker,
    back_off_seconds,
)
from actortorrent.wire.announces import AnnounceReply
from tests.rules.announce_plans import (
    KeepsOrder,
    answer,
    ask_next,
    fail,
    name,
    order,
    plan_of,
    play,
    url,
)


class TestOrder:
    @pytest.mark.parametrize(
        ("drawn", "script", "asked", "afterwards"),
        [
            ("abc", "+", "a", "abc"),
            ("abc", "x+", "ab", "bac"),
            ("abc", "xx+", "abc", "cab"),
            ("ab|cd", "x+", "ab", "ba|cd"),
            ("ab|cd", "xxx+", "abcd", "ab|dc"),
            ("a|b|c", "xx+", "abc", "a|b|c"),
            ("ab|cd", "xxxx", "abcd", "ab|cd"),
        ],
    )
    def test_who_answers_moves_to_the_front_of_its_tier(
        self, drawn: str, script: str, asked: str, afterwards: str
    ) -> None:
        plan = plan_of(drawn)
        assert play(plan, script) == asked
        assert order(plan) == afterwards.replace("|", "")

    def test_a_tier_is_shuffled_and_tiers_are_not(self) -> None:
        orders = {order(plan_of("abc|de", rng=random.Random(seed))) for seed in range(60)}
        assert len(orders) == 12
        assert {"".join(sorted(found[:3])) for found in orders} == {"abc"}

    def test_each_tracker_stands_once_where_it_stood_first(self) -> None:
        assert order(plan_of("ab|bc|a")) == "abc"

    def test_trackers_beyond_the_limit_are_never_asked(self) -> None:
        tiers = [[url(f"t{i}")] for i in range(MAX_TRACKERS + 50)]
        plan = AnnouncePlan(tiers, is_private=False, rng=KeepsOrder())
        assert len(list(plan)) == MAX_TRACKERS


class TestRounds:
    def test_a_round_is_over_with_the_first_answer(self) -> None:
        plan = plan_of("a|b")
        play(plan, "+")
        assert not plan.is_round_open
        assert plan.next_to_ask(0.0) is None
        assert plan.next_round_at == 1800

    def test_slow_trackers_are_asked_side_by_side_up_to_a_limit(self) -> None:
        plan = plan_of("abcdefghijkl")
        plan.begin_round()
        asked = [ask_next(plan) for _ in range(MAX_CALLS)]
        assert plan.next_to_ask(0.0) is None
        fail(plan, asked[3])
        assert name(plan.next_to_ask(0.0)) == "i"

    def test_a_late_answer_counts_but_changes_neither_order_nor_time(self) -> None:
        plan = plan_of("ab")
        plan.begin_round()
        first, second = ask_next(plan), ask_next(plan)
        assert answer(plan, second, 4.5)
        assert not answer(plan, first, 9.0, reply=AnnounceReply(interval_seconds=30))
        assert first.knows_us
        assert order(plan) == "ba"
        assert plan.next_round_at == 1804.5

    def test_a_lost_round_comes_again_after_the_shortest_back_off(self) -> None:
        plan = plan_of("ab")
        play(plan, "xx", now=100.0)
        assert plan.close_if_lost(100.0)
        assert plan.next_round_at == 115
        assert play(plan, "x", now=115.0) == "a"

    def test_a_round_is_not_lost_while_one_may_still_answer(self) -> None:
        plan = plan_of("ab")
        plan.begin_round()
        first, second = ask_next(plan), ask_next(plan)
        fail(plan, first)
        assert not plan.close_if_lost(0.0)
        fail(plan, second)
        assert plan.close_if_lost(0.0)
        assert not plan.close_if_lost(0.0)

    def test_the_back_off_doubles_up_to_half_an_hour(self) -> None:
        plan = plan_of("a")
        now, waits = 0.0, []
        for _ in range(10):
            play(plan, "x", now)
            plan.close_if_lost(now)
            assert plan.next_round_at is not None
            waits.append(plan.next_round_at - now)
            now = plan.next_round_at
        assert waits == [15, 30, 60, 120, 240, 480, 960, 1800, 1800, 1800]

    @given(st.integers(1, 10_000), st.integers())
    def test_the_back_off_is_jittered_within_a_fifth(self, failures: int, seed: int) -> None:
        seconds = back_off_seconds(failures, random.Random(seed))
        assert 12 <= seconds <= MAX_BACK_OFF_SECONDS * 1.2

    def test_a_dead_tracker_is_passed_over_until_its_back_off_is_over(self) -> None:
        plan = plan_of("a|b")
        play(plan, "x+", now=0.0)
        plan.next_round_at = 10.0
        plan.begin_round()
        assert name(plan.next_to_ask(14.0)) == "-"
        assert name(plan.next_to_ask(15.0)) == "a"


class TestHaste:
    def test_the_minimum_interval_is_kept(self) -> None:
        plan = plan_of("a")
        play(plan, "+", now=100.0)
        plan.hasten(110.0)
        assert plan.next_round_at == 160

    def test_trackers_not_asked_so_far_are_asked_at_once(self) -> None:
        plan = plan_of("a|b")
        play(plan, "+", now=100.0)
        plan.hasten(110.0)
        assert plan.next_round_at == 110
        assert play(plan, "+", now=110.0) == "b"

    def test_a_round_under_way_needs_no_haste(self) -> None:
        plan = plan_of("a")
        plan.begin_round()
        plan.hasten(5.0)
        assert plan.next_round_at is None

    def test_haste_never_delays(self) -> None:
        plan = plan_of("a")
        play(plan, "+")
        plan.next_round_at = 20.0
        plan.hasten(10.0)
        assert plan.next_round_at == 20.0

    def test_without_trackers_there_is_nothing_to_hasten(self) -> None:
        plan = plan_of("")
        plan = AnnouncePlan([], is_private=False, rng=KeepsOrder())
        plan.hasten(0.0)
        assert plan.next_round_at is None


class TestPrivateTorrents:
    def test_one_tracker_is_asked_at_a_time(self) -> None:
        plan = plan_of("ab", is_private=True)
        plan.begin_round()
        first = ask_next(plan)
        assert plan.next_to_ask(0.0) is None
        fail(plan, first)
        assert name(plan.next_to_ask(0.0)) == "b"

    def test_the_one_that_serves_us_is_asked_until_it_fails(self) -> None:
        plan = plan_of("a|b", is_private=True)
        play(plan, "x+")
        assert play(plan, "x", now=1800.0) == "b"
        assert name(plan.next_to_ask(1800.0)) == "a"

    def test_haste_does_not_turn_to_another(self) -> None:
        plan = plan_of("a|b", is_private=True)
        play(plan, "+")
        plan.hasten(10.0)
        assert plan.next_round_at == 60


def test_every_tracker_has_refused_only_if_each_said_no_last() -> None:
    plan = plan_of("ab")
    plan.begin_round()
    first, second = ask_next(plan), ask_next(plan)
    plan.note_failure(first, 0.0, has_refused=True)
    assert not plan.has_every_tracker_refused
    plan.note_failure(second, 0.0, has_refused=True)
    assert plan.has_every_tracker_refused
    fail(plan, first)
    assert not plan.has_every_tracker_refused


@given(st.lists(st.sampled_from("+x."), max_size=60), st.integers(0, 2**32), st.booleans())
def test_no_tracker_is_ever_asked_too_early(script: str, seed: int, is_private: bool) -> None:
    """`+` answers and `x` fails for the oldest call under way; `.` lets time pass."""
    rng = random.Random(seed)
    plan = plan_of("abc|de|f", is_private=is_private, rng=rng)
    now, calls = 0.0, list[TrackedTracker]()
    plan.begin_round()
    for step in script:
        if (tracker := plan.next_to_ask(now)) is not None:
            assert tracker.may_ask_at <= now
            assert not tracker.is_being_asked
            assert not (is_private and calls)
            plan.note_asked(tracker)
            calls.append(tracker)
        if step == "+" and calls:
            answer(plan, calls.pop(0), now)
        elif step == "x" and calls:
            fail(plan, calls.pop(0), now)
        else:
            now += rng.uniform(0, 2000)
            plan.hasten(now)
        plan.close_if_lost(now)
        at = plan.next_round_at
        assert plan.is_round_open or at is not None
        if at is not None and at <= now:
            plan.begin_round()
