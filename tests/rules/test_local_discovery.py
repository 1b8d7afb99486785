from __future__ import annotations

from actortorrent.rules.local_discovery import (
    MOST_OF_ONE_HOST,
    MOST_TAKEN,
    WINDOW_SECONDS,
    LocalHearing,
)
from actortorrent.wire.addresses import Address
from actortorrent.wire.local_discovery import LocalAnnounce

HASH, OTHER = b"a" * 20, b"b" * 20
THEIRS = LocalAnnounce(6881, (OTHER, HASH), "theirs")


def test_who_has_the_torrent_is_taken_at_the_senders_host() -> None:
    assert LocalHearing(HASH, "ours").heard(THEIRS, "10.0.0.7", 0.0) == Address("10.0.0.7", 6881)


def test_who_has_another_torrent_is_not() -> None:
    hearing = LocalHearing(b"c" * 20, "ours")
    assert hearing.heard(THEIRS, "10.0.0.7", 0.0) is None


def test_we_do_not_hear_ourselves() -> None:
    hearing = LocalHearing(HASH, "theirs")
    assert hearing.heard(THEIRS, "10.0.0.7", 0.0) is None


def test_of_one_host_few_calls_are_taken_and_of_all_not_many_until_a_minute_is_over() -> None:
    hearing = LocalHearing(HASH, "ours")
    taken = [hearing.heard(THEIRS, "10.0.0.7", 0.0) for _ in range(MOST_OF_ONE_HOST + 5)]
    assert len(list(filter(None, taken))) == MOST_OF_ONE_HOST
    hosts = [f"10.0.1.{number}" for number in range(MOST_TAKEN)]
    taken += [hearing.heard(THEIRS, host, 1.0) for host in hosts]
    assert len(list(filter(None, taken))) == MOST_TAKEN
    assert hearing.heard(THEIRS, "10.0.0.7", WINDOW_SECONDS + 1.0)
