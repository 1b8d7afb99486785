"""A network of libtorrent's DHT nodes, in a process of its own (see `libtorrent_dht.py`)."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from actortorrent.lab.processes import PATIENCE_SECONDS, Running
from actortorrent.wire.addresses import Address, parse_address
from tests.peers.needs import need_module
from tests.peers.processes import free_port, within

SCRIPT = Path(__file__).with_name("libtorrent_dht.py")


class LibtorrentNodes:
    """Nodes that do what they are told, and tell what they find."""

    def __init__(self, process: Running, addresses: Sequence[Address]) -> None:
        self.addresses = addresses
        self._process = process

    def wait_until_joined(self) -> None:
        """Wait until each but the first has looked for the nodes around it."""
        for number in range(1, len(self.addresses)):
            self._process.wait_for_line(rf'"joined", "node": {number}}}')

    def announce(self, number: int, info_hash: bytes, port: int) -> None:
        """Let a node announce a peer of its own, and wait until another has heard of it."""
        self._tell(f"announce {number} {info_hash.hex()} {port}")
        self.wait_until_stored(info_hash)

    def wait_until_stored(self, info_hash: bytes, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until somebody has announced a peer of this torrent to one of them."""
        self._process.wait_for_line(rf'"stored", .* "{info_hash.hex()}"', seconds)

    def meet(self, address: Address) -> None:
        """Let all nodes get to know another one."""
        for number in range(len(self.addresses)):
            self._tell(f"meet {number} {address.host} {address.port}")

    def find(self, number: int, info_hash: bytes) -> Address:
        """Let a node look for peers; return the first it finds."""
        self._tell(f"find {number} {info_hash.hex()}")
        found = self._process.wait_for_line(rf'"peers", "node": {number}, "peers": (\[".*\])')
        return parse_address(json.loads(found[1])[0])

    def _tell(self, line: str) -> None:
        pipe = self._process._process.stdin
        assert pipe is not None
        pipe.write(line.encode() + b"\n")
        pipe.flush()


@contextmanager
def libtorrent_nodes(hosts: Sequence[str], *, namespace: str = "") -> Iterator[LibtorrentNodes]:
    """Run a node at each of these addresses while the block runs."""
    need_module("libtorrent")
    port = free_port()
    command: list[str | Path] = [sys.executable, "-P", SCRIPT, str(port), *hosts]
    with Running(within(namespace, command)) as process:
        nodes = LibtorrentNodes(process, [Address(host, port) for host in hosts])
        nodes.wait_until_joined()
        yield nodes
