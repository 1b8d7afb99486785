from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from actortorrent.rules.dht_answers import Answers, fitted
from actortorrent.rules.dht_peers import PeerStore
from actortorrent.rules.dht_table import RoutingTable
from actortorrent.rules.dht_tokens import TokenMint
from actortorrent.wire.addresses import Address
from actortorrent.wire.dht_nodes import NodeId, NodeInfo
from actortorrent.wire.krpc import MAX_SENT_BYTES, Answer, FindNode, GetPeers, Message, Ping
from tests.rules.test_dht_table import node
from tests.wire import krpc_values

ASKER = Address("127.0.0.9", 5)
WHO, TORRENT = NodeId(1), NodeId(7)


def answers() -> Answers:
    """Return answers of a node that knows 12 nodes of each kind, and many peers."""
    rng, store = random.Random(1), PeerStore()
    tables = {"n4": RoutingTable(NodeId(3), 0.0), "n6": RoutingTable(NodeId(3), 0.0)}
    for number in range(100, 112):
        tables["n4"].note_answer(node(number), 0.0)
        address = Address(f"2600:{number:x}::1", 5)
        tables["n6"].note_answer(NodeInfo(NodeId(number), address), 0.0)
    for number in range(1, 99):
        store.add(TORRENT, Address(f"8.8.{number}.8", 5), 0.0)
    return Answers("n4", tables, store, TokenMint(b"secret"), rng)


def answered(query: Ping | FindNode | GetPeers) -> Answer:
    answer = answers().answer(query, ASKER, 1.0)
    assert isinstance(answer, Answer)
    return answer


def test_a_query_gets_nodes_of_the_kind_it_came_by() -> None:
    answer = answered(FindNode(WHO, TORRENT))
    assert len(answer.nodes or ()) == 8
    assert answer.nodes6 is None


def test_a_query_gets_the_nodes_that_it_wants() -> None:
    both = answered(FindNode(WHO, TORRENT, ("n4", "n6")))  # BEP 32
    assert (len(both.nodes or ()), len(both.nodes6 or ())) == (8, 8)
    other = answered(GetPeers(WHO, TORRENT, ("n6",)))
    assert (other.nodes, len(other.nodes6 or ())) == (None, 8)


def test_get_peers_gets_peers_a_token_and_nodes() -> None:
    answer = answered(GetPeers(WHO, TORRENT))
    assert (len(answer.values), len(answer.token), len(answer.nodes or ())) == (50, 4, 8)
    assert answered(GetPeers(WHO, NodeId(8))).values == ()


def test_the_longest_answer_is_as_long_as_may_be() -> None:
    answer = answered(GetPeers(WHO, TORRENT, ("n4", "n6")))
    message = Message(b"t" * 32, answer, version=b"AT01", seen_as=ASKER)
    found = fitted(message, MAX_SENT_BYTES)
    assert found is not None
    assert MAX_SENT_BYTES - 50 < len(found[1]) <= MAX_SENT_BYTES


def test_what_is_missed_least_goes_first() -> None:
    answer = answered(FindNode(WHO, TORRENT))
    message = Message(b"aaaa", answer, version=b"AT01", seen_as=ASKER)
    full = len(message.encode())
    for shorter_by, version, seen_as, nodes in (
        (0, b"AT01", ASKER, 8),
        (1, b"", ASKER, 8),
        (10, b"", None, 8),
        (22, b"", None, 7),
        (200, b"", None, 1),
    ):
        found = fitted(message, full - shorter_by)
        assert found is not None
        assert isinstance(found[0].body, Answer)
        assert (found[0].version, found[0].seen_as) == (version, seen_as)
        assert len(found[0].body.nodes or ()) == nodes
        assert found[0].body.nodes == (answer.nodes or ())[:nodes]
    assert fitted(message, 40) is None


@given(krpc_values.answers, st.integers(0, 1100))
def test_an_answer_is_shortened_to_what_may_be_sent_or_not_sent(answer: Answer, most: int) -> None:
    message = Message(b"aaaa", answer, version=b"AT01", seen_as=ASKER)
    found = fitted(message, most)
    bare = Message(b"aaaa", Answer(answer.sender, token=answer.token))
    if found is None:
        assert len(bare.encode()) > most
    else:
        assert found[1] == found[0].encode()
        assert len(found[1]) <= most
