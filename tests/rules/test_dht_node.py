from __future__ import annotations

import random
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.rules.dht_facts import (
    BootstrapEnded,
    IdChanged,
    OwnAddressAgreed,
    PeersFound,
    PingEnded,
    SearchEnded,
)
from actortorrent.rules.dht_ids import is_fitting
from actortorrent.rules.dht_node import ID_SECONDS, NodeOptions
from actortorrent.rules.dht_searches import AGAIN_SECONDS
from actortorrent.rules.dht_table import GOOD_SECONDS
from actortorrent.rules.dht_talk import PING_BYTES
from actortorrent.wire.addresses import Address
from actortorrent.wire.bencoding import encode
from actortorrent.wire.dht_nodes import NodeId, NodeInfo
from actortorrent.wire.krpc import (
    VERSION,
    AnnouncePeer,
    Answer,
    FindNode,
    GetPeers,
    Message,
    Ping,
    Refusal,
    RefusalCode,
)
from actortorrent.wire.krpc_reading import read_message
from tests.rules.dht_network import Network

T = TypeVar("T")
TORRENT = NodeId.from_bytes(b"t" * 20)
OURS = Address("127.0.200.1", 6881)
STRANGER = Address("127.0.201.1", 7000)
WHO = NodeId.from_bytes(b"w" * 20)


def facts(network: Network, address: Address, kind: type[T]) -> list[T]:
    return [fact for fact in network.facts[address] if isinstance(fact, kind)]


def peers_found(network: Network, address: Address) -> set[Address]:
    return {peer for fact in facts(network, address, PeersFound) for peer in fact.peers}


class Stranger:
    """Somebody at an address who is no node of ours, and answers only what it is told to."""

    def __init__(self, network: Network, address: Address = STRANGER) -> None:
        self.network = network
        self.address = address
        self.got: list[Message] = []
        self.answers_pings = False
        network.strangers[address] = self._receive

    def _receive(self, packet: bytes, sender: Address) -> None:
        message = read_message(packet)
        self.got.append(message)
        if self.answers_pings and isinstance(message.body, Ping):
            self.send(sender, Message(message.transaction, Answer(WHO)))

    def send(self, to: Address, message: Message) -> None:
        self.network.send(self.address, to, message.encode())

    def ask(self, to: Address, message: Message) -> list[Message]:
        """Send a query; return what came within three seconds."""
        before = len(self.got)
        self.send(to, message)
        self.network.run(3)
        return self.got[before:]

    def answer_to(self, message: Message, node: Address) -> Message:
        """Send a query; return the answer to it."""
        got = self.ask(node, message)
        (answer,) = (one for one in got if one.transaction == message.transaction)
        return answer

    def balance(self, node: Address) -> int:
        """Return how many bytes more it sent than it got."""
        sent = self.network.sent_bytes
        return sent[self.address, node] - sent[node, self.address]


@pytest.fixture(scope="module")
def settled() -> Network:
    network = Network()
    network.add_many(40)
    return network


def test_after_joining_every_node_knows_some(settled: Network) -> None:
    assert all(len(node.table) >= 8 for node in settled.nodes.values())
    assert all(facts(settled, address, BootstrapEnded) for address in settled.nodes)


def test_what_one_announces_all_others_find(settled: Network) -> None:
    addresses = list(settled.nodes)
    settled.nodes[addresses[7]].find_peers(TORRENT, 5555, settled.now)
    settled.run(3)
    for address in addresses:
        settled.nodes[address].find_peers(TORRENT, None, settled.now)
    settled.run(5)
    finders = {
        one for one in addresses if Address(addresses[7].host, 5555) in peers_found(settled, one)
    }
    assert finders >= {*addresses} - {addresses[7]}  # who may meanwhile have found itself


def test_an_announcement_reaches_the_eight_closest(settled: Network) -> None:
    target = NodeId.from_bytes(b"closest............!"[:20])
    addresses = list(settled.nodes)
    settled.nodes[addresses[3]].find_peers(target, 5555, settled.now)
    settled.run(1)
    (ended,) = [
        f for f in facts(settled, addresses[3], SearchEnded) if f.info_hash == target.packed
    ]
    assert ended.announced == 8
    by_distance = sorted(settled.nodes.values(), key=lambda n: n.table.own_id.distance_to(target))
    holding = [node._store.some(target, 9, settled.now, random.Random(1)) for node in by_distance]
    assert sum(bool(peers) for peers in holding[:9]) >= 7  # one of them is who announced
    assert not any(holding[12:])


def test_dead_nodes_do_not_stop_a_lookup() -> None:
    network = Network(2)
    addresses = network.add_many(40)
    network.nodes[addresses[1]].find_peers(TORRENT, 5555, network.now)
    network.run(3)
    for address in addresses[5::4]:
        del network.nodes[address]
    network.nodes[addresses[4]].find_peers(TORRENT, None, network.now)
    network.run(30)
    assert peers_found(network, addresses[4]) == {Address(addresses[1].host, 5555)}
    assert facts(network, addresses[4], SearchEnded)


def test_a_search_waits_for_the_first_node() -> None:
    network = Network(3)
    addresses = network.add_many(10)
    network.nodes[addresses[1]].find_peers(TORRENT, 5555, network.now)
    late = network.add(OURS)
    late.find_peers(TORRENT, None, network.now)
    network.run(3)
    assert facts(network, OURS, SearchEnded)[0].asked == 0
    late.add_node(addresses[4], network.now)
    network.run(3)
    assert peers_found(network, OURS) == {Address(addresses[1].host, 5555)}


def test_who_comes_a_second_after_a_look_in_vain_is_found_seconds_later() -> None:
    network = Network(6)
    addresses = network.add_many(20)
    network.nodes[addresses[2]].find_peers(TORRENT, None, network.now)
    network.run(1)
    assert facts(network, addresses[2], SearchEnded)[0].peers == 0
    network.nodes[addresses[7]].find_peers(TORRENT, 5555, network.now)
    network.run(2)
    assert peers_found(network, addresses[2]) == {Address(addresses[7].host, 5555)}


def test_a_search_goes_on_until_it_is_ended() -> None:
    network = Network(4)
    addresses = network.add_many(10)
    node = network.nodes[addresses[2]]
    node.find_peers(TORRENT, 5555, network.now)
    network.run(2 * AGAIN_SECONDS)
    count = len(facts(network, addresses[2], SearchEnded))
    assert count >= 3
    node.stop_finding(TORRENT)
    network.run(2 * AGAIN_SECONDS)
    assert len(facts(network, addresses[2], SearchEnded)) == count


def test_more_peers_are_looked_for_soon_but_not_all_the_time() -> None:
    network = Network(5)
    addresses = network.add_many(10)
    for address in addresses[:2]:
        network.nodes[address].find_peers(TORRENT, 5555, network.now)
        network.run(3)
    for _ in range(10):
        network.nodes[addresses[1]].find_more(TORRENT, network.now)
    network.run(50)
    assert len(facts(network, addresses[1], SearchEnded)) == 1
    network.run(10)
    assert len(facts(network, addresses[1], SearchEnded)) == 2


def test_contacts_stay_good_while_time_passes() -> None:
    network = Network(6)
    addresses = network.add_many(12)
    network.run(2 * GOOD_SECONDS)
    assert all(network.nodes[one].table.good_count(network.now) >= 8 for one in addresses)


def test_a_ping_tells_who_answers_and_who_does_not() -> None:
    network = Network(7)
    (address,) = network.add_many(1)
    node = network.add(OURS)
    node.ping(address, 1, network.now)
    node.ping(Address("127.0.99.99", 1), 2, network.now)
    network.run(10)
    answered, silent = facts(network, OURS, PingEnded)
    assert answered.node == NodeInfo(network.nodes[address].table.own_id, address)
    assert (answered.number, answered.version, answered.seen_as) == (1, b"", OURS)
    assert answered.seconds == pytest.approx(0.02, abs=0.001)
    assert silent == PingEnded(2)


# --- strangers ----------------------------------------------------------------------------------


def small_network() -> tuple[Network, Address]:
    network = Network(8)
    addresses = network.add_many(20)
    return network, addresses[0]


def test_a_ping_is_answered_at_once_in_so_many_bytes_as_came() -> None:
    network, node = small_network()
    stranger = Stranger(network)
    (answer,) = stranger.ask(node, Message(b"aa", Ping(WHO)))
    assert answer.body == Answer(network.nodes[node].table.own_id)
    assert answer.transaction == b"aa"
    assert stranger.balance(node) >= 0


@pytest.mark.parametrize("query", [FindNode(WHO, TORRENT), GetPeers(WHO, TORRENT)])
def test_who_names_no_client_gets_at_once_what_fits(query: FindNode | GetPeers) -> None:
    network, node = small_network()
    stranger = Stranger(network)
    (answer,) = stranger.ask(node, Message(b"aa", query))
    assert isinstance(answer.body, Answer)
    assert bool(answer.body.token) == isinstance(query, GetPeers)
    assert stranger.balance(node) >= 0


def test_who_hears_us_gets_the_whole_answer() -> None:
    network, node = small_network()
    stranger = Stranger(network)
    stranger.answers_pings = True
    ping, answer = stranger.ask(node, Message(b"aa", FindNode(WHO, TORRENT), version=b"LT21"))
    assert isinstance(ping.body, Ping)
    assert isinstance(answer.body, Answer)
    assert answer.transaction == b"aa"
    assert answer.seen_as == STRANGER  # BEP 42
    assert len(answer.body.nodes or ()) == 8
    (again,) = stranger.ask(node, Message(b"ab", FindNode(WHO, TORRENT), version=b"LT21"))
    assert len(again.encode()) > 280


def test_who_asks_twice_before_we_know_that_it_hears_us_gets_two_answers() -> None:
    network, node = small_network()
    stranger = Stranger(network)
    stranger.answers_pings = True
    for transaction in (b"aa", b"bb"):
        stranger.send(node, Message(transaction, GetPeers(WHO, TORRENT), version=b"LT21"))
    network.run(1)
    answers = [one.transaction for one in stranger.got if isinstance(one.body, Answer)]
    assert answers == [b"aa", b"bb"]


def test_who_does_not_hear_us_is_not_sent_more_than_came() -> None:
    network, node = small_network()
    stranger = Stranger(network)
    for _ in range(30):
        stranger.ask(node, Message(b"aa", GetPeers(WHO, TORRENT), version=b"LT21"))
        assert stranger.balance(node) >= 0
    assert any(isinstance(one.body, Answer) for one in stranger.got)


def test_a_read_only_node_is_answered_and_not_asked() -> None:
    network, node = small_network()
    stranger = Stranger(network)
    query = Message(b"aa", FindNode(WHO, TORRENT), version=b"LT21", is_read_only=True)
    got = [message for _ in range(10) for message in stranger.ask(node, query)]
    assert len(got) == 10
    assert all(isinstance(one.body, Answer) for one in got)
    assert WHO not in [contact.info.node_id for contact in network.nodes[node].table]


def test_who_asks_and_answers_becomes_a_contact() -> None:
    network, node = small_network()
    close = NodeId(network.nodes[node].table.own_id.number ^ 1)
    asker = network.add(OURS, node_id=close)
    asker.ping(node, 1, network.now)
    asker.enter([node], (), network.now)
    network.run(3)
    assert close in [contact.info.node_id for contact in network.nodes[node].table]


queries = st.sampled_from(
    [
        Message(b"aa", Ping(WHO)),
        Message(b"bb", FindNode(WHO, TORRENT)),
        Message(b"cc", FindNode(WHO, TORRENT, ("n4", "n6")), version=b"LT21"),
        Message(b"dd", GetPeers(WHO, TORRENT)),
        Message(b"ee", GetPeers(WHO, TORRENT), version=b"LT21"),
        Message(b"ff", AnnouncePeer(WHO, TORRENT, 5, b"xxxx")),
        Message(b"g" * 32, FindNode(WHO, TORRENT), is_read_only=True),
    ]
)


@given(st.lists(queries | st.binary(max_size=200), max_size=25), st.sampled_from([0.0, 0.5, 6.0]))
def test_no_address_that_does_not_answer_is_sent_more_than_came(
    sent: list[Message | bytes], pause: float
) -> None:
    network = Network(9)
    node = network.add(OURS)
    for number in range(1, 12):
        node.table.note_answer(
            NodeInfo(NodeId(number), Address(f"127.0.0.{number}", 1)), network.now
        )
    for peer in range(40):
        node._store.add(TORRENT, Address(f"127.1.1.{peer}", 1), network.now)
    balance = 0
    for one in sent:
        packet = one if isinstance(one, bytes) else one.encode()
        balance += len(packet)
        network.hand_over(node, packet, STRANGER)
        network.now += pause
        node.tick(network.now)
        balance -= sum(len(out.packet) for out in node.take_outgoing() if out.address == STRANGER)
        assert balance >= 0


def test_a_malformed_query_is_refused_and_an_unknown_one_too() -> None:
    network, node = small_network()
    stranger = Stranger(network)
    said = {b"t": b"aa", b"y": b"q", b"q": b"find_node", b"a": {b"id": bytes(20)}}
    network.send(STRANGER, node, encode(said))
    network.run(1)
    network.send(STRANGER, node, encode({**said, b"q": b"vote"}))
    network.run(1)
    bodies = [message.body for message in stranger.got]
    assert [body.code for body in bodies if isinstance(body, Refusal)] == [
        RefusalCode.PROTOCOL,
        RefusalCode.UNKNOWN_METHOD,
    ]


def test_an_announcement_needs_the_token_that_its_address_got() -> None:
    network, node = small_network()
    stranger, other = Stranger(network), Stranger(network, Address("127.0.202.1", 7000))
    got = stranger.answer_to(Message(b"aa", GetPeers(WHO, TORRENT)), node).body
    assert isinstance(got, Answer)
    announcement = Message(b"bb", AnnouncePeer(WHO, TORRENT, 4444, got.token))
    assert isinstance(other.answer_to(announcement, node).body, Refusal)
    assert isinstance(stranger.answer_to(announcement, node).body, Answer)
    told = other.answer_to(Message(b"cc", GetPeers(WHO, TORRENT)), node).body
    assert isinstance(told, Answer)
    assert told.values == (Address(STRANGER.host, 4444),)


def test_an_answer_to_what_was_not_asked_is_passed_over() -> None:
    network, node = small_network()
    before = {contact.info for contact in network.nodes[node].table}
    stranger = Stranger(network)
    assert stranger.ask(node, Message(b"aaaa", Answer(WHO))) == []
    assert {contact.info for contact in network.nodes[node].table} == before


def test_an_answer_from_elsewhere_is_passed_over() -> None:
    network = Network(10)
    node = network.add(OURS)
    node.add_node(Address("127.0.0.9", 1), network.now)
    (ping,) = node.take_outgoing()
    packet = Message(ping.message.transaction, Answer(WHO)).encode()
    network.hand_over(node, packet, STRANGER)
    assert len(node.table) == 0
    network.hand_over(node, packet, Address("127.0.0.9", 1))
    assert len(node.table) == 1


def test_a_flood_of_one_address_is_cut_and_others_are_served() -> None:
    network, node = small_network()
    flooder, other = Stranger(network), Stranger(network, Address("127.0.202.1", 7000))
    for _ in range(2000):
        flooder.send(node, Message(b"aa", Ping(WHO)))
    (answer,) = other.ask(node, Message(b"bb", Ping(WHO)))
    assert isinstance(answer.body, Answer)
    assert len(flooder.got) < 100


# --- who we are -----------------------------------------------------------------------------------


def public(count: int) -> list[Address]:
    return [Address(f"{n + 11}.8.8.8", 6881) for n in range(count)]


def test_a_node_takes_an_id_that_fits_the_address_others_see() -> None:
    network = Network(11)
    addresses = public(12)
    for address in addresses:
        network.add(address).enter(addresses[:1], (), network.now)
    network.run(40)
    for address in addresses:
        assert is_fitting(network.nodes[address].table.own_id, address.host)
        assert facts(network, address, IdChanged)
        assert len(network.nodes[address].table) >= 5


def test_what_nodes_agree_on_is_told_once() -> None:
    network = Network(11)
    addresses = public(8)
    for address in addresses:
        network.add(address).enter(addresses[:1], (), network.now)
    network.run(40)
    for address in addresses:
        (agreed,) = facts(network, address, OwnAddressAgreed)
        assert agreed.host == address.host


def test_who_has_no_word_of_nodes_takes_that_of_others() -> None:
    network = Network(13)
    node = network.add(OURS)
    node.we_are_at("8.8.8.8", network.now)
    assert is_fitting(node.table.own_id, "8.8.8.8")
    node.we_are_at("9.9.9.9", network.now)  # not every moment another
    assert is_fitting(node.table.own_id, "8.8.8.8")


def test_what_nodes_agree_on_outweighs_the_word_of_others() -> None:
    network = Network(11)
    addresses = public(8)
    for address in addresses:
        network.add(address).enter(addresses[:1], (), network.now)
    network.run(40)
    node = network.nodes[addresses[3]]
    node.we_are_at("9.9.9.9", network.now + ID_SECONDS)
    assert is_fitting(node.table.own_id, addresses[3].host)


def test_a_read_only_node_answers_nothing_and_says_so() -> None:
    network, node = small_network()
    shy = network.add(OURS, options=NodeOptions(is_read_only=True))
    stranger = Stranger(network)
    assert stranger.ask(OURS, Message(b"aa", Ping(WHO))) == []
    shy.add_node(STRANGER, network.now)
    network.run(1)
    assert stranger.got[-1].is_read_only  # BEP 43
    shy.enter([node], (), network.now)
    network.nodes[node].find_peers(TORRENT, 5555, network.now)
    network.run(3)
    shy.find_peers(TORRENT, None, network.now)
    network.run(3)
    assert peers_found(network, OURS) == {Address(node.host, 5555)}
    own_ids = [one.info.node_id for other in network.nodes.values() for one in other.table]
    assert shy.table.own_id not in own_ids


def test_a_node_of_the_internet_cannot_send_us_into_private_networks() -> None:
    network = Network(12)
    teller, private = Address("9.8.8.8", 1), Address("192.168.0.9", 1)
    node = network.add(OURS)
    node.enter([teller], (), network.now)
    (query,) = node.take_outgoing()
    named = (NodeInfo(WHO, private), NodeInfo(TORRENT, Address("224.0.0.1", 1)))
    answer = Message(query.message.transaction, Answer(NodeId(1), nodes=named))
    network.hand_over(node, answer.encode(), teller)
    assert [one.address for one in node.take_outgoing()] == []


def test_nodes_of_the_other_dht_are_passed_on() -> None:
    network = Network(13)
    ipv4 = network.add(OURS)
    ipv6 = network.add(Address("2600::1", 1), options=NodeOptions(is_ipv6=True))
    ipv4.sibling, ipv6.sibling = ipv6, ipv4
    ipv4.enter([STRANGER], (), network.now)
    (query,) = ipv4.take_outgoing()
    assert isinstance(query.message.body, FindNode)
    assert query.message.body.want == ("n4", "n6")  # BEP 32
    there = Address("2600:1f18::7", 5)
    answer = Answer(WHO, nodes=(), nodes6=(NodeInfo(TORRENT, there),))
    network.hand_over(ipv4, Message(query.message.transaction, answer).encode(), STRANGER)
    assert [one.address for one in ipv6.take_outgoing()] == [there]


def test_a_ping_is_as_long_as_is_counted() -> None:
    assert len(Message(b"aaaa", Ping(WHO), version=VERSION).encode()) == PING_BYTES
