from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.rules.rates import (
    BURST_SECONDS,
    NOTHING,
    WINDOW_SECONDS,
    FairShare,
    RateMeter,
    Recent,
    even_shares,
)

# --- RateMeter ------------------------------------------------------------------------------


def test_nothing_ever_is_no_rate() -> None:
    assert RateMeter().rate(100.0) == 0.0


@pytest.mark.parametrize("seconds", [1, 3, 20])
def test_a_steady_stream_has_its_own_rate(seconds: int) -> None:
    meter = RateMeter()
    for tenth in range(10 * seconds + 1):
        meter.add(100, tenth / 10)
    assert meter.rate(float(seconds)) == pytest.approx(1000, rel=0.15)
    assert meter.total_bytes == 100 * (10 * seconds + 1)


def test_the_first_bytes_are_no_flash_of_speed() -> None:
    meter = RateMeter()
    meter.add(1000, 5.0)
    assert meter.rate(5.0) == 1000 / (WINDOW_SECONDS / 10)


def test_a_rate_is_made_of_what_lies_in_the_window() -> None:
    meter = RateMeter()
    assert meter.recent(1.0) == NOTHING
    for second in range(10):
        meter.add(1000, 0.25 + second)
    assert meter.recent(9.25) == Recent(5000, 4.75), "the window began at 4.5 s"
    assert meter.recent(9.25).rate == meter.rate(9.25) == 5000 / 4.75


def test_a_stall_is_seen_within_the_window() -> None:
    meter = RateMeter()
    for second in range(10):
        meter.add(1000, float(second))
    rates = [meter.rate(9.0 + step) for step in range(7)]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] > 800
    assert rates[-1] == 0.0


@given(st.lists(st.tuples(st.floats(0, 3), st.integers(0, 10**6)), max_size=50))
def test_a_rate_is_never_more_than_all_that_went_in_a_bucket(
    steps: list[tuple[float, int]],
) -> None:
    meter, now = RateMeter(), 1000.0
    for seconds, byte_count in steps:
        now += seconds
        meter.add(byte_count, now)
        assert 0 <= meter.rate(now) <= meter.total_bytes / (WINDOW_SECONDS / 10)
    assert meter.total_bytes == sum(byte_count for _, byte_count in steps)
    assert meter.rate(now + 2 * WINDOW_SECONDS) == 0.0


# --- even shares ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "available", "shares"),
    [
        ({}, 100, {}),
        ({1: 50}, 100, {1: 50}),
        ({1: 500}, 100, {1: 100}),
        ({1: 500, 2: 500}, 100, {1: 50, 2: 50}),
        ({1: 500, 2: 10, 3: 500}, 100, {1: 45, 2: 10, 3: 45}),
        ({1: 10, 2: 20, 3: 30}, 100, {1: 10, 2: 20, 3: 30}),
        ({1: 5, 2: 5, 3: 5}, 2, {1: 1, 2: 1}),
        ({1: 5, 2: 5, 3: 5}, 8, {1: 2, 2: 2, 3: 2}),
        ({1: 5, 2: 5}, 0, {}),
    ],
)
def test_whoever_wants_little_gets_it_and_the_others_share_the_rest(
    wanted: dict[int, int], available: int, shares: dict[int, int]
) -> None:
    assert dict(even_shares(wanted, available)) == shares


@given(st.dictionaries(st.integers(0, 50), st.integers(1, 10**6)), st.integers(0, 10**7))
def test_shares_are_fair_and_use_what_can_be_divided(
    wanted: dict[int, int], available: int
) -> None:
    shares = dict.fromkeys(wanted, 0) | dict(even_shares(wanted, available))
    left_over = min(available, sum(wanted.values())) - sum(shares.values())
    assert 0 <= left_over < max(1, len(wanted))
    for conn, share in shares.items():
        assert share <= wanted[conn]
        if share < wanted[conn]:  # then nobody else has more, but for a single byte
            assert all(other <= max(share, 1) for other in shares.values())


# --- FairShare ------------------------------------------------------------------------------


def test_a_limit_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="more than 0"):
        FairShare(0)


def test_an_ask_is_answered_once_with_what_there_is() -> None:
    share = FairShare(1000)
    share.wants(7, 100)
    share.wants(7, 400)
    assert share.grants(0.0) == [(7, 250)]
    assert share.grants(0.125) == []
    share.wants(7, 150)
    assert share.grants(0.125) == [(7, 125)]


def test_a_limit_is_not_saved_up_beyond_one_burst() -> None:
    share = FairShare(1000)
    share.grants(0.0)
    share.wants(7, 10**6)
    assert share.grants(3600.0) == [(7, 250)]


def test_somebody_waits_until_the_answer() -> None:
    share = FairShare(1000)
    waiting = [share.is_anyone_waiting]
    share.wants(7, 300)
    waiting.append(share.is_anyone_waiting)
    share.grants(0.0)
    waiting.append(share.is_anyone_waiting)
    assert waiting == [False, True, False]


def ask_and_count(share: FairShare, conns: range, ticks: int) -> dict[int, int]:
    """Let some ask for much at each tick of 0.1 s, and count what they get."""
    got = dict.fromkeys(conns, 0)
    asking = set(conns)
    for tick in range(ticks):
        for conn in sorted(asking):
            share.wants(conn, 10**6)
        asking.clear()
        for conn, byte_count in share.grants(tick / 10):
            got[conn] += byte_count
            asking.add(conn)
    return got


def test_two_who_want_much_get_the_same() -> None:
    got = ask_and_count(FairShare(1000), range(2), 100)
    assert got[0] == got[1]
    assert sum(got.values()) == pytest.approx(9900 + 250, abs=2)


def test_single_bytes_go_round() -> None:
    got = ask_and_count(FairShare(10), range(30), 1000)
    assert max(got.values()) - min(got.values()) <= 2


def test_whoever_is_forgotten_or_wants_nothing_gets_nothing() -> None:
    share = FairShare(1000)
    for conn in (1, 2):
        share.wants(conn, 100)
    share.forget(1)
    share.wants(2, 0)
    share.forget(3)
    assert share.grants(0.0) == []


@given(
    st.integers(1, 10**6),
    st.lists(
        st.tuples(st.floats(0, 2), st.integers(1, 5), st.integers(0, 10**6)),
        min_size=1,
        max_size=40,
    ),
)
def test_over_any_time_no_more_than_the_limit_and_one_burst(
    limit: int, steps: list[tuple[float, int, int]]
) -> None:
    share, now = FairShare(limit), 1000.0
    wanted: dict[int, int] = {}
    history: list[tuple[float, int]] = []
    for seconds, conn, byte_count in steps:
        now += seconds
        share.wants(conn, byte_count)
        wanted[conn] = byte_count
        grants = share.grants(now)
        assert all(granted <= wanted.pop(granted_conn) for granted_conn, granted in grants)
        history.append((now, sum(granted for _, granted in grants)))
    burst = max(1.0, limit * BURST_SECONDS)
    for first in range(len(history)):
        total = 0
        for moment, granted in history[first:]:
            total += granted
            assert total <= burst + limit * (moment - history[first][0]) + 1
