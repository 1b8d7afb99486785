"""Nodes of the DHT: their ids, and how messages pack them (BEP 5, "contact encoding"; BEP 32).

An id is a number of 160 bits, and so is an info-hash: the distance between two is their
exclusive or (Kademlia). A node is packed as its id and its address: 26 bytes, or 38 where
the address is IPv6.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

from msgspec import Struct

from actortorrent.wire.addresses import Address, pack_compact

ID_BITS = 160
ID_BYTES = 20
MAX_NODES = 32  # of one message; a node sends 8, some send 16
IPV4_BYTES = 4
IPV6_BYTES = 16


class NodeId(Struct, frozen=True):
    """Name a node, or a place between nodes; `number` is from 0 to 2**160 - 1."""

    number: int

    @classmethod
    def from_bytes(cls, packed: bytes) -> NodeId:
        """Read an id, or an info-hash, from its 20 bytes."""
        if len(packed) != ID_BYTES:
            raise ValueError(f"an id has {ID_BYTES} bytes, not {len(packed)}")
        return cls(int.from_bytes(packed, "big"))

    @property
    def packed(self) -> bytes:
        """Return the 20 bytes that stand for it in messages."""
        return self.number.to_bytes(ID_BYTES, "big")

    def distance_to(self, other: NodeId) -> int:
        """Return how far another is: less is closer."""
        return self.number ^ other.number

    def shared_bits(self, other: NodeId) -> int:
        """Return how many leading bits both have in common, from 0 to 160."""
        return ID_BITS - (self.number ^ other.number).bit_length()

    def __str__(self) -> str:
        return f"{self.number:040x}"


class NodeInfo(Struct, frozen=True):
    """Say who a node is, and where."""

    node_id: NodeId
    address: Address

    def __str__(self) -> str:
        return f"{self.node_id} at {self.address}"


def pack_nodes(nodes: Iterable[NodeInfo]) -> bytes:
    """Write nodes as 26 bytes each, or 38 where the address is IPv6."""
    return b"".join(node.node_id.packed + pack_address(node.address) for node in nodes)


@lru_cache(maxsize=512)
def pack_address(address: Address) -> bytes:
    """Write an address as 6 or 18 bytes: the same few go out again and again."""
    return pack_compact(address)


def unpack_nodes(packed: bytes, *, is_ipv6: bool, most: int = MAX_NODES) -> tuple[NodeInfo, ...]:
    """Read so many nodes at most; a ragged end and ports of 0 are left out."""
    host_bytes = IPV6_BYTES if is_ipv6 else IPV4_BYTES
    size = ID_BYTES + host_bytes + 2
    nodes = []
    for start in range(0, min(len(packed) - size + 1, size * most), size):
        address = unpack_address(packed[start + ID_BYTES : start + size])
        if address is not None:
            node_id = NodeId.from_bytes(packed[start : start + ID_BYTES])
            nodes.append(NodeInfo(node_id, address))
    return tuple(nodes)


def unpack_address(packed: bytes) -> Address | None:
    """Read an address of 6 or 18 bytes; None where it is neither, or its port is 0."""
    port = int.from_bytes(packed[-2:], "big")
    if len(packed) not in (IPV4_BYTES + 2, IPV6_BYTES + 2) or not port:
        return None
    if len(packed) == IPV4_BYTES + 2:
        return Address(f"{packed[0]}.{packed[1]}.{packed[2]}.{packed[3]}", port)
    return Address(str(ipaddress.IPv6Address(packed[:-2])), port)
