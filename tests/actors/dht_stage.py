"""Nodes of the DHT as plain actors in this process, each at its own loopback address."""

from __future__ import annotations

import queue
import random
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from actortorrent.actors.base import Runtime, proxy_of, stop_all
from actortorrent.actors.dht import Dht, DhtProxy
from actortorrent.actors.dht_names import NameLookups
from actortorrent.actors.dht_options import DhtOptions
from actortorrent.actors.resolving import Resolve, resolve
from actortorrent.rules.dht_facts import DhtStatus, SearchEnded
from actortorrent.rules.dht_queries import Patience
from actortorrent.wire.addresses import Address
from actortorrent.wire.krpc import Message
from actortorrent.wire.krpc_reading import read_message

SECONDS = 60.0  # for what takes much less where nothing is wrong
PATIENT = Patience(slow_seconds=0.3)  # where all answer, sooner or later
IMPATIENT = Patience(slow_seconds=0.3, lost_seconds=1.0)  # where some do not


class Node:
    """A node of ours, and what it told."""

    def __init__(
        self,
        host: str = "127.0.0.1",
        entrances: Sequence[Address] = (),
        *,
        routers: Sequence[Address] = (),
        folder: Path | None = None,
        is_read_only: bool = False,
        find_addresses: Resolve = resolve,
        patience: Patience = PATIENT,
        seed: int = 1,
    ) -> None:
        self.statuses: queue.SimpleQueue[tuple[DhtStatus, ...]] = queue.SimpleQueue()
        options = DhtOptions(
            bind=host,
            entrances=tuple(entrances),
            routers=tuple(routers),
            folder=folder,
            is_read_only=is_read_only,
            patience=patience,
        )
        runtime = Runtime()
        ref = Dht.start(
            runtime,
            options,
            NameLookups(runtime, find_addresses),
            random.Random(seed),
            self.statuses.put,
        )
        self.proxy = proxy_of(ref, DhtProxy)
        (status,) = self.proxy.status().get(timeout=SECONDS)
        self.address = Address(host, status.port)

    @property
    def status(self) -> DhtStatus:
        return self.proxy.status().get(timeout=SECONDS)[0]

    def wait_until_joined(self) -> DhtStatus:
        """Wait until it has looked for the nodes around it."""
        return self.statuses.get(timeout=SECONDS)[0]


class Finder:
    """Ask a node for peers, and gather what it tells."""

    def __init__(self, node: Node, info_hash: bytes, port: int | None = None) -> None:
        self._told: queue.SimpleQueue[tuple[Address, ...]] = queue.SimpleQueue()
        self._ended: queue.SimpleQueue[SearchEnded] = queue.SimpleQueue()
        node.proxy.find_peers.defer(
            info_hash, port, lambda peers, _source: self._told.put(peers), self._ended.put
        )

    def wait_until_ended(self) -> SearchEnded:
        """Wait for the end of the next look."""
        return self._ended.get(timeout=SECONDS)

    def peers(self) -> set[Address]:
        """Return what was told so far."""
        found: set[Address] = set()
        while not self._told.empty():
            found.update(self._told.get())
        return found


@contextmanager
def running(*nodes: Node) -> Iterator[None]:
    """Stop nodes when the block ends."""
    try:
        yield
    finally:
        assert stop_all([node.proxy for node in nodes], SECONDS) == []


class RawNode:
    """A socket that the test itself speaks through."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((host, 0))
        self.sock.settimeout(SECONDS)
        self.address = Address(host, self.sock.getsockname()[1])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def send(self, to: Address, packet: bytes) -> int:
        return self.sock.sendto(packet, (to.host, to.port))

    def receive(self) -> tuple[Message, Address]:
        packet, sender = self.sock.recvfrom(4096)
        return read_message(packet), Address(*sender)

    def received_bytes(self) -> int:
        """Return how many bytes came, and are not yet read."""
        self.sock.setblocking(False)
        total = 0
        try:
            while True:
                total += len(self.sock.recv(4096))
        except BlockingIOError:
            return total
        finally:
            self.sock.settimeout(SECONDS)
