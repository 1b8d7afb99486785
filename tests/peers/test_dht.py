"""Our DHT among real nodes: libtorrent's."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from actortorrent.wire.addresses import Address
from tests.actors.dht_stage import Finder, Node, running
from tests.peers.dht_nodes import LibtorrentNodes, libtorrent_nodes
from tests.peers.namespaces import Namespace, add_addresses
from tests.peers.processes import within

HOSTS = [f"127.0.20.{number}" for number in range(1, 11)]
THEIRS = b"a torrent libtorrent"
OURS = b"a torrent that is us"


@pytest.fixture(scope="module")
def nodes() -> Iterator[LibtorrentNodes]:
    with libtorrent_nodes(HOSTS) as nodes:
        yield nodes


@pytest.fixture(scope="module")
def node(nodes: LibtorrentNodes) -> Iterator[Node]:
    """Return a node of ours that knows one of theirs."""
    ours = Node("127.0.21.1", nodes.addresses[3:4], seed=99)
    with running(ours):
        ours.wait_until_joined()
        yield ours


def test_we_find_the_peers_that_libtorrent_announced(nodes: LibtorrentNodes, node: Node) -> None:
    nodes.announce(7, THEIRS, 5555)
    finder = Finder(node, THEIRS)
    ended = finder.wait_until_ended()
    assert finder.peers() == {Address(HOSTS[7], 5555)}
    assert ended.answered >= 8
    assert node.status.good >= 8


def test_libtorrent_finds_the_peers_that_we_announced(nodes: LibtorrentNodes, node: Node) -> None:
    announced = Finder(node, OURS, port=7777).wait_until_ended()
    assert announced.announced >= 8
    assert nodes.find(5, OURS) == Address(node.address.host, 7777)


def test_libtorrent_takes_us_for_one_of_its_own(nodes: LibtorrentNodes, node: Node) -> None:
    other = Node("127.0.21.2", [node.address], seed=98)
    with running(other):
        assert other.wait_until_joined().good >= 8  # we named libtorrent's nodes to it
        announced = Finder(other, OURS[::-1], port=7778).wait_until_ended()
    assert announced.announced >= 8
    assert nodes.find(2, OURS[::-1]) == Address(other.address.host, 7778)


def test_the_same_among_addresses_of_the_internet(namespace: Namespace) -> None:
    """There ids are bound to addresses (BEP 42), and a network counts as one."""
    hosts = [f"45.10.{number}.1" for number in range(1, 13)]
    ours = "45.20.1.1"
    add_addresses(namespace, (*hosts, ours))
    command = [sys.executable, "-m", "actortorrent", "dht", "peers", THEIRS.hex(), "--json"]
    with libtorrent_nodes(hosts, namespace=namespace.name) as nodes:
        nodes.announce(4, THEIRS, 4321)
        command += ["--bind", ours, "--dht-node", str(nodes.addresses[2])]
        done = subprocess.run(
            within(namespace.name, command), capture_output=True, timeout=40, check=True
        )
    told = json.loads(done.stdout)
    assert told["peers"] == [f"{hosts[4]}:4321"]
    assert told["nodes_answered"] >= 8
