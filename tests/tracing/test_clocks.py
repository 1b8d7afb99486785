from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.tracing.clocks import ClockCycleError, Crossing, MergedClocks, offsets
from actortorrent.tracing.ticks import Tick

MS = 1_000_000


def between(first_ahead_ns: int) -> list[Crossing]:
    """Return messages of 1 ms each between two nodes, of which the first's clock is ahead."""
    ahead = first_ahead_ns
    return [Crossing(0, 1, 10 * MS + ahead, 11 * MS), Crossing(1, 0, 20 * MS, 21 * MS + ahead)]


def test_clocks_that_let_no_message_go_backwards_are_left_alone() -> None:
    assert offsets(2, between(MS // 2)) == [0, 0]
    assert offsets(3, []) == [0, 0, 0]


def test_a_clock_that_is_behind_is_set_so_that_messages_take_as_long_both_ways() -> None:
    assert offsets(2, between(2000 * MS)) == [0, 2000 * MS]
    assert offsets(2, between(-2000 * MS)) == [0, -2000 * MS]


def test_where_messages_went_one_way_only_the_least_is_added() -> None:
    assert offsets(2, [Crossing(0, 1, 50 * MS, 10 * MS)]) == [0, 40 * MS]


@given(
    st.lists(st.integers(-(10**12), 10**12), min_size=2, max_size=5),
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(1, 10**6)), max_size=30),
)
def test_after_setting_no_message_arrives_before_it_is_sent(
    ahead: list[int], messages: list[tuple[int, int, int]]
) -> None:
    count = len(ahead)
    crossings = [
        Crossing(
            a % count,
            b % count,
            number * 10 + ahead[a % count],
            number * 10 + took + ahead[b % count],
        )
        for number, (a, b, took) in enumerate(messages)
        if a % count != b % count
    ]
    added = offsets(count, crossings)
    for one in crossings:
        assert one.sent_ns + added[one.sender] <= one.received_ns + added[one.receiver]


def test_moments_are_counted_anew_behind_what_must_come_before() -> None:
    clocks = MergedClocks()
    for tick, time_ns in ((Tick("a/X", 4), 40), (Tick("b/Y", 1), 10), (Tick("b/Y", 2), 20)):
        clocks.add(tick, time_ns)
    clocks.put_behind(Tick("b/Y", 2), Tick("a/X", 4))
    clocks.settle({"a": 0, "b": 100})
    assert clocks.settled(Tick("a/X", 4)) == (1, 40)
    assert clocks.settled(Tick("b/Y", 1)) == (1, 110)
    assert clocks.settled(Tick("b/Y", 2)) == (2, 120)
    assert clocks.held_back == 0


def test_what_would_come_before_its_sending_is_held_back_with_all_behind_it() -> None:
    clocks = MergedClocks()
    for tick, time_ns in ((Tick("a/X", 1), 50), (Tick("b/Y", 1), 20), (Tick("b/Y", 2), 30)):
        clocks.add(tick, time_ns)
    clocks.put_behind(Tick("b/Y", 1), Tick("a/X", 1))
    clocks.settle({"a": 0, "b": 0})
    assert [clocks.settled(Tick("b/Y", lc)) for lc in (1, 2)] == [(2, 50), (3, 50)]
    assert (clocks.held_back, clocks.most_held_back_ns) == (1, 30)


def test_moments_that_wait_for_each_other_are_refused() -> None:
    clocks = MergedClocks()
    for tick in (Tick("a/X", 1), Tick("b/Y", 1)):
        clocks.add(tick, 0)
    clocks.put_behind(Tick("a/X", 1), Tick("b/Y", 1))
    clocks.put_behind(Tick("b/Y", 1), Tick("a/X", 1))
    with pytest.raises(ClockCycleError, match="#1"):
        clocks.settle({"a": 0, "b": 0})
