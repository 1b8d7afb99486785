from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.errors import PeerProtocolError
from actortorrent.wire.bencoding import Encodable, encode
from actortorrent.wire.extension_handshake import (
    MAX_CLIENT_BYTES,
    MAX_EXTENSIONS,
    MAX_REQUEST_QUEUE,
    UT_METADATA,
    UT_PEX,
    ExtensionHandshake,
)
from actortorrent.wire.messages import Extended

NAMES = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=64)
IPV4 = st.integers(0, 2**32 - 1).map(lambda number: str(ipaddress.IPv4Address(number)))
IPV6 = st.integers(0, 2**128 - 1).map(lambda number: str(ipaddress.IPv6Address(number)))
HANDSHAKES = st.builds(
    ExtensionHandshake,
    extensions=st.dictionaries(NAMES, st.integers(0, 255), max_size=20).map(
        lambda numbers: tuple(sorted(numbers.items()))
    ),
    client=st.text(st.characters(codec="utf-8"), max_size=32),
    listen_port=st.none() | st.integers(1, 65535),
    request_queue=st.none() | st.integers(1, MAX_REQUEST_QUEUE),
    your_ip=st.none() | IPV4 | IPV6,
    ipv4=st.none() | IPV4,
    ipv6=st.none() | IPV6,
    is_upload_only=st.none() | st.booleans(),
    metadata_size=st.none() | st.integers(1, 2**40),
    prefers_encryption=st.none() | st.booleans(),
)


def read(value: Encodable) -> ExtensionHandshake:
    return ExtensionHandshake.from_payload(encode(value))


@given(HANDSHAKES)
def test_a_handshake_reads_back_as_what_was_written(handshake: ExtensionHandshake) -> None:
    assert ExtensionHandshake.from_payload(handshake.encode()) == handshake
    assert handshake.message() == Extended(0, handshake.encode())


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda inside: b"d" + inside + b"e"))
def test_garbage_is_a_handshake_or_the_peers_fault(payload: bytes) -> None:
    try:
        handshake = ExtensionHandshake.from_payload(payload)
    except PeerProtocolError:
        return
    assert str(handshake).startswith("handshake")


def test_the_example_of_the_bep_is_read() -> None:
    payload = b"d1:md11:LT_metadatai1e7:\xc2\xb5T_PEXi2ee1:pi6881e1:v13:\xc2\xb5Torrent 1.2e"
    handshake = ExtensionHandshake.from_payload(payload)
    assert handshake.extensions == (("LT_metadata", 1),)
    assert (handshake.listen_port, handshake.client) == (6881, "µTorrent 1.2")


def test_what_libtorrent_says_is_read() -> None:
    handshake = ExtensionHandshake.from_payload(
        b"d1:ei0e4:ipv616:"
        + bytes(15)
        + b"\x01"
        + b"12:complete_agoi1e1:md11:lt_donthavei7e12:ut_holepunchi4e11:ut_metadatai2e"
        b"6:ut_pexi1ee13:metadata_sizei31235e1:pi6881e4:reqqi2000e11:upload_onlyi1e"
        b"1:v18:libtorrent/2.0.9.06:yourip4:\x7f\x00\x00\x01e"
    )
    assert (handshake.id_of(UT_METADATA), handshake.id_of(UT_PEX)) == (2, 1)
    assert handshake.id_of("ut_comment") == 0
    assert (handshake.metadata_size, handshake.request_queue) == (31235, 2000)
    assert (handshake.your_ip, handshake.ipv6) == ("127.0.0.1", "::1")
    assert handshake.is_upload_only is True
    assert handshake.prefers_encryption is False


@pytest.mark.parametrize(
    "payload",
    [b"", b"le", b"i1e", b"d", b"de ", b"d1:mi-0ee", b"d" * 5000, b"d1:v70000:" + bytes(70_000)],
    ids=range(8),
)
def test_what_is_no_dictionary_is_the_peers_fault(payload: bytes) -> None:
    with pytest.raises(PeerProtocolError, match=r"expected (a|the) handshake of the extensions"):
        ExtensionHandshake.from_payload(payload)


@pytest.mark.parametrize(
    "value",
    [
        {"m": []},
        {"m": {"ut_pex": -1, "ut_metadata": 256, "x": b"1", "": 4, "y" * 65: 5, "\n": 6}},
        {"p": 0},
        {"p": 65536},
        {"p": b"6881"},
        {"v": 7},
        {"reqq": -5},
        {"yourip": b"12345"},
        {"ipv4": bytes(16)},
        {"ipv6": bytes(4)},
        {"upload_only": b"yes", "e": []},
        {"metadata_size": -1},
        {"metadata_size": 0},
    ],
    ids=str,
)
def test_what_makes_no_sense_is_taken_as_not_said(value: Encodable) -> None:
    assert read(value) == ExtensionHandshake()


def test_a_flood_is_cut_to_the_limits() -> None:
    many = read({"m": {f"x{number:04}": 1 for number in range(900)}, "v": "v" * 1000})
    assert len(many.extensions) == MAX_EXTENSIONS
    assert len(many.client) == MAX_CLIENT_BYTES
    assert read({"reqq": 2**40}).request_queue == MAX_REQUEST_QUEUE


def test_a_later_handshake_adds_to_the_first_and_switches_off_with_0() -> None:
    first = ExtensionHandshake(((UT_METADATA, 3), (UT_PEX, 1)), "one", listen_port=7, your_ip="::1")
    later = ExtensionHandshake(((UT_PEX, 0), ("x", 9)), is_upload_only=True, metadata_size=5)
    assert first.updated_by(later) == ExtensionHandshake(
        ((UT_METADATA, 3), ("x", 9)),
        "one",
        listen_port=7,
        your_ip="::1",
        is_upload_only=True,
        metadata_size=5,
    )
    only_no_more = first.updated_by(later).updated_by(ExtensionHandshake(is_upload_only=False))
    assert only_no_more.is_upload_only is False


@given(HANDSHAKES)
def test_saying_the_same_again_changes_nothing(handshake: ExtensionHandshake) -> None:
    known = ExtensionHandshake().updated_by(handshake)
    assert known.updated_by(handshake) == known


def test_a_handshake_reads_as_english_and_steers_no_terminal() -> None:
    assert str(ExtensionHandshake()) == "handshake: none"
    said = ExtensionHandshake(((UT_PEX, 1), ("x", 0)), "a\x1b[1m", metadata_size=9)
    assert str(said) == "handshake of a.[1m: ut_pex; metadata of 9 bytes"
