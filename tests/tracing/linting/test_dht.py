"""The rules of the DHT, on scripts and on traces of real nodes."""

from __future__ import annotations

import random

import pytest

from actortorrent.tracing.capture import capture_trace
from actortorrent.tracing.events import Event
from actortorrent.tracing.linting import lint
from actortorrent.wire.dht_nodes import NodeId
from actortorrent.wire.krpc import FindNode, GetPeers, Message
from tests.actors.dht_stage import Finder, Node, RawNode, running
from tests.tracing.traces import HEADER, event

DHT_RULES = {"unasked-answer", "amplified"}
WHO = NodeId(7)


def said(*messages: tuple[str, str, int]) -> list[Event]:
    """Return a talk with one node: (`sent` or `received`, type, bytes), all of one transaction."""
    return [
        event(
            f"dht:message_{way}",
            "Dht",
            n,
            ms=n,
            node="192.0.2.7:1",
            txn="aa",
            type=kind,
            bytes=size,
        )
        for n, (way, kind, size) in enumerate(messages, 1)
    ]


def broken(events: list[Event]) -> set[str]:
    return {finding.rule for finding in lint(HEADER, events)} & DHT_RULES


@pytest.mark.parametrize(
    "events",
    [
        said(("received", "get_peers", 95), ("sent", "answer", 95)),
        said(("received", "malformed", 60), ("sent", "refusal", 50)),
        said(("sent", "ping", 60), ("received", "answer", 50)),
        said(  # who answers us hears us
            ("received", "get_peers", 95),
            ("sent", "ping", 67),
            ("received", "answer", 60),
            ("sent", "answer", 300),
        ),
        said(("received", "announce_peer", 60), ("sent", "answer", 90)),  # by its token
    ],
)
def test_a_talk_as_it_should_be_breaks_no_rule(events: list[Event]) -> None:
    assert broken(events) == set()


@pytest.mark.parametrize(
    ("rule", "events"),
    [
        ("unasked-answer", said(("sent", "answer", 50))),
        ("unasked-answer", said(("received", "refusal", 50))),
        ("amplified", said(("received", "find_node", 92), ("sent", "answer", 93))),
        ("amplified", said(("received", "malformed", 40), ("sent", "refusal", 50))),
    ],
)
def test_what_is_wrong_is_found(rule: str, events: list[Event]) -> None:
    assert broken(events) == {rule}


def test_where_events_are_missing_nobody_is_blamed() -> None:
    assert broken([event("trace:gap", "trace", 1, lost=3), *said(("sent", "answer", 50))]) == set()


def test_events_that_somebody_made_up_do_no_harm() -> None:
    strange = event("dht:message_sent", "Dht", 1, node=[1], txn={}, type=None, bytes="x")
    assert broken([strange, event("dht:message_received", "Dht", 2)]) == set()


def test_our_own_nodes_break_no_rule_whatever_strangers_send() -> None:
    rng = random.Random(1)
    queries = (
        Message(b"aa", GetPeers(WHO, WHO), version=b"LT21").encode(),
        Message(b"bb", FindNode(WHO, WHO)).encode(),
        b"d1:ad2:id3:abce1:q4:ping1:t2:cc1:y1:qe",
    )
    with capture_trace() as trace:
        nodes = [Node(seed=1)]
        for number in range(2, 12):
            nodes.append(Node(f"127.0.5.{number}", [nodes[0].address], seed=number))
            nodes[-1].wait_until_joined()
        with running(*nodes), RawNode("127.0.5.66") as stranger:
            for _ in range(50):
                stranger.send(nodes[0].address, rng.choice(queries))
            Finder(nodes[3], WHO.packed, port=5555).wait_until_ended()
            Finder(nodes[4], WHO.packed).wait_until_ended()
    kinds = {one.data["type"] for one in trace.named("dht:message_received")}
    assert kinds >= {"malformed", "get_peers", "answer", "announce_peer"}
    assert broken(sorted(trace.events, key=lambda one: one.time_ns)) == set()
