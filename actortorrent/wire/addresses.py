"""Peers' addresses, and how trackers and peers pack them: BEP 3, 7 and 23."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from actortorrent.errors import UsageError

COMPACT_IPV4_BYTES = 6  # 4 of address, 2 of port (BEP 23)
COMPACT_IPV6_BYTES = 18  # 16 of address, 2 of port (BEP 7)
MAX_PORT = 65_535
_NOT_IN_HOST = re.compile(r"[:\[\]\s\x00]")


@dataclass(frozen=True, slots=True)
class Address:
    """Name one end of a connection: an IP address (or host name) and a port of 1 to 65535."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_ipv6(self) -> bool:
        """Say whether the host is an IPv6 address."""
        return ":" in self.host


def parse_address(text: str) -> Address:
    """Read `HOST:PORT` or `[IPV6]:PORT`.

    Raises:
        UsageError: if there is no host, or no port from 1 to 65535.
    """
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    host = host[1:-1] if bracketed else host
    in_range = port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) <= MAX_PORT
    is_host = _is_ipv6(host) if bracketed else bool(host) and not _NOT_IN_HOST.search(host)
    if not colon or not is_host or not in_range:
        raise UsageError(f"expected HOST:PORT or [IPV6]:PORT, found {text!r}")
    return Address(host, int(port))


def _is_ipv6(host: str) -> bool:
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        return False
    return True


def unpack_compact_ipv4(packed: bytes) -> tuple[Address, ...]:
    """Read 6 bytes a peer (BEP 23); a ragged end and ports of 0 are left out."""
    return _unpack(packed, 4)


def unpack_compact_ipv6(packed: bytes) -> tuple[Address, ...]:
    """Read 18 bytes a peer (BEP 7); a ragged end and ports of 0 are left out."""
    return _unpack(packed, 16)


def pack_compact(address: Address) -> bytes:
    """Write an address as 6 or 18 bytes, by its kind (BEP 23, BEP 7).

    Raises:
        ValueError: if the host is a name, not an IP address.
    """
    return ipaddress.ip_address(address.host).packed + address.port.to_bytes(2, "big")


def _unpack(packed: bytes, address_bytes: int) -> tuple[Address, ...]:
    size = address_bytes + 2
    addresses = []
    for start in range(0, len(packed) - size + 1, size):
        host = ipaddress.ip_address(packed[start : start + address_bytes])
        port = int.from_bytes(packed[start + address_bytes : start + size], "big")
        if port:
            addresses.append(Address(str(host), port))
    return tuple(addresses)
