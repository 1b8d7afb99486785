"""TCP segments out of packets: what may stand around them, and what is none."""

from __future__ import annotations

import struct

import pytest

from actortorrent.captures.files import Packet
from actortorrent.captures.packets import ACK, Endpoint, endpoint_of, tcp_packet
from actortorrent.captures.segments import Other, Segment, segment_of
from tests.captures.frames import ADA, ADA_6, BOB, BOB_6

DATA = b"what is sent"
V4, V6 = (tcp_packet(*ends, 7, 9, ACK, DATA) for ends in ((ADA, BOB), (ADA_6, BOB_6)))
MACS = bytes(12)


def seen(link: int, data: bytes, *, wire_bytes: int = 0) -> Segment | Other:
    return segment_of(Packet(5, link, data, wire_bytes or len(data)))


def with_extensions(packet: bytes, *kinds: int) -> bytes:
    """Return an IPv6 packet with headers of some kinds, 8 bytes each, before that of TCP."""
    chain = [*kinds, 6]
    headers = b"".join(bytes((following, 0)) + bytes(6) for following in chain[1:])
    length = struct.pack("!H", len(packet) - 40 + len(headers))
    return packet[:4] + length + bytes(chain[:1]) + packet[7:40] + headers + packet[40:]


@pytest.mark.parametrize(
    ("link", "below"),
    [
        (1, MACS + b"\x08\x00"),
        (1, MACS + b"\x81\x00\x00\x05\x08\x00"),
        (1, MACS + b"\x88\xa8\x00\x05\x81\x00\x00\x06\x08\x00"),
        (113, bytes(14) + b"\x08\x00"),
        (276, b"\x08\x00" + bytes(18)),
        (0, b"\x02\x00\x00\x00"),
        (0, b"\x00\x00\x00\x02"),
        (108, b"\x00\x00\x00\x02"),
        (101, b""),
        (12, b""),
        (228, b""),
    ],
)
def test_a_segment_is_found_whatever_stands_below_ip(link: int, below: bytes) -> None:
    padding = bytes(6)  # of short Ethernet frames
    segment = seen(link, below + V4 + padding)
    assert segment == Segment(5, ADA, BOB, 7, 9, ACK, DATA, len(DATA))


@pytest.mark.parametrize(
    ("link", "below"),
    [
        (1, MACS + b"\x86\xdd"),
        (0, b"\x1e\x00\x00\x00"),
        (229, b""),
        (101, b""),
        (276, b"\x86\xdd" + bytes(18)),
    ],
)
def test_so_it_is_with_ipv6(link: int, below: bytes) -> None:
    for packet in (V6, with_extensions(V6, 0, 43, 60)):
        assert seen(link, below + packet) == Segment(5, ADA_6, BOB_6, 7, 9, ACK, DATA, len(DATA))


def test_of_a_segment_captured_in_part_the_length_is_that_of_the_wire() -> None:
    segment = seen(101, V4[:45], wire_bytes=len(V4))
    assert isinstance(segment, Segment)
    assert (segment.data, segment.length) == (DATA[:5], len(DATA))


def test_a_packet_that_the_network_card_will_cut_up_says_no_length() -> None:
    segment = seen(101, V4[:2] + b"\0\0" + V4[4:])
    assert isinstance(segment, Segment)
    assert segment.data == DATA


@pytest.mark.parametrize(
    ("link", "data", "why"),
    [
        (1, MACS + b"\x08\x06" + bytes(28), Other.NOT_TCP),
        (1, MACS + b"\x81\x00\x00\x05" * 6, Other.NOT_TCP),
        (1, b"", Other.NOT_TCP),
        (0, b"\x63\x00\x00\x00" + V4, Other.NOT_TCP),
        (101, b"\x00" * 40, Other.NOT_TCP),
        (101, V4[:9] + b"\x11" + V4[10:], Other.NOT_TCP),
        (999, V4, Other.UNKNOWN_LINK),
        (101, V4[:6] + b"\x20\x00" + V4[8:], Other.FRAGMENT),
        (101, V4[:6] + b"\x00\x10" + V4[8:], Other.FRAGMENT),
        (101, with_extensions(V6, 44), Other.FRAGMENT),
        (101, V4[:10], Other.CUT_OFF),
        (101, V4[:30], Other.CUT_OFF),
        (101, V6[:39], Other.CUT_OFF),
        (101, b"\x41" + V4[1:], Other.CUT_OFF),
        (101, V4[:2] + b"\x00\x1c" + V4[4:], Other.CUT_OFF),
        (101, V4[:32] + b"\xf0" + V4[33:], Other.CUT_OFF),
        (101, V4[:32] + b"\x00" + V4[33:], Other.CUT_OFF),
    ],
)
def test_what_has_no_segment_says_why(link: int, data: bytes, why: Other) -> None:
    assert seen(link, data) is why


def test_endless_chains_of_headers_end() -> None:
    assert isinstance(seen(101, with_extensions(V6, *[0] * 50)), Other)


@pytest.mark.parametrize("text", ["10.0.0.1:6881", "[2001:db8::1]:80"])
def test_addresses_are_read_and_written(text: str) -> None:
    assert str(endpoint_of(text)) == text


@pytest.mark.parametrize(
    "text", ["", "host.example:80", "10.0.0.1", "10.0.0.1:0", "10.0.0.1:99999"]
)
def test_what_is_no_address_is_none(text: str) -> None:
    assert endpoint_of(text) is None


def test_a_zone_is_left_out() -> None:
    assert endpoint_of("[fe80::1%eth0]:80") in (
        None,
        Endpoint(bytes.fromhex("fe80" + "00" * 13 + "01"), 80),
    )
