"""Which pieces a peer may ask us for while we choke it: BEP 6, "allowed fast".

A peer that has nothing yet has nothing to trade. A few pieces, computed from its address and
the torrent, are given to it all the same; the same ones by everybody, or it would get all.
"""

from __future__ import annotations

import hashlib
import ipaddress
import struct
from collections.abc import Iterator

ALLOWED_COUNT = 10  # pieces, as the BEP has it
GIVEN_SHARE = 100  # one piece in so many at most: who got much for nothing need not trade
NETWORK_MASK = 0xFFFFFF00  # who has several addresses of one network gets one set


def allowed_fast_set(
    info_hash: bytes, host: str, piece_count: int, count: int = ALLOWED_COUNT
) -> tuple[int, ...]:
    """Return the pieces that the peer at `host` is allowed, in the order of their making.

    None where its address is not of IPv4: for others the BEP has no rule.
    """
    network = _network_of(host)
    if network is None:
        return ()
    allowed: dict[int, None] = {}  # a set that keeps its order
    for index in _draws(struct.pack("!I", network) + info_hash, max(1, piece_count)):
        if len(allowed) >= min(count, piece_count):
            break
        allowed[index] = None
    return tuple(allowed)


def given_count(piece_count: int) -> int:
    """Return how many of a torrent's pieces a peer that begins is given."""
    return min(ALLOWED_COUNT, piece_count // GIVEN_SHARE)


def may_ask_though_choked(pieces_had: int) -> bool:
    """Say whether a peer that has so many pieces is still one that starts."""
    return pieces_had <= ALLOWED_COUNT


def _network_of(host: str) -> int | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        return int(mapped) & NETWORK_MASK if mapped is not None else None
    return int(address) & NETWORK_MASK


def _draws(seed: bytes, piece_count: int) -> Iterator[int]:
    while True:
        seed = hashlib.sha1(seed, usedforsecurity=False).digest()
        for (number,) in struct.iter_unpack("!I", seed):
            yield number % piece_count
