"""A network of a hundred nodes of ours, over real UDP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from actortorrent.rules.dht_queries import Patience
from actortorrent.wire.addresses import Address
from tests.actors.dht_stage import Finder, Node, running

COUNT = 100
TORRENT = b"the torrent that all"


@pytest.fixture(scope="module")
def network() -> Iterator[list[Node]]:
    nodes = [Node("127.0.1.1")]
    entrance = nodes[0].address
    for number in range(1, COUNT):
        nodes.append(
            Node(f"127.0.1.{number + 1}", [entrance], patience=Patience(), seed=number + 100)
        )
        if number % 10 == 0:
            nodes[-1].wait_until_joined()
    with running(*nodes):
        yield nodes


def test_of_a_hundred_nodes_99_find_what_one_announced(network: list[Node]) -> None:
    announcer = Finder(network[37], TORRENT, port=5555)
    assert announcer.wait_until_ended().announced >= 8
    finders = [Finder(node, TORRENT) for node in network if node is not network[37]]
    for finder in finders:
        finder.wait_until_ended()
    wanted = Address(network[37].address.host, 5555)
    assert sum(wanted in finder.peers() for finder in finders) + 1 >= 99
