from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.errors import KrpcError
from actortorrent.wire.addresses import Address
from actortorrent.wire.bencoding import encode
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
from actortorrent.wire.krpc_reading import MAX_DATAGRAM_BYTES, MAX_VALUES, read_message
from tests.wire import krpc_values

ASKER = NodeId.from_bytes(b"abcdefghij0123456789")
OTHER = NodeId.from_bytes(b"mnopqrstuvwxyz123456")
# The example packets of BEP 5.
EXAMPLES = [
    (b"d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe", Ping(ASKER)),
    (b"d1:rd2:id20:mnopqrstuvwxyz123456e1:t2:aa1:y1:re", Answer(OTHER)),
    (
        (
            b"d1:ad2:id20:abcdefghij01234567896:target20:mnopqrstuvwxyz123456e"
            b"1:q9:find_node1:t2:aa1:y1:qe"
        ),
        FindNode(ASKER, OTHER),
    ),
    (
        (
            b"d1:ad2:id20:abcdefghij01234567899:info_hash20:mnopqrstuvwxyz123456e"
            b"1:q9:get_peers1:t2:aa1:y1:qe"
        ),
        GetPeers(ASKER, OTHER),
    ),
    (
        (
            b"d1:rd2:id20:abcdefghij01234567895:token8:aoeusnth"
            b"6:valuesl6:axje.u6:idhtnmee1:t2:aa1:y1:re"
        ),
        Answer(
            ASKER,
            values=(Address("97.120.106.101", 11893), Address("105.100.104.116", 28269)),
            token=b"aoeusnth",
        ),
    ),
    (
        (
            b"d1:ad2:id20:abcdefghij012345678912:implied_porti1e9:info_hash20:mnopqrstuvwxyz123456"
            b"4:porti6881e5:token8:aoeusnthe1:q13:announce_peer1:t2:aa1:y1:qe"
        ),
        AnnouncePeer(ASKER, OTHER, 6881, b"aoeusnth", is_port_implied=True),
    ),
    (
        b"d1:eli201e23:A Generic Error Ocurrede1:t2:aa1:y1:ee",
        Refusal(201, "A Generic Error Ocurred"),
    ),
]


@pytest.mark.parametrize(("packet", "body"), EXAMPLES)
def test_the_examples_of_bep_5_are_read_and_written(packet: bytes, body: Answer) -> None:
    assert read_message(packet) == Message(b"aa", body)
    assert Message(b"aa", body).encode() == packet


@given(krpc_values.messages)
def test_a_message_survives_its_datagram(message: Message) -> None:
    assert read_message(message.encode()) == message


def transaction_of(packet: bytes) -> bytes:
    """Return by which transaction a datagram can be answered, as it is or as an error."""
    try:
        return read_message(packet).transaction
    except KrpcError as error:
        return error.transaction


def anything() -> st.SearchStrategy[Any]:
    keys = st.sampled_from(
        [b"t", b"y", b"q", b"a", b"r", b"e", b"id", b"nodes", b"values", b"want"]
    )
    leaves = st.integers(-(10**6), 10**6) | st.binary(max_size=26) | st.sampled_from([b"q", b"r"])
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=6),
        max_leaves=12,
    )


@given(st.binary(max_size=300))
def test_any_datagram_is_a_message_or_an_error(packet: bytes) -> None:
    assert transaction_of(packet) == b""


@given(
    st.sampled_from([b"q", b"r", b"e", b"x"]),
    st.sampled_from([b"ping", b"find_node", b"get_peers", b"announce_peer", b"vote"]),
    st.dictionaries(st.sampled_from([b"a", b"r", b"e", b"v", b"ro", b"ip"]), anything()),
)
def test_any_dictionary_is_a_message_or_an_error(
    kind: bytes, method: bytes, rest: dict[bytes, Any]
) -> None:
    packet = encode({**rest, b"t": b"aa", b"y": kind, b"q": method})
    assert transaction_of(packet) == b"aa" or kind != b"q"


def query(method: bytes, **arguments: Any) -> bytes:
    said = {name.encode(): value for name, value in arguments.items()}
    return encode({b"t": b"aa", b"y": b"q", b"q": method, b"a": {b"id": ASKER.packed, **said}})


@pytest.mark.parametrize(
    ("packet", "error"),
    [
        (query(b"ping", id=b"short"), "'id' of the arguments to be 20 bytes, found 5"),
        (query(b"find_node"), "'target' of the arguments to be a string, found nothing"),
        (query(b"get_peers", info_hash=7), "'info_hash' .* a string, found an integer"),
        (query(b"announce_peer", info_hash=bytes(20), token=b"x", port=0), "'port' .* from 1 to"),
        (query(b"announce_peer", info_hash=bytes(20), token=b"x" * 65, port=1), "64 bytes at most"),
        (query(b"announce_peer", info_hash=bytes(20), port=1), "'token' .* found nothing"),
        (encode({b"t": b"aa", b"y": b"q", b"q": b"ping"}), "'a' .* a dictionary, found nothing"),
    ],
)
def test_a_query_with_wrong_arguments_can_be_refused(packet: bytes, error: str) -> None:
    with pytest.raises(KrpcError, match=error) as raised:
        read_message(packet)
    assert raised.value.transaction == b"aa"


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"x" * 100,
        b"i1e",
        b"d1:y1:qe",
        encode({b"t": b"", b"y": b"q"}),
        encode({b"t": b"x" * 33, b"y": b"q", b"q": b"ping", b"a": {b"id": bytes(20)}}),
        encode({b"t": b"aa", b"y": b"z"}),
        encode({b"t": b"aa", b"y": b"r", b"r": {}}),
        encode({b"t": b"aa", b"y": b"q", b"x": b"x" * MAX_DATAGRAM_BYTES}),
        b"d1:t2:aa1:y1:q1:x" + b"l" * 300 + b"e" * 300 + b"e",
    ],
)
def test_what_is_no_message_gets_no_word_in_reply(packet: bytes) -> None:
    with pytest.raises(KrpcError) as raised:
        read_message(packet)
    assert not raised.value.transaction


def test_a_query_of_a_later_protocol_is_known_as_one() -> None:
    assert read_message(query(b"vote")).body == UnknownQuery(ASKER, "vote")


def test_an_implied_port_needs_no_port() -> None:
    packet = query(b"announce_peer", info_hash=bytes(20), token=b"x", implied_port=1)
    assert read_message(packet).body == AnnouncePeer(
        ASKER, NodeId(0), 0, b"x", is_port_implied=True
    )


def test_a_read_only_node_and_an_address_told_are_seen() -> None:
    me = Address("192.0.2.1", 4000)
    packet = Message(b"aa", Ping(ASKER), b"LT01", is_read_only=True, seen_as=me).encode()
    message = read_message(packet)
    assert b"2:roi1e" in packet  # BEP 43
    assert (message.is_read_only, message.seen_as, message.version) == (True, me, b"LT01")


def test_of_a_flood_of_values_the_first_are_read() -> None:
    values = [b"\1\2\3\4\5\6"] * 230
    packet = encode({b"t": b"aa", b"y": b"r", b"r": {b"id": ASKER.packed, b"values": values}})
    body = read_message(packet).body
    assert isinstance(body, Answer)
    assert len(body.values) == MAX_VALUES


def test_values_of_both_kinds_are_read_and_others_passed_over() -> None:
    values: list[Any] = [b"\1\2\3\4\0\5", b"odd", 7, bytes(15) + b"\1\0\6", [b"x"]]
    packet = encode({b"t": b"aa", b"y": b"r", b"r": {b"id": ASKER.packed, b"values": values}})
    assert read_message(packet).body == Answer(
        ASKER, values=(Address("1.2.3.4", 5), Address("::1", 6))
    )


def test_a_token_too_long_to_send_back_counts_as_none() -> None:
    packet = encode({b"t": b"aa", b"y": b"r", b"r": {b"id": ASKER.packed, b"token": b"x" * 65}})
    assert read_message(packet).body == Answer(ASKER)


def test_a_message_reads_as_english() -> None:
    node = NodeInfo(OTHER, Address("192.0.2.7", 1))
    assert str(Message(b"aa", Answer(ASKER, nodes=(node,)))) == "answer: 1 nodes, 0 peers"
    assert str(Message(b"aa", GetPeers(ASKER, OTHER))) == f"get_peers {OTHER}"
    assert str(node) == f"{OTHER} at 192.0.2.7:1"
