from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.rules.own_address import (
    LEAST_VOTES,
    MAX_VOTES,
    AddressVotes,
    OwnAddress,
    is_plausible,
)

OURS, ANOTHER = "9.9.9.9", "6.6.6.6"


def told(votes: AddressVotes, count: int, host: str, first: int = 0) -> list[bool]:
    return [votes.vote(b"voter %d" % number, host) for number in range(first, first + count)]


def test_an_address_is_believed_when_enough_agree() -> None:
    votes = AddressVotes()
    assert told(votes, LEAST_VOTES, OURS) == [False] * (LEAST_VOTES - 1) + [True]
    assert votes.agreed == OURS


def test_that_it_is_the_same_is_no_news() -> None:
    votes = AddressVotes()
    assert sum(told(votes, 3 * LEAST_VOTES, OURS)) == 1


def test_nobody_votes_twice() -> None:
    votes = AddressVotes()
    assert not any(votes.vote(b"the same", OURS) for _ in range(20))


def test_a_minority_does_not_change_it() -> None:
    votes = AddressVotes()
    told(votes, 10, OURS)
    assert not any(told(votes, 10, ANOTHER, first=100))
    assert votes.agreed == OURS


def test_old_voices_are_forgotten() -> None:
    votes = AddressVotes()
    told(votes, MAX_VOTES, OURS)
    told(votes, MAX_VOTES, ANOTHER, first=100)
    assert votes.agreed == ANOTHER
    assert len(votes._votes) == MAX_VOTES


def peers_say(address: OwnAddress, host: str, count: int = LEAST_VOTES, net: str = "8.8") -> bool:
    return [address.peer_told(f"{net}.{number}.1", host) for number in range(count)][-1]


def test_each_kind_of_ip_has_its_own() -> None:
    address = OwnAddress()
    assert peers_say(address, OURS)
    assert peers_say(address, "2600::9")
    assert address.like("1.2.3.4") == OURS
    assert address.like("2001::1") == "2600::9"
    assert address.known == (OURS, "2600::9")


def test_peers_of_one_network_are_one_voice() -> None:
    address = OwnAddress()
    assert not any(address.peer_told(f"8.8.8.{number}", OURS) for number in range(50))
    assert address.like("1.2.3.4") is None


def test_a_tracker_is_enough_until_most_peers_say_otherwise() -> None:
    address = OwnAddress()
    assert address.other_told("tracker.example", OURS)
    assert not peers_say(address, ANOTHER, LEAST_VOTES)
    assert peers_say(address, ANOTHER, LEAST_VOTES + 1)
    assert address.like("1.2.3.4") == ANOTHER


@pytest.mark.parametrize("host", ["10.0.0.7", "127.0.0.1", "0.0.0.0", "224.0.0.1", "ff02::1", "::"])
def test_nobody_outside_sees_us_where_nobody_can_be(host: str) -> None:
    assert not peers_say(OwnAddress(), host)


@pytest.mark.parametrize(
    ("host", "voter", "may_be"),
    [
        ("10.0.0.7", "tracker.example", False),
        ("10.0.0.7", "8.8.8.8", False),
        ("10.0.0.7", "10.0.0.1", True),
        (OURS, "tracker.example", True),
        (OURS, "10.0.0.1", True),
        ("::ffff:10.0.0.7", "8.8.8.8", False),
    ],
)
def test_who_sees_us_in_a_private_network_is_in_one(host: str, voter: str, may_be: bool) -> None:
    assert is_plausible(host, voter) is may_be


def test_a_peer_whose_address_is_a_name_is_not_believed() -> None:
    assert not any(OwnAddress().peer_told(f"peer-{n}.example", OURS) for n in range(9))


def test_in_a_private_network_each_host_is_a_voice() -> None:
    address = OwnAddress()
    assert peers_say(address, "10.0.0.7", net="10.0")
    assert address.like("10.0.0.1") == "10.0.0.7"


def test_ipv4_written_as_ipv6_is_ipv4() -> None:
    address = OwnAddress()
    assert peers_say(address, f"::ffff:{OURS}", net="::ffff:8.8")
    assert address.like("::ffff:1.2.3.4") == OURS


@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.sampled_from([OURS, ANOTHER]), st.sampled_from([1, 1, 4])),
        max_size=80,
    )
)
def test_an_address_is_agreed_on_exactly_while_most_of_the_latest_voices_name_it(
    said: list[tuple[int, str, int]],
) -> None:
    votes, voices, agreed = AddressVotes(), dict[int, tuple[str, int]](), None
    for voter, host, weight in said:
        is_news = votes.vote(b"%d" % voter, host, weight)
        voices.pop(voter, None)
        voices[voter] = (host, weight)
        voices = dict(list(voices.items())[-MAX_VOTES:])
        for_it = sum(weight for told, weight in voices.values() if told == host)
        against = sum(weight for told, weight in voices.values() if told != host)
        has_won = for_it >= LEAST_VOTES and for_it > against
        assert is_news == (has_won and agreed != host)
        agreed = host if has_won else agreed
        assert votes.agreed == agreed
