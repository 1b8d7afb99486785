"""Which ids a node may have at its address, and what our own address is (BEP 42).

Who could choose ids freely would choose eight around a torrent, and be the only ones who
are asked for its peers. So the first 21 bits of an id come of the node's address, by
CRC-32C, and three more of the last byte. Nodes on private networks are exempt.

We learn our own address from those who answer us, and believe it when several agree.
"""

from __future__ import annotations

import ipaddress
import random
from collections import OrderedDict
from functools import lru_cache

from actortorrent.wire.dht_nodes import NodeId

IPV4_MASK = bytes.fromhex("030f3fff")
IPV6_MASK = bytes.fromhex("0103070f1f3f7fff")  # of the first 64 bits
BOUND_BITS = 21
CRC32C = 0x82F63B78  # Castagnoli's polynomial, bits reversed
BROADCAST = "255.255.255.255"
MAX_VOTES = 32
LEAST_VOTES = 4  # of different networks, and more than half of all


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


class AddressVotes:
    """Count what others say that our address is, each network having one voice."""

    def __init__(self) -> None:
        self._votes: OrderedDict[bytes, str] = OrderedDict()  # the oldest first

    def vote(self, voter_host: str, told_host: str) -> str | None:
        """Count a voice; return our address if it is one that most agree on."""
        network = network_of(voter_host)
        self._votes.pop(network, None)
        self._votes[network] = told_host
        if len(self._votes) > MAX_VOTES:
            self._votes.popitem(last=False)
        agreeing = sum(told == told_host for told in self._votes.values())
        is_agreed = agreeing >= LEAST_VOTES and 2 * agreeing > len(self._votes)
        return told_host if is_agreed else None


def crc32c(data: bytes) -> int:
    """Return the CRC-32C of a few bytes."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (CRC32C if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


@lru_cache(maxsize=1024)
def _bound_bits(host: str, last_byte: int) -> int:
    """Return the first 21 bits of an id with this last byte."""
    packed = ipaddress.ip_address(host).packed
    mask = IPV4_MASK if len(packed) == 4 else IPV6_MASK
    masked = bytearray(byte & kept for byte, kept in zip(packed, mask, strict=False))
    masked[0] |= (last_byte & 7) << 5
    return crc32c(bytes(masked)) >> (32 - BOUND_BITS)
