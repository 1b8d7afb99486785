from __future__ import annotations

import queue
import random
import threading
import time
from pathlib import Path

import pytest

from actortorrent.actors import dht as dht_module
from actortorrent.actors import dht_endpoint
from actortorrent.actors.base import Runtime, proxy_of, stop_all
from actortorrent.actors.dht import Dht, DhtProxy
from actortorrent.actors.dht_names import NameLookups
from actortorrent.actors.dht_options import DhtOptions
from actortorrent.errors import TrackerError
from actortorrent.rules.dht_facts import PingEnded
from actortorrent.tracing.capture import capture_trace
from actortorrent.wire.addresses import Address
from actortorrent.wire.dht_nodes import NodeId, NodeInfo
from actortorrent.wire.krpc import Answer, FindNode, GetPeers, Message, Ping
from tests.actors.dht_stage import IMPATIENT, SECONDS, Finder, Node, RawNode, running
from tests.tracing.traces import broken_laws

TORRENT = b"torrent of the tests"
WHO = NodeId.from_bytes(b"w" * 20)
DEAD = Address("127.0.5.99", 9)


def pinged(node: Node, address: Address) -> PingEnded:
    """Return what comes of pinging an address."""
    told: queue.SimpleQueue[PingEnded] = queue.SimpleQueue()
    node.proxy.ping_node.defer(address.host, address.port, told.put)
    return told.get(timeout=SECONDS)


def joined(host: str, entrance: Node, seed: int) -> Node:
    node = Node(host, [entrance.address], seed=seed)
    node.wait_until_joined()
    return node


def test_a_node_answers_a_ping_and_says_how_it_sees_us() -> None:
    one, two, hasty = Node(seed=1), Node(seed=2), Node(seed=3, patience=IMPATIENT)
    with running(one, two, hasty):
        ended = pinged(one, two.address)
        assert ended.node == NodeInfo(two.status.node_id, two.address)
        assert ended.seen_as == one.address
        assert 0 < ended.seconds < SECONDS
        assert pinged(hasty, DEAD).node is None
        assert pinged(hasty, Address("::1", 9)).node is None  # bound to an IPv4 address


def test_what_one_announces_another_finds_once_and_later_more() -> None:
    first = Node(seed=1)
    others = [joined(f"127.0.5.{number}", first, number) for number in range(2, 6)]
    with running(first, *others):
        assert Finder(others[0], TORRENT, port=5555).wait_until_ended().announced == 4
        finder = Finder(others[1], TORRENT, port=6666)
        finder.wait_until_ended()
        assert finder.peers() == {Address("127.0.5.2", 5555)}
        both = Finder(others[2], TORRENT)
        both.wait_until_ended()
        assert both.peers() == {Address("127.0.5.2", 5555), Address("127.0.5.3", 6666)}
        assert first.status.stored_peers == 2
        others[1].proxy.stop_finding.defer(TORRENT)
        assert others[1].status.searches == 0


def test_a_node_that_is_named_later_is_as_good() -> None:
    first = Node(seed=1)
    second = joined("127.0.5.2", first, 2)
    late = Node("127.0.5.3", seed=3)
    with running(first, second, late):
        Finder(second, TORRENT, port=5555).wait_until_ended()
        finder = Finder(late, TORRENT)
        assert finder.wait_until_ended().asked == 0  # nobody is known yet
        late.proxy.add_node.defer(first.address.host, first.address.port)
        finder.wait_until_ended()
        assert finder.peers() == {Address("127.0.5.2", 5555)}


@pytest.mark.parametrize(
    ("host", "port"), [("127.0.0.1", 0), ("127.0.0.1", 70_000), ("::1", 5), ("224.0.0.1", 5)]
)
def test_what_is_no_node_of_ours_is_passed_over(host: str, port: int) -> None:
    node = Node(seed=1)
    with running(node):
        node.proxy.add_node.defer(host, port)
        assert node.status.nodes == 0


def test_names_are_looked_up_on_another_thread() -> None:
    first = Node(seed=1)
    threads: list[threading.Thread] = []

    def find(host: str, port: int) -> tuple[Address, ...]:
        threads.append(threading.current_thread())
        if host == "router.example":
            return (Address("127.0.0.1", port),)
        raise TrackerError("no such host")

    names = [Address("nobody.example", 1), Address("router.example", first.address.port)]
    other = Node("127.0.5.2", names[:1], routers=names[1:], find_addresses=find, seed=2)
    with running(first, other):
        while not other.wait_until_joined().nodes:
            pass
        assert {thread.name for thread in threads} == {"NodeNameLookup"}
        other.proxy.add_node.defer("nobody.example", 7)
        assert other.status.nodes == 1


def test_where_nobody_answers_every_door_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dht_module, "RETRY_SECONDS", 0.05)
    with RawNode() as silent:
        node = Node("127.0.5.2", [silent.address], patience=IMPATIENT)
        with running(node):
            for _ in range(2):
                query, sender = silent.receive()
                assert isinstance(query.body, FindNode)
            silent.send(sender, Message(query.transaction, Answer(WHO, nodes=())).encode())
            while not node.wait_until_joined().nodes:
                pass


def test_the_next_run_has_the_same_id_and_knows_the_same_nodes(tmp_path: Path) -> None:
    first = Node(seed=1)
    with running(first):
        second = Node("127.0.5.2", [first.address], folder=tmp_path, seed=2)
        with running(second):
            second.wait_until_joined()
            node_id = second.status.node_id
        again = Node("127.0.5.2", folder=tmp_path, seed=3)
        with running(again):
            assert again.wait_until_joined().nodes == 1
            assert again.status.node_id == node_id
            beside = Node("127.0.5.3", folder=tmp_path, seed=4)
            with running(beside):
                assert beside.status.node_id != node_id


def test_a_file_full_of_rubbish_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "dht.nodes").write_bytes(random.Random(1).randbytes(5000))
    node = Node(folder=tmp_path)
    with running(node):
        assert node.status.nodes == 0


def test_a_read_only_node_answers_nobody_and_finds_peers() -> None:
    first = Node(seed=1, patience=IMPATIENT)
    second = joined("127.0.5.2", first, 2)
    shy = Node("127.0.5.3", [first.address], is_read_only=True, seed=3)
    with running(first, second, shy):
        Finder(second, TORRENT, port=5555).wait_until_ended()
        finder = Finder(shy, TORRENT)
        finder.wait_until_ended()
        assert finder.peers() == {Address("127.0.5.2", 5555)}
        assert pinged(first, shy.address).node is None


def test_malformed_and_flooding_nodes_do_no_harm() -> None:
    first = Node(seed=1)
    others = [joined(f"127.0.5.{number}", first, number) for number in range(2, 5)]
    rng = random.Random(1)
    good = Message(b"aa", GetPeers(WHO, WHO)).encode()
    with running(first, *others), RawNode("127.0.5.66") as flooder:
        for number in range(6_000):
            kind = number % 3
            packet = good if kind == 0 else rng.randbytes(rng.randrange(300))
            if kind == 2:
                where = rng.randrange(len(good))
                packet = good[:where] + rng.randbytes(3) + good[where + 3 :]
            flooder.send(first.address, packet)
        assert Finder(others[0], TORRENT, port=5555).wait_until_ended().announced >= 2
        finder = Finder(others[1], TORRENT)
        finder.wait_until_ended()
        assert finder.peers() == {Address("127.0.5.2", 5555)}
        while pinged(others[2], first.address).node is None:
            pass  # the system drops what comes while the flood fills the socket
        assert flooder.received_bytes() < 100 * len(good)  # of two thousand queries
        assert first.status.nodes == 3


def test_in_a_flood_the_socket_rests_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dht_endpoint, "READ_BURST", 10.0)
    monkeypatch.setattr(dht_endpoint, "READ_RATE", 50.0)
    node = Node(seed=1)
    with running(node), RawNode() as asker:
        began = time.monotonic()
        for _ in range(20):
            asker.send(node.address, Message(b"aa", Ping(WHO)).encode())
        for _ in range(20):
            asker.receive()
        assert time.monotonic() - began >= dht_endpoint.REST_SECONDS


def test_nobody_is_sent_more_than_came_unless_it_answers() -> None:
    first = Node(seed=1)
    others = [joined(f"127.0.5.{number}", first, number) for number in range(2, 12)]
    queries = (
        Message(b"aa", Ping(WHO)),
        Message(b"bb", FindNode(WHO, WHO)),
        Message(b"cc", GetPeers(WHO, WHO), version=b"LT21"),
        Message(b"dd", FindNode(WHO, WHO), version=b"LT21"),
    )
    with running(first, *others), RawNode("127.0.5.66") as stranger:
        sent = 0
        for number in range(40):
            sent += stranger.send(first.address, queries[number % 4].encode())
        assert pinged(others[0], first.address).node  # by then it has read them all
        got = stranger.received_bytes()
        assert 0 < got <= sent


def test_who_answers_our_ping_gets_a_long_answer() -> None:
    first = Node(seed=1)
    others = [joined(f"127.0.5.{number}", first, number) for number in range(2, 12)]
    with running(first, *others), RawNode("127.0.5.66") as stranger:
        query = Message(b"aa", FindNode(WHO, WHO), version=b"LT21")
        stranger.send(first.address, query.encode())
        ping, sender = stranger.receive()
        assert isinstance(ping.body, Ping)
        stranger.send(sender, Message(ping.transaction, Answer(WHO)).encode())
        answer, _ = stranger.receive()
        assert isinstance(answer.body, Answer)
        assert len(answer.body.nodes or ()) >= 8


def test_a_trace_says_who_was_asked_why_and_what_came() -> None:
    with capture_trace() as trace:
        first = Node(seed=1)
        second = joined("127.0.5.2", first, 2)
        with running(first, second):
            Finder(second, TORRENT, port=5555).wait_until_ended()
            assert pinged(second, first.address).node  # by then its announcement is answered
    asked = [one.data for one in trace.named("actor:decision") if one.data["what"] == "ask_node"]
    lookup = next(one for one in asked if one["query"] == "get_peers")
    assert lookup["chosen"] == str(first.address)
    assert lookup["target"] == TORRENT.hex()
    assert 0 < lookup["distance_bits"] <= 160
    assert {one["purpose"] for one in asked} >= {"lookup", "announce", "probe"}
    sent = {(one.data["txn"], one.data["type"]): one for one in trace.named("dht:message_sent")}
    came = {(one.data["txn"], one.data["type"]): one for one in trace.named("dht:message_received")}
    assert set(came) <= set(sent)
    query = next(one for (_, kind), one in sent.items() if kind == "announce_peer")
    assert query.data["port"] == 5555
    answer = came[query.data["txn"], "answer"]
    assert (answer.data["node"], answer.data["bytes"] > 40) == (str(first.address), True)
    assert trace.named("dht:search_ended")[0].data["announced"] == 1
    assert broken_laws(list(trace.events)) == []
    caused = {one.cause for one in trace.named("dht:message_sent") if one.data["type"] == "answer"}
    assert caused <= {one.id for one in came.values()}


def test_there_are_two_dhts_where_there_is_ipv6() -> None:
    ref = Dht.start(Runtime(), DhtOptions(routers=()), NameLookups(Runtime()))
    proxy = proxy_of(ref, DhtProxy)
    one = Node("::1", seed=1)
    two = Node("::1", [one.address], seed=2)
    with running(one, two):
        assert [status.kind for status in proxy.status().get(timeout=SECONDS)] == ["IPv4", "IPv6"]
        assert two.wait_until_joined().nodes == 1
        Finder(one, TORRENT, port=5555).wait_until_ended()
        finder = Finder(two, TORRENT)
        finder.wait_until_ended()
        assert finder.peers() == {Address("::1", 5555)}
    assert stop_all([proxy], SECONDS) == []


def test_a_port_that_is_taken_gives_way_to_another() -> None:
    with RawNode() as taken:
        options = DhtOptions(port=taken.address.port, bind="127.0.0.1", routers=())
        proxy = proxy_of(Dht.start(Runtime(), options, NameLookups(Runtime())), DhtProxy)
        (status,) = proxy.status().get(timeout=SECONDS)
        assert status.port not in (0, taken.address.port)
        assert stop_all([proxy], SECONDS) == []
