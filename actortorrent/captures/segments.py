"""What TCP sent in a captured packet: RFC 791, 8200 and 9293."""

from __future__ import annotations

import struct
from enum import Enum
from typing import NamedTuple

from actortorrent.captures.files import Packet
from actortorrent.captures.links import KNOWN_LINKS, ip_packet
from actortorrent.captures.packets import PROTOCOL_TCP, Endpoint

MAX_EXTENSIONS = 8
# Headers of IPv6 that may stand before TCP: their length is in units of 8 bytes.
EXTENSIONS = frozenset([0, 43, 60])
FRAGMENT = 44
_TCP = struct.Struct("!HHIIBB")


class Segment(NamedTuple):
    """One segment.

    Attributes:
        data: its bytes, as far as they were captured.
        length: how many it had on the wire.
    """

    time_ns: int
    source: Endpoint
    target: Endpoint
    sequence: int
    acknowledged: int
    flags: int
    data: bytes
    length: int


class Other(Enum):
    """Say why a packet has no segment for us."""

    NOT_TCP = "not TCP"
    FRAGMENT = "a part of an IP packet"
    CUT_OFF = "captured without all of its headers"
    UNKNOWN_LINK = "of a link type that is not known here"


class _Inside(NamedTuple):
    """What is inside an IP packet; `length` is what it had on the wire."""

    source: bytes
    target: bytes
    protocol: int
    start: int
    length: int


def segment_of(packet: Packet) -> Segment | Other:
    """Return the segment in a packet, or why there is none."""
    ip = ip_packet(packet)
    if ip is None:
        return Other.NOT_TCP if packet.link_type in KNOWN_LINKS else Other.UNKNOWN_LINK
    inside = _in_ipv4(ip, packet) if ip[0] >> 4 == 4 else _in_ipv6(ip, packet)
    if isinstance(inside, Other):
        return inside
    if inside.protocol != PROTOCOL_TCP:
        return Other.NOT_TCP
    return _segment(packet.time_ns, ip, inside)


def _segment(time_ns: int, ip: memoryview, inside: _Inside) -> Segment | Other:
    start = inside.start
    if len(ip) < start + 20:
        return Other.CUT_OFF
    source, target, sequence, acknowledged, size, flags = _TCP.unpack_from(ip, start)
    header = (size >> 4) * 4
    length = inside.length - header
    if header < 20 or length < 0 or len(ip) < start + header:
        return Other.CUT_OFF
    data = bytes(ip[start + header : start + header + length])
    return Segment(
        time_ns,
        Endpoint(inside.source, source),
        Endpoint(inside.target, target),
        sequence,
        acknowledged,
        flags,
        data,
        length,
    )


def _in_ipv4(ip: memoryview, packet: Packet) -> _Inside | Other:
    header = (ip[0] & 0x0F) * 4
    if header < 20 or len(ip) < header:
        return Other.CUT_OFF
    if int.from_bytes(ip[6:8], "big") & 0x3FFF:  # more follow, or it is not the first
        return Other.FRAGMENT
    total = int.from_bytes(ip[2:4], "big") or _on_wire(ip, packet)  # 0: cut up by the card
    return _Inside(bytes(ip[12:16]), bytes(ip[16:20]), ip[9], header, total - header)


def _in_ipv6(ip: memoryview, packet: Packet) -> _Inside | Other:
    if len(ip) < 40:
        return Other.CUT_OFF
    total = 40 + int.from_bytes(ip[4:6], "big")
    total = _on_wire(ip, packet) if total == 40 else total
    protocol, start = ip[6], 40
    for _ in range(MAX_EXTENSIONS):
        if protocol == FRAGMENT:
            return Other.FRAGMENT
        if protocol not in EXTENSIONS:
            break
        if len(ip) < start + 2:
            return Other.CUT_OFF
        protocol, start = ip[start], start + (ip[start + 1] + 1) * 8
    return _Inside(bytes(ip[8:24]), bytes(ip[24:40]), protocol, start, total - start)


def _on_wire(ip: memoryview, packet: Packet) -> int:
    """Return the length that the IP packet had, from that of the whole."""
    return len(ip) + packet.wire_bytes - len(packet.data)
