from __future__ import annotations

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.errors import TrackerError, TrackerRefusalError
from actortorrent.wire.addresses import Address
from actortorrent.wire.announces import (
    AnnounceEvent,
    AnnounceReply,
    AnnounceRequest,
    ScrapeReply,
    ScrapeRequest,
)
from actortorrent.wire.tracker_udp import (
    ConnectReply,
    build_ask,
    build_connect,
    read_connect_reply,
    read_reply,
)

HASH = b"h" * 20
PEER_ID = b"-AT0100-abcdefghijkl"
ASK = AnnounceRequest(
    info_hash=HASH,
    peer_id=PEER_ID,
    port=6881,
    uploaded=1,
    downloaded=2,
    left=3,
    event=AnnounceEvent.STARTED,
    key=0xDEADBEEF,
)


def test_a_connect_is_the_magic_number_and_a_transaction_id() -> None:
    assert build_connect(0x01020304).hex() == "0000041727101980" + "00000000" + "01020304"


def test_an_announce_is_the_98_bytes_of_bep_15() -> None:
    packet = build_ask(7, 9, ASK)
    assert len(packet) == 98
    assert struct.unpack("!QII20s20sQQQIIIiH", packet) == (
        *(7, 1, 9, HASH, PEER_ID),
        *(2, 3, 1),  # downloaded, left, uploaded: in this order
        *(2, 0, 0xDEADBEEF, 80, 6881),
    )


@pytest.mark.parametrize(("ip", "number"), [("1.2.3.4", 0x01020304), ("::1", 0), ("", 0)])
def test_only_an_ipv4_address_of_ours_can_be_told(ip: str, number: int) -> None:
    ask = AnnounceRequest(
        info_hash=HASH, peer_id=PEER_ID, port=1, uploaded=0, downloaded=0, left=0, ip=ip
    )
    assert struct.unpack_from("!I", build_ask(1, 1, ask), 84) == (number,)


def test_a_path_follows_as_options_of_bep_41() -> None:
    assert build_ask(7, 9, ASK, "/announce")[98:] == b"\x02\x09/announce\x00"
    long = build_ask(7, 9, ASK, "/" + "a" * 299)[98:]
    assert long == b"\x02\xff/" + b"a" * 254 + b"\x02\x2d" + b"a" * 45 + b"\x00"


def test_a_scrape_names_the_torrent() -> None:
    assert build_ask(7, 9, ScrapeRequest(HASH)) == struct.pack("!QII", 7, 2, 9) + HASH


def test_a_connection_id_is_read() -> None:
    assert read_connect_reply(struct.pack("!IIQ", 0, 5, 77), 5) == ConnectReply(77)


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"\0" * 7,
        struct.pack("!IIQ", 0, 6, 77),  # another transaction
        struct.pack("!IIQ", 1, 5, 77),  # another action
        struct.pack("!II", 3, 6) + b"spoofed",
    ],
)
def test_what_answers_something_else_is_passed_over(packet: bytes) -> None:
    assert read_connect_reply(packet, 5) is None


def test_an_announce_reply_is_read() -> None:
    packet = struct.pack("!IIIII", 1, 5, 900, 4, 3) + bytes([192, 0, 2, 1, 0x1A, 0xE1, 99])
    assert read_reply(packet, 5, ASK, is_ipv6=False) == AnnounceReply(
        peers=(Address("192.0.2.1", 6881),),
        interval_seconds=900,
        min_interval_seconds=60,
        seeders=3,
        leechers=4,
    )


def test_peers_that_come_over_ipv6_have_18_bytes() -> None:
    peer = bytes.fromhex("20010db8000000000000000000000001") + b"\x1a\xe1"
    reply = read_reply(struct.pack("!IIIII", 1, 5, 900, 4, 3) + peer, 5, ASK, is_ipv6=True)
    assert isinstance(reply, AnnounceReply)
    assert reply.peers == (Address("2001:db8::1", 6881),)


def test_a_scrape_reply_is_read() -> None:
    packet = struct.pack("!IIIII", 2, 5, 3, 9, 4)
    assert read_reply(packet, 5, ScrapeRequest(HASH), is_ipv6=False) == ScrapeReply(3, 9, 4)


def test_an_error_packet_is_the_trackers_no() -> None:
    with pytest.raises(TrackerRefusalError, match=r"^go away$"):
        read_reply(struct.pack("!II", 3, 5) + b"go\x1baway\0", 5, ASK, is_ipv6=False)
    with pytest.raises(TrackerRefusalError, match="no reason given"):
        read_connect_reply(struct.pack("!II", 3, 5), 5)


def test_an_answer_without_content_is_opentrackers_no() -> None:
    with pytest.raises(TrackerRefusalError, match="does not serve this torrent"):
        read_reply(struct.pack("!II", 1, 5), 5, ASK, is_ipv6=False)


@pytest.mark.parametrize("ask", [ASK, ScrapeRequest(HASH)])
def test_a_reply_that_stops_short_is_an_error(ask: AnnounceRequest | ScrapeRequest) -> None:
    action = 1 if ask is ASK else 2
    with pytest.raises(TrackerError, match="20 bytes or more"):
        read_reply(struct.pack("!III", action, 5, 900), 5, ask, is_ipv6=False)
    with pytest.raises(TrackerError, match="16 bytes or more"):
        read_connect_reply(struct.pack("!III", 0, 5, 1), 5)


@given(st.binary(max_size=200), st.booleans(), st.booleans())
def test_no_datagram_does_worse_than_a_tracker_error(
    body: bytes, is_ipv6: bool, is_scrape: bool
) -> None:
    ask = ScrapeRequest(HASH) if is_scrape else ASK
    for packet in (body, struct.pack("!II", 2 if is_scrape else 1, 5) + body):
        with suppress(TrackerError):
            read_reply(packet, 5, ask, is_ipv6=is_ipv6)
