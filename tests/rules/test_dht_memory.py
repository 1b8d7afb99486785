"""A node's memory, when strangers do all they can to fill it."""

from __future__ import annotations

import gc
import random
import tracemalloc

from actortorrent.rules.dht_node import DhtNode, NodeOptions
from actortorrent.wire.addresses import Address
from actortorrent.wire.dht_nodes import NodeId, NodeInfo
from actortorrent.wire.krpc import AnnouncePeer, Answer, FindNode, GetPeers, Message
from actortorrent.wire.krpc_reading import read_message

MOST_BYTES = 2 * 1024 * 1024
STRANGERS = 700


def flood(node: DhtNode, strangers: int, rng: random.Random) -> None:
    """Let strangers ask, answer what they are asked, announce peers and name others."""
    node.find_peers(NodeId(rng.getrandbits(160)), 5555, 0.0)
    for number in range(strangers):
        now = number / 100
        address = Address(
            f"{rng.randrange(11, 120)}.{rng.randrange(255)}.{number % 250}.1", 1 + number
        )
        who = NodeId(node.table.own_id.number ^ rng.getrandbits(rng.randrange(1, 161)))
        torrent = NodeId(rng.getrandbits(160))
        for message in (
            Message(b"aa", FindNode(who, who), version=b"LT21"),
            Message(b"bb", GetPeers(who, torrent), version=b"LT21"),
            Message(
                b"cc",
                AnnouncePeer(who, torrent, 5, node._mint.token_for(address.host, torrent.packed)),
            ),
        ):
            if node.takes_on(address, now):
                node.receive(read_message(message.encode()), 300, address, now)
        for sent in node.take_outgoing():
            if sent.decision is not None and rng.random() < 0.9:
                named = tuple(
                    NodeInfo(
                        NodeId(rng.getrandbits(160)), Address(f"120.{rng.randrange(255)}.9.{n}", 9)
                    )
                    for n in range(32)
                )
                values = tuple(Address(f"99.9.{rng.randrange(255)}.{n}", 9) for n in range(90))
                answer = Message(sent.message.transaction, Answer(who, nodes=named, values=values))
                node.receive(read_message(answer.encode()), 300, sent.address, now)
        node.take_facts()
        node.tick(now)


def test_a_flooded_node_takes_less_than_2_mib() -> None:
    rng = random.Random(1)
    flood(DhtNode(NodeId(1), NodeOptions(), {}, rng, 0.0), 50, rng)  # what all nodes share
    gc.collect()
    tracemalloc.start()
    node = DhtNode(NodeId(2), NodeOptions(), {}, rng, 0.0)
    flood(node, STRANGERS, rng)
    gc.collect()
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(node.table) > 50
    assert len(node._store) > 400
    assert taken < MOST_BYTES
