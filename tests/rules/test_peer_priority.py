from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.rules.crc32c import crc32c
from actortorrent.rules.peer_priority import Ranking, peer_priority
from actortorrent.wire.addresses import Address

ADDRESSES = st.builds(Address, st.ip_addresses().map(str), st.integers(1, 65535))


def priority(first: str, second: str) -> int:
    return peer_priority(Address(first, 6881), Address(second, 6881))


@pytest.mark.parametrize(
    ("peer", "expected"), [("98.76.54.32", 0xEC2D7224), ("123.213.32.234", 0x99568189)]
)
def test_the_priorities_are_those_of_the_beps_examples(peer: str, expected: int) -> None:
    assert priority("123.213.32.10", peer) == expected


@pytest.mark.parametrize(
    ("first", "second", "hashed"),
    [
        ("1.2.255.255", "9.9.255.255", "0102555509095555"),
        ("1.2.255.255", "1.2.0.255", "0102005501 02ff55"),
        ("1.2.3.255", "1.2.3.0", "0102030001 0203ff"),
        (
            "2001:db8:1:ffff:ffff:ffff:ffff:ffff",
            "2001:db8:2:ffff:ffff:ffff:ffff:ffff",
            "20010db80001" + "55" * 10 + "20010db80002" + "55" * 10,
        ),
        (
            "2001:db8:1:1ff:ffff:ffff:ffff:ffff",
            "2001:db8:1:2ff:ffff:ffff:ffff:ffff",
            "20010db80001" + "0155" + "55" * 8 + "20010db80001" + "0255" + "55" * 8,
        ),
        (
            "2001:db8:1:11:ffff:ffff:ffff:ffff",
            "2001:db8:1:12:ffff:ffff:ffff:ffff",
            "20010db80001" + "0011" + "55" * 8 + "20010db80001" + "0012" + "55" * 8,
        ),
    ],
)
def test_of_near_addresses_more_counts(first: str, second: str, hashed: str) -> None:
    assert priority(first, second) == crc32c(bytes.fromhex(hashed))


def test_of_the_same_host_the_ports_count() -> None:
    both = peer_priority(Address("10.0.0.1", 0x1234), Address("10.0.0.1", 0x0102))
    assert both == crc32c(bytes.fromhex("01021234"))


@given(ADDRESSES, ADDRESSES)
def test_both_ends_agree(ours: Address, theirs: Address) -> None:
    assert peer_priority(ours, theirs) == peer_priority(theirs, ours) < 2**32


def test_an_ipv4_address_written_as_ipv6_is_the_same() -> None:
    assert priority("::ffff:123.213.32.10", "98.76.54.32") == 0xEC2D7224


def test_addresses_of_different_kinds_have_none() -> None:
    assert priority("10.0.0.1", "2001:db8::1") == 0


def test_what_a_connection_is_worth_is_known_once_our_address_is() -> None:
    ranking = Ranking()
    ranking.port = 6881
    theirs = Address("98.76.54.32", 6881)
    assert ranking.priority(theirs) is None
    ranking.own_address.other_told("a tracker", "123.213.32.10")
    assert ranking.priority(theirs) == 0xEC2D7224
    assert ranking.priority(Address("2001:db8::1", 6881)) is None
    assert ranking.priority(Address("peer.example", 6881)) is None
