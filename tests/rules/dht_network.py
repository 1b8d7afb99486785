"""A network of DHT nodes in memory: a clock that the test turns, datagrams that take 10 ms."""

from __future__ import annotations

import heapq
import itertools
import random
from collections import defaultdict
from collections.abc import Callable

from actortorrent.errors import KrpcError
from actortorrent.rules.dht_facts import Fact
from actortorrent.rules.dht_node import DhtNode, NodeOptions
from actortorrent.wire.addresses import Address
from actortorrent.wire.dht_nodes import NodeId
from actortorrent.wire.krpc_reading import read_message

LATENCY_SECONDS = 0.01
Received = Callable[[bytes, Address], None]


class Network:
    """Carry datagrams between nodes, and to whoever else listens at an address."""

    def __init__(self, seed: int = 1) -> None:
        self.now = 1000.0
        self.rng = random.Random(seed)
        self.nodes: dict[Address, DhtNode] = {}
        self.facts: dict[Address, list[Fact]] = defaultdict(list)
        self.strangers: dict[Address, Received] = {}
        self.sent_bytes: dict[tuple[Address, Address], int] = defaultdict(int)
        self._under_way: list[tuple[float, int, Address, Address, bytes]] = []
        self._count = itertools.count()

    def add(
        self,
        address: Address,
        *,
        options: NodeOptions | None = None,
        node_id: NodeId | None = None,
    ) -> DhtNode:
        """Add a node."""
        own_id = node_id or NodeId(self.rng.getrandbits(160))
        node = DhtNode(own_id, options or NodeOptions(), {}, self.rng, self.now)
        self.nodes[address] = node
        return node

    def add_many(self, count: int, first: int = 0) -> list[Address]:
        """Add nodes at private addresses, each of which joins by the first, and let them settle."""
        addresses = [
            Address(f"127.0.{n // 200}.{n % 200 + 1}", 6881) for n in range(first, first + count)
        ]
        for address in addresses:
            self.add(address).enter(addresses[:1], (), self.now)
            self.run(0.1)
        self.run(2)
        return addresses

    def send(self, sender: Address, to: Address, packet: bytes) -> None:
        """Send a datagram that arrives a little later."""
        self.sent_bytes[sender, to] += len(packet)
        at = self.now + LATENCY_SECONDS
        heapq.heappush(self._under_way, (at, next(self._count), sender, to, packet))

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        self._collect()
        while True:
            at = min((node.next_at for node in self.nodes.values()), default=end)
            if self._under_way:
                at = min(at, self._under_way[0][0])
            if at > end:
                break
            self.now = max(self.now, at)
            self._deliver()
            for node in self.nodes.values():
                if node.next_at <= self.now:
                    node.tick(self.now)
            self._collect()
        self.now = end

    def _deliver(self) -> None:
        while self._under_way and self._under_way[0][0] <= self.now:
            _, _, sender, to, packet = heapq.heappop(self._under_way)
            node = self.nodes.get(to)
            if to in self.strangers:
                self.strangers[to](packet, sender)
            elif node is not None and node.takes_on(sender, self.now):
                self.hand_over(node, packet, sender)
                self._collect_of(to, node)

    def hand_over(self, node: DhtNode, packet: bytes, sender: Address) -> None:
        """Give a datagram to a node, as its actor would."""
        try:
            message = read_message(packet)
        except KrpcError as error:
            if error.transaction:
                node.refuse(error.transaction, len(packet), sender, self.now)
        else:
            node.receive(message, len(packet), sender, self.now)

    def _collect(self) -> None:
        for address, node in list(self.nodes.items()):
            self._collect_of(address, node)

    def _collect_of(self, address: Address, node: DhtNode) -> None:
        for outgoing in node.take_outgoing():
            self.send(address, outgoing.address, outgoing.packet)
        self.facts[address].extend(node.take_facts())
