"""Which ids a node may have at its address (BEP 42).

Who could choose ids freely would choose eight around a torrent, and be the only ones who
are asked for its peers. So the first 21 bits of an id come of the node's address, by
CRC-32C, and three more of the last byte. Nodes on private networks are exempt.
"""

from __future__ import annotations

import ipaddress
import random
from functools import lru_cache

from actortorrent.rules.crc32c import crc32c
from actortorrent.rules.networks import is_local
from actortorrent.wire.dht_nodes import NodeId

IPV4_MASK = bytes.fromhex("030f3fff")
IPV6_MASK = bytes.fromhex("0103070f1f3f7fff")  # of the first 64 bits
BOUND_BITS = 21


def make_node_id(host: str | None, rng: random.Random) -> NodeId:
    """Return an id that a node at this IP address may have; any, if None or a private one."""
    number = rng.getrandbits(160)
    if host is None or is_local(host):
        return NodeId(number)
    last_byte = number & 0xFF
    free = number & ((1 << (160 - BOUND_BITS)) - 1)
    return NodeId(_bound_bits(host, last_byte) << (160 - BOUND_BITS) | free)


def is_fitting(node_id: NodeId, host: str) -> bool:
    """Say whether a node at this IP address may have this id."""
    if is_local(host):
        return True
    return node_id.number >> (160 - BOUND_BITS) == _bound_bits(host, node_id.number & 0xFF)


@lru_cache(maxsize=1024)
def _bound_bits(host: str, last_byte: int) -> int:
    """Return the first 21 bits of an id with this last byte."""
    packed = ipaddress.ip_address(host).packed
    mask = IPV4_MASK if len(packed) == 4 else IPV6_MASK
    masked = bytearray(byte & kept for byte, kept in zip(packed, mask, strict=False))
    masked[0] |= (last_byte & 7) << 5
    return crc32c(bytes(masked)) >> (32 - BOUND_BITS)
