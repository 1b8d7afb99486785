"""What an IP address says of who is behind it."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

BROADCAST = "255.255.255.255"


def plain(host: str) -> str:
    """Return an IP address as IPv4, if it is one of these written as IPv6.

    Raises:
        ValueError: if the host is a name.
    """
    ip = ipaddress.ip_address(host)
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return str(mapped or ip)


@lru_cache(maxsize=1024)
def is_local(host: str) -> bool:
    """Say whether an IP address is not one of the public internet."""
    return not ipaddress.ip_address(host).is_global


@lru_cache(maxsize=1024)
def is_unicast(host: str) -> bool:
    """Say whether an IP address is one that a single host may have."""
    ip = ipaddress.ip_address(host)
    return not (ip.is_multicast or ip.is_unspecified or host == BROADCAST)


@lru_cache(maxsize=1024)
def network_of(host: str) -> bytes:
    """Return what names the network that an IP address is in, of which one owner may have all.

    That is a /24, or a /64 of IPv6; on private networks the address itself.
    """
    packed = ipaddress.ip_address(host).packed
    if is_local(host):
        return packed
    return packed[:3] if len(packed) == 4 else packed[:8]
