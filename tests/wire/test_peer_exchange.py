from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.errors import PeerProtocolError
from actortorrent.wire.addresses import Address
from actortorrent.wire.bencoding import Encodable, encode
from actortorrent.wire.peer_exchange import MAX_CONTACTS, Contact, ContactFlags, PeerExchange

PORTS = st.integers(1, 65535)
IPV4 = st.integers(0, 2**32 - 1).map(lambda number: str(ipaddress.IPv4Address(number)))
IPV6 = st.integers(0, 2**128 - 1).map(lambda number: str(ipaddress.IPv6Address(number)))
FLAGS = st.integers(0, 255).map(ContactFlags)
EXCHANGES = st.builds(
    lambda added, added6, dropped, dropped6: PeerExchange((*added, *added6), (*dropped, *dropped6)),
    st.lists(st.builds(Contact, st.builds(Address, IPV4, PORTS), FLAGS), max_size=20),
    st.lists(st.builds(Contact, st.builds(Address, IPV6, PORTS), FLAGS), max_size=20),
    st.lists(st.builds(Address, IPV4, PORTS), max_size=20),
    st.lists(st.builds(Address, IPV6, PORTS), max_size=20),
)
ADA, BOB = Address("10.0.0.1", 6881), Address("2001:db8::2", 7000)


def read(**value: Encodable) -> PeerExchange:
    return PeerExchange.from_payload(
        encode({key.replace("_", "."): one for key, one in value.items()})
    )


@given(EXCHANGES)
def test_an_exchange_reads_back_as_what_was_written(exchange: PeerExchange) -> None:
    assert PeerExchange.from_payload(exchange.encode()) == exchange


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda rest: b"d5:added" + rest))
def test_garbage_is_an_exchange_or_the_peers_fault(payload: bytes) -> None:
    try:
        exchange = PeerExchange.from_payload(payload)
    except PeerProtocolError:
        return
    assert len(exchange.added) <= 2 * MAX_CONTACTS


def test_the_bytes_are_those_of_bep_11() -> None:
    exchange = PeerExchange((Contact(ADA, ContactFlags.REACHABLE),), (BOB,))
    assert exchange.encode() == (
        b"d5:added6:\x0a\x00\x00\x01\x1a\xe17:added.f1:\x107:dropped0:"
        b"8:dropped618:\x20\x01\x0d\xb8" + bytes(11) + b"\x02\x1b\x58e"
    )


def test_flags_belong_to_the_contact_at_the_same_place_though_another_has_no_port() -> None:
    packed = bytes((10, 0, 0, 1, 0, 0)) + bytes((10, 0, 0, 2, 0, 9))
    (contact,) = read(added=packed, added_f=b"\x01\x02").added
    assert contact == Contact(Address("10.0.0.2", 9), ContactFlags.UPLOAD_ONLY)


@pytest.mark.parametrize("flags", [b"", b"\x01\x01\x01\x01", 7])
def test_too_many_flags_or_too_few_do_no_harm(flags: Encodable) -> None:
    packed = bytes((10, 0, 0, 1, 0, 9)) * 2
    assert len(read(added=packed, added_f=flags).added) == 2


def test_a_ragged_end_is_left_out_and_a_flood_is_cut() -> None:
    assert read(added=bytes((10, 0, 0, 1, 0, 9, 1))).added == (Contact(Address("10.0.0.1", 9)),)
    flood = bytes((10, 0, 0, 1, 0, 9)) * (MAX_CONTACTS + 10)
    assert len(read(added=flood).added) == len(read(dropped=flood).dropped) == MAX_CONTACTS


@pytest.mark.parametrize(
    "payload", [b"", b"le", b"d5:added", b"d5:addedi1ee" + b" ", b"d5:added70000:" + bytes(70_000)]
)
def test_what_is_no_dictionary_is_the_peers_fault(payload: bytes) -> None:
    with pytest.raises(PeerProtocolError, match="exchange of peers"):
        PeerExchange.from_payload(payload)


def test_what_is_of_another_kind_is_taken_as_not_said() -> None:
    assert read(added=1, dropped=[], added6=b"short") == PeerExchange()


def test_an_exchange_reads_as_english_without_an_address() -> None:
    exchange = PeerExchange((Contact(ADA), Contact(BOB)), (ADA,))
    assert str(exchange) == "exchange of peers: 2 added, 1 dropped"
    assert str(Contact(ADA)) == "10.0.0.1:6881"
