"""TCP segments as the bytes of IP packets, lengths and checksums right: RFC 791, 8200, 9293."""

from __future__ import annotations

import ipaddress
import struct
from typing import NamedTuple

from actortorrent.errors import UsageError
from actortorrent.wire.addresses import Address, parse_address

FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10
PROTOCOL_TCP = 6
MAX_SEGMENT_BYTES = 65_535 - 40 - 20  # fits in an IP packet of either version, with its headers
_WINDOW = 65_535
# Largest segment, then how far windows are shifted: so no one ever seems to wait for room.
_SYN_OPTIONS = struct.pack("!BBHBBBB", 2, 4, MAX_SEGMENT_BYTES, 3, 3, 14, 0)
_HOPS = 64


class Endpoint(NamedTuple):
    """Name one end of a connection: 4 or 16 bytes of address, and a port."""

    host: bytes
    port: int

    def __str__(self) -> str:
        return str(Address(str(ipaddress.ip_address(self.host)), self.port))


def endpoint_of(text: str) -> Endpoint | None:
    """Read `HOST:PORT`; None where the host is a name, or nothing of the kind."""
    try:
        address = parse_address(text)
        return Endpoint(ipaddress.ip_address(address.host.partition("%")[0]).packed, address.port)
    except (UsageError, ValueError):
        return None


def tcp_packet(
    source: Endpoint, target: Endpoint, sequence: int, acknowledged: int, flags: int, data: bytes
) -> bytes:
    """Return a segment of `data`, at most `MAX_SEGMENT_BYTES`, in its IP packet.

    Sequence numbers are taken modulo 2^32. A SYN gets the options that every SYN has.
    """
    options = _SYN_OPTIONS if flags & SYN else b""
    header = struct.pack(
        "!HHIIBBHHH",
        source.port,
        target.port,
        sequence & 0xFFFFFFFF,
        acknowledged & 0xFFFFFFFF if flags & ACK else 0,
        (20 + len(options)) // 4 << 4,
        flags,
        _WINDOW,
        0,
        0,
    )
    segment = header + options + data
    pseudo = source.host + target.host + struct.pack("!II", len(segment), PROTOCOL_TCP)
    checksum = struct.pack("!H", _checksum(pseudo + segment))
    return _ip_header(source, target, len(segment)) + segment[:16] + checksum + segment[18:]


def _ip_header(source: Endpoint, target: Endpoint, length: int) -> bytes:
    if len(source.host) == 16:
        return (
            struct.pack("!IHBB", 6 << 28, length, PROTOCOL_TCP, _HOPS) + source.host + target.host
        )
    start = struct.pack("!BBHIBB", 0x45, 0, 20 + length, 0x4000, _HOPS, PROTOCOL_TCP)
    addresses = source.host + target.host
    return start + struct.pack("!H", _checksum(start + addresses)) + addresses


def _checksum(data: bytes) -> int:
    """Return the Internet checksum: the sum of all 16-bit words, in ones' complement."""
    number = int.from_bytes(data + bytes(len(data) % 2))
    rest = number % 0xFFFF
    return 0xFFFF - (rest or (0xFFFF if number else 0))
