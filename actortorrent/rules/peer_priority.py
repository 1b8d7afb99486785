"""Which of two peers to keep when slots are scarce, so that both ends agree: BEP 40.

The priority of a connection is computed from the addresses of both ends: it is the same at
either, and nobody can choose it. With all peers keeping the connections of high priority, a
swarm is well mixed, and a newcomer finds a place in it.
"""

from __future__ import annotations

import ipaddress

from actortorrent.rules.crc32c import crc32c
from actortorrent.rules.networks import plain
from actortorrent.rules.own_address import OwnAddress
from actortorrent.wire.addresses import Address

ALTERNATE_BITS = 0x55
# Bytes of the address that count whole, where the two have no network in common.
WHOLE_BYTES = {4: 2, 16: 6}


class Ranking:
    """Say what connections are worth, as far as we know our own address.

    Attributes:
        own_address: what others say that it is.
        port: where peers reach us, 0 if they cannot.
    """

    def __init__(self) -> None:
        self.own_address = OwnAddress()
        self.port = 0

    def priority(self, theirs: Address) -> int | None:
        """Return the priority of a connection with a peer; None while it is not known."""
        try:
            ours = self.own_address.like(theirs.host)
        except ValueError:  # a name
            return None
        return None if ours is None else peer_priority(Address(ours, self.port), theirs)


def peer_priority(ours: Address, theirs: Address) -> int:
    """Return the priority of a connection, from 0 to 2**32 - 1; more is better.

    Both ends as others see them. 0 where one is of IPv4 and the other of IPv6.

    Raises:
        ValueError: if a host is a name.
    """
    first, second = _packed(ours.host), _packed(theirs.host)
    if len(first) != len(second):
        return 0
    if first == second:
        return crc32c(_sorted(*(end.port.to_bytes(2, "big") for end in (ours, theirs))))
    mask = _mask(first, second)
    return crc32c(_sorted(_masked(first, mask), _masked(second, mask)))


def _packed(host: str) -> bytes:
    return ipaddress.ip_address(plain(host)).packed


def _mask(first: bytes, second: bytes) -> bytes:
    """Return the mask: one byte more counts whole than both have in common, if that is many."""
    size = len(first)
    common = next(place for place in range(size) if first[place] != second[place])
    whole = WHOLE_BYTES[size]
    whole = common + 1 if common >= whole else whole
    return (b"\xff" * whole).ljust(size, bytes((ALTERNATE_BITS,)))


def _masked(packed: bytes, mask: bytes) -> bytes:
    return bytes(byte & bits for byte, bits in zip(packed, mask, strict=True))


def _sorted(first: bytes, second: bytes) -> bytes:
    return min(first, second) + max(first, second)
