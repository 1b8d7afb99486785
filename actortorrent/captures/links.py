"""What stands below IP in a captured packet, by its link type: Ethernet, Linux cooked, none.

The link types are those of tcpdump.org's list.
"""

from __future__ import annotations

from actortorrent.captures.files import Packet

LINK_NULL, LINK_ETHERNET, LINK_RAW, LINK_LOOP = 0, 1, 101, 108
LINK_COOKED, LINK_COOKED_2, LINK_IPV4, LINK_IPV6 = 113, 276, 228, 229
OTHER_RAWS = (12, 14)  # as some systems write it
IPV4, IPV6 = 0x0800, 0x86DD
VLAN_TAGS = frozenset([0x8100, 0x88A8, 0x9100])
MAX_TAGS = 4
IPV4_FAMILY = 2
IPV6_FAMILIES = frozenset([10, 24, 28, 30])  # of Linux and the BSDs
WITH_LINK_HEADER = frozenset([LINK_NULL, LINK_LOOP, LINK_ETHERNET, LINK_COOKED, LINK_COOKED_2])
KNOWN_LINKS = WITH_LINK_HEADER | {LINK_RAW, LINK_IPV4, LINK_IPV6, *OTHER_RAWS}


def ip_packet(packet: Packet) -> memoryview | None:
    """Return the IP packet in a captured one, as far as it was captured; None for others."""
    data = memoryview(packet.data)
    start = _start_of_ip(packet.link_type, data)
    if start is None or start >= len(data):
        return None
    version = data[start] >> 4
    return data[start:] if version in (4, 6) else None


def _start_of_ip(link_type: int, data: memoryview) -> int | None:
    if link_type == LINK_ETHERNET:
        return _behind_ether_type(data, 12)
    if link_type == LINK_COOKED:
        return _behind_ether_type(data, 14)
    if link_type == LINK_COOKED_2:
        return 20 if _word(data, 0) in (IPV4, IPV6) else None
    if link_type in (LINK_NULL, LINK_LOOP):
        return 4 if _is_ip_family(data) else None
    return 0 if link_type in KNOWN_LINKS else None


def _behind_ether_type(data: memoryview, position: int) -> int | None:
    """Return what is behind the type of an Ethernet frame, tags of virtual networks skipped."""
    for _ in range(MAX_TAGS + 1):
        ether_type = _word(data, position)
        position += 2
        if ether_type in (IPV4, IPV6):
            return position
        if ether_type not in VLAN_TAGS:
            return None
        position += 2
    return None


def _is_ip_family(data: memoryview) -> bool:
    """Say whether a loopback's first 4 bytes, in the order of whoever captured it, mean IP."""
    families = {int.from_bytes(data[:4], "little"), int.from_bytes(data[:4], "big")}
    return IPV4_FAMILY in families or not families.isdisjoint(IPV6_FAMILIES)


def _word(data: memoryview, position: int) -> int:
    return int.from_bytes(data[position : position + 2], "big")
