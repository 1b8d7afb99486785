from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.errors import PeerProtocolError
from actortorrent.wire.handshake import (
    Handshake,
    check_beginning,
    new_peer_id,
    parse_handshake,
    readable_peer_id,
    reserved_bytes,
)

TWENTY = st.binary(min_size=20, max_size=20)


@given(TWENTY, TWENTY, st.binary(min_size=8, max_size=8))
def test_a_handshake_reads_back_as_what_was_written(
    info_hash: bytes, peer_id: bytes, reserved: bytes
) -> None:
    handshake = Handshake(info_hash, peer_id, reserved)
    encoded = handshake.encode()
    assert len(encoded) == 68
    assert parse_handshake(encoded) == handshake


def test_the_bytes_are_those_of_bep_3() -> None:
    assert Handshake(b"h" * 20, b"p" * 20).encode() == (
        b"\x13BitTorrent protocol" + bytes(8) + b"h" * 20 + b"p" * 20
    )


@pytest.mark.parametrize("data", [b"", b"\x13BitTorrent protocol", bytes(67), bytes(69)])
def test_any_other_length_is_no_handshake(data: bytes) -> None:
    with pytest.raises(PeerProtocolError, match="68 bytes"):
        parse_handshake(data)


@pytest.mark.parametrize("beginning", [b"G", b"GET / HTTP/1.1", b"\x13bit", b"\x16\x03\x01"])
def test_another_protocol_is_refused_at_its_first_bytes(beginning: bytes) -> None:
    with pytest.raises(PeerProtocolError, match="expected a BitTorrent handshake"):
        check_beginning(beginning)


def test_every_beginning_of_a_handshake_is_let_through() -> None:
    whole = Handshake(b"h" * 20, b"p" * 20).encode()
    for length in range(len(whole) + 1):
        check_beginning(whole[:length])


def test_reserved_bits_name_extensions() -> None:
    none = Handshake(b"h" * 20, b"p" * 20)
    every = Handshake(b"h" * 20, b"p" * 20, bytes((0, 0, 0, 0, 0, 0x10, 0, 0x05)))
    assert not any((none.speaks_extensions, none.speaks_fast, none.speaks_dht))
    assert every.speaks_extensions
    assert every.speaks_fast
    assert every.speaks_dht


@pytest.mark.parametrize("extensions", [False, True])
@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("dht", [False, True])
def test_a_handshake_says_what_it_is_told_to_say(extensions: bool, fast: bool, dht: bool) -> None:
    reserved = reserved_bytes(extensions=extensions, fast=fast, dht=dht)
    said = Handshake(b"h" * 20, b"p" * 20, reserved)
    assert (said.speaks_extensions, said.speaks_fast, said.speaks_dht) == (extensions, fast, dht)


def test_nothing_is_said_unless_asked_for() -> None:
    assert reserved_bytes() == Handshake(b"h" * 20, b"p" * 20).reserved == bytes(8)


def test_a_peer_id_is_our_prefix_and_twelve_random_characters() -> None:
    first, second = new_peer_id(random.Random(1)), new_peer_id(random.Random(2))
    assert len(first) == len(second) == 20
    assert first.startswith(b"-AT0100-")
    assert first != second
    assert first[8:].isalnum()
    assert new_peer_id(random.Random(1)) == first


def test_a_handshake_prints_whom_it_is_from() -> None:
    handshake = Handshake(b"\xab" * 20, b"-LT2110-\x00\xffabc".ljust(20, b"z"))
    assert str(handshake) == f"handshake for {'ab' * 20}, from -LT2110-..abczzzzzzz"
    assert readable_peer_id(b"a b\n") == "a.b."


@pytest.mark.parametrize("lengths", [(19, 20, 8), (20, 21, 8), (20, 20, 7)])
def test_a_field_of_another_length_is_never_sent(lengths: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="expected fields of 20, 20 and 8 bytes"):
        Handshake(*(bytes(length) for length in lengths))
