"""What a trace says of the DHT's messages, and how that reads."""

from __future__ import annotations

import pytest

from actortorrent.tracing.dht_events import message_data
from actortorrent.tracing.wire_wording import wire_arrow, wire_text
from actortorrent.wire.addresses import Address
from actortorrent.wire.dht_nodes import NodeId, NodeInfo
from actortorrent.wire.krpc import (
    AnnouncePeer,
    Answer,
    FindNode,
    GetPeers,
    Message,
    Ping,
    Refusal,
    UnknownQuery,
)
from tests.tracing.traces import event

THERE = Address("192.0.2.7", 6881)
WHO, TORRENT = NodeId(1), NodeId.from_bytes(b"t" * 20)
HEX = "74" * 20
KNOWN = NodeInfo(TORRENT, THERE)

MESSAGES = [
    (Ping(WHO), "ping"),
    (FindNode(WHO, TORRENT), f"find_node {HEX}"),
    (GetPeers(WHO, TORRENT), f"get_peers {HEX}"),
    (AnnouncePeer(WHO, TORRENT, 5555, b"token"), f"announce_peer {HEX}, port 5555, a token"),
    (Answer(WHO, nodes=(KNOWN,), nodes6=(), values=(THERE, THERE)), "answer: 1 node, 2 peers"),
    (Answer(WHO, token=b"1234"), "answer: 0 nodes, 0 peers, a token"),
    (Refusal(203, "bad token"), "refusal 203: bad token"),
    (UnknownQuery(WHO, "vote"), "unknown"),
]


@pytest.mark.parametrize(("body", "words"), MESSAGES)
def test_a_message_reads_as_what_it_says_and_where_it_goes(body: Answer, words: str) -> None:
    data = message_data(THERE, Message(b"\1\2", body), 90)
    sent = event("dht:message_sent", "Dht", 1, **data)
    came = event("dht:message_received", "Dht", 2, **data)
    assert (wire_arrow(sent), wire_arrow(came)) == ("sent", "received")
    assert wire_text(sent) == f"{words}, to node 192.0.2.7:6881 (txn 0102)"
    assert wire_text(came) == f"{words}, from node 192.0.2.7:6881 (txn 0102)"
    assert data["bytes"] == 90
    assert ("node_id" in data) == (not isinstance(body, Refusal))


def test_of_a_read_only_node_it_is_told_that_it_answers_nobody() -> None:
    data = message_data(THERE, Message(b"\1\2", Ping(WHO), is_read_only=True), 90)
    came = event("dht:message_received", "Dht", 1, **data)
    assert wire_text(came).startswith("ping, of one who answers nobody, from node ")


def test_what_is_no_event_of_ours_reads_somehow() -> None:
    assert wire_text(event("dht:message_sent", "Dht", 1, type="get_peers", txn=[1])) == (
        "get_peers, to node none (txn [1])"
    )
    assert "{x}" in wire_text(event("dht:message_sent", "Dht", 1, type="{x}"))


def test_neither_tokens_nor_other_bytes_stand_in_a_trace() -> None:
    for body in (AnnouncePeer(WHO, TORRENT, 5555, b"SECRET"), Answer(WHO, token=b"SECRET")):
        assert "SECRET" not in str(message_data(THERE, Message(b"aa", body, b"AT01"), 90))
