from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.wire.addresses import Address
from actortorrent.wire.announces import (
    MAX_INTERVAL_SECONDS,
    MAX_PEERS,
    MIN_INTERVAL_SECONDS,
    bounded_count,
    bounded_interval,
    bounded_min_interval,
    clean_text,
    usable_peers,
)


@pytest.mark.parametrize(
    ("said", "kept"),
    [(None, 1800), (0, 1800), (-5, 1800), (1, 30), (30, 30), (900, 900), (10**15, 21_600)],
)
def test_an_interval_is_neither_a_rush_nor_for_ever(said: int | None, kept: int) -> None:
    assert bounded_interval(said) == kept


@given(st.none() | st.integers(), st.none() | st.integers())
def test_the_minimum_interval_never_exceeds_the_interval(
    said: int | None, said_minimum: int | None
) -> None:
    interval = bounded_interval(said)
    minimum = bounded_min_interval(said_minimum, interval)
    assert MIN_INTERVAL_SECONDS <= minimum <= interval <= MAX_INTERVAL_SECONDS


def test_counts_are_believed_within_reason() -> None:
    assert [bounded_count(count) for count in (-1, 0, 7, 2**40)] == [0, 0, 7, 2**31 - 1]


@given(st.binary(max_size=2000))
def test_a_trackers_words_fit_on_one_safe_line(raw: bytes) -> None:
    text = clean_text(raw)
    assert text.isprintable()
    assert len(text) <= 200


def test_a_trackers_words_lose_what_would_steer_a_terminal() -> None:
    assert clean_text(b"\x1b[31mgo\r\n\xe2\x80\xaeaway\x00") == "[31mgo away"


def test_peers_are_kept_once_and_only_if_they_can_be_dialled() -> None:
    good = Address("192.0.2.1", 6881)
    found = usable_peers(
        [
            good,
            Address("::ffff:192.0.2.1", 6881),
            Address("0.0.0.0", 1),
            Address("224.0.0.1", 1),
            Address("::", 1),
            Address("ff02::1", 1),
            Address("fe80::1%eth0", 1),
            Address("peer.example", 1),
            Address("192.0.2.1", 0),
            Address("2001:db8::0001", 2),
        ]
    )
    assert found == (good, Address("2001:db8::1", 2))


def test_more_peers_than_the_limit_are_left_out() -> None:
    many = (Address(f"10.0.{i // 250}.{i % 250 + 1}", 6881) for i in range(MAX_PEERS + 500))
    assert len(usable_peers(many)) == MAX_PEERS
