from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.errors import PeerProtocolError
from actortorrent.rules.peer_exchange import (
    LEAST_INTERVAL_SECONDS,
    MOST_AT_FIRST,
    MOST_CHANGES,
    MOST_FROM_ONE,
    MOST_MESSAGES,
    ExchangeHearing,
    ExchangeTelling,
)
from actortorrent.wire.addresses import Address
from actortorrent.wire.peer_exchange import Contact, ContactFlags, PeerExchange

NONE, SEED = ContactFlags.NONE, ContactFlags.UPLOAD_ONLY
TELLER = Address("8.8.8.8", 6881)


def peers(count: int, start: int = 0) -> dict[Address, ContactFlags]:
    return {Address(f"9.{n // 256}.{n % 256}.1", 7): NONE for n in range(start, start + count)}


def added(*addresses: Address) -> PeerExchange:
    return PeerExchange(tuple(Contact(address) for address in addresses))


# --- telling --------------------------------------------------------------------------------


def test_at_first_all_are_told_and_then_what_changed() -> None:
    telling = ExchangeTelling()
    one, two, three = peers(3)
    first = telling.next_message({one: NONE, two: SEED}, 0.0)
    assert first == PeerExchange((Contact(one), Contact(two, SEED)))
    then = telling.next_message({two: SEED, three: NONE}, 60.0)
    assert then == PeerExchange((Contact(three),), (one,))
    assert telling.next_message({two: SEED, three: NONE}, 120.0) is None
    assert telling.next_message({one: NONE, two: SEED, three: NONE}, 121.0) == added(one)


def test_no_two_messages_are_sent_within_a_minute() -> None:
    telling = ExchangeTelling()
    assert telling.seconds_to_next(5.0) == 0.0
    assert telling.next_message(peers(1), 5.0) is not None
    assert telling.seconds_to_next(25.0) == 40.0
    assert telling.next_message(peers(2), 64.9) is None
    assert telling.next_message(peers(2), 65.0) is not None


def test_nothing_to_tell_is_not_told_and_does_not_count_as_the_first() -> None:
    telling = ExchangeTelling()
    assert telling.next_message({}, 0.0) is None
    assert telling.next_message(peers(MOST_AT_FIRST), 1.0) is not None


def test_a_peer_is_not_told_of_itself() -> None:
    own, other = peers(2)
    telling = ExchangeTelling(own, Address("1.2.3.4", 5))
    assert telling.next_message({own: NONE, other: NONE}, 0.0) == added(other)


def test_who_came_and_went_between_two_messages_is_in_neither() -> None:
    telling = ExchangeTelling()
    telling.next_message(peers(1), 0.0)
    assert telling.next_message(peers(1), 60.0) is None


@given(st.lists(st.sets(st.integers(0, 400), max_size=300), max_size=15))
def test_whatever_comes_and_goes_messages_keep_to_the_bep_and_what_is_told_to_the_truth(
    history: list[set[int]],
) -> None:
    telling = ExchangeTelling()
    believed: set[Address] = set()
    everyone = list(peers(401))
    is_first = True
    for minute, numbers in enumerate([*history, *[set[int]()] * 10]):
        connected = {everyone[number]: NONE for number in numbers}
        message = telling.next_message(connected, 60.0 * minute)
        if message is None:
            assert believed == set(connected)
            continue
        new = {contact.address for contact in message.added}
        assert len(new) == len(message.added) <= (MOST_AT_FIRST if is_first else MOST_CHANGES)
        assert len(set(message.dropped)) == len(message.dropped) <= MOST_CHANGES
        assert not new & set(message.dropped)
        assert new <= set(connected) - believed, "only who is connected, and only once"
        assert set(message.dropped) <= believed - set(connected)
        believed = (believed | new) - set(message.dropped)
        is_first = False


# --- hearing --------------------------------------------------------------------------------


def heard(*addresses: Address, teller: Address = TELLER) -> list[Address]:
    contacts = ExchangeHearing(teller).message_came(added(*addresses), 0.0)
    return [contact.address for contact in contacts]


def test_what_is_new_is_taken_once() -> None:
    hearing = ExchangeHearing(TELLER)
    one, two = peers(2)
    assert hearing.message_came(added(one), 0.0) == (Contact(one),)
    assert hearing.message_came(added(one, two, two), 60.0) == (Contact(two),)


def test_what_was_dropped_is_news_when_it_comes_again() -> None:
    hearing = ExchangeHearing(TELLER)
    (one,) = peers(1)
    hearing.message_came(added(one), 0.0)
    hearing.message_came(PeerExchange(dropped=(one, TELLER)), 60.0)
    assert hearing.message_came(added(one), 120.0) == (Contact(one),)


def test_only_so_many_are_taken_of_a_message_more_of_the_first() -> None:
    hearing = ExchangeHearing(TELLER)
    assert len(hearing.message_came(added(*peers(200)), 0.0)) == MOST_AT_FIRST
    assert len(hearing.message_came(added(*peers(200, 200)), 60.0)) == MOST_CHANGES


def test_one_teller_is_the_source_of_so_many_and_no_more() -> None:
    hearing = ExchangeHearing(TELLER)
    count = sum(
        len(hearing.message_came(added(*peers(50, 50 * minute)), 60.0 * minute))
        for minute in range(20)
    )
    assert count == MOST_FROM_ONE


def test_what_comes_too_soon_is_not_taken() -> None:
    hearing = ExchangeHearing(TELLER)
    one, two, three = peers(3)
    hearing.message_came(added(one), 0.0)
    assert hearing.message_came(added(two), LEAST_INTERVAL_SECONDS - 1) == ()
    assert hearing.message_came(added(three), LEAST_INTERVAL_SECONDS) == (Contact(three),)


def test_a_flood_of_messages_is_the_peers_fault() -> None:
    hearing = ExchangeHearing(TELLER)
    for second in range(MOST_MESSAGES):
        hearing.message_came(PeerExchange(), float(second))
    with pytest.raises(PeerProtocolError, match="at most 6 exchanges of peers in 60 s"):
        hearing.message_came(PeerExchange(), 59.0)
    slow = ExchangeHearing(TELLER)
    for tens in range(50):
        slow.message_came(PeerExchange(), 10.0 * tens)


def test_of_a_public_host_one_address_is_taken() -> None:
    assert heard(Address("9.9.9.9", 1), Address("9.9.9.9", 2)) == [Address("9.9.9.9", 1)]


@pytest.mark.parametrize(
    "host", ["224.0.0.1", "0.0.0.0", "::", "ff02::1", "255.255.255.255", "240.0.0.1"]
)
def test_what_can_be_no_peer_is_not_taken(host: str) -> None:
    assert heard(Address(host, 7)) == []
    assert heard(Address(host, 7), teller=Address("10.0.0.1", 1)) == []


@pytest.mark.parametrize("host", ["192.168.1.1", "10.0.0.1", "fe80::1", "fd00::1"])
def test_addresses_of_a_network_are_taken_only_from_who_is_in_one(host: str) -> None:
    both = (Address(host, 7), Address(host, 8))
    assert heard(*both) == []
    assert heard(*both, teller=Address("192.168.1.9", 1)) == list(both)
    assert heard(*both, teller=Address("127.0.0.1", 1)) == list(both)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_addresses_of_this_machine_are_taken_only_from_itself(host: str) -> None:
    both = (Address(host, 7), Address(host, 8))
    assert heard(*both) == heard(*both, teller=Address("192.168.1.9", 1)) == []
    assert heard(*both, teller=Address("127.0.0.1", 1)) == list(both)
