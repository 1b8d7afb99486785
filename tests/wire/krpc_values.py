"""Random values of the DHT's messages, for property tests."""

from __future__ import annotations

import ipaddress

from hypothesis import strategies as st

from actortorrent.wire.addresses import Address
from actortorrent.wire.dht_nodes import NodeId, NodeInfo
from actortorrent.wire.krpc import AnnouncePeer, Answer, FindNode, GetPeers, Message, Ping, Refusal

ids = st.integers(0, 2**160 - 1).map(NodeId)
ports = st.integers(1, 65_535)
ipv4 = st.builds(Address, st.ip_addresses(v=4).map(str), ports)
ipv6 = st.builds(
    Address, st.integers(0, 2**128 - 1).map(lambda n: str(ipaddress.IPv6Address(n))), ports
)
nodes = st.lists(st.builds(NodeInfo, ids, ipv4), max_size=16).map(tuple)
nodes6 = st.lists(st.builds(NodeInfo, ids, ipv6), max_size=16).map(tuple)
tokens = st.binary(min_size=1, max_size=20)
wants = st.sampled_from([(), ("n4",), ("n6",), ("n4", "n6")])
queries = st.one_of(
    st.builds(Ping, ids),
    st.builds(FindNode, ids, ids, wants),
    st.builds(GetPeers, ids, ids, wants),
    st.builds(AnnouncePeer, ids, ids, ports, tokens, st.booleans()),
)
answers = st.builds(
    Answer,
    ids,
    st.none() | nodes,
    st.none() | nodes6,
    st.lists(ipv4 | ipv6, max_size=20).map(tuple),
    st.just(b"") | tokens,
)
refusals = st.builds(Refusal, st.integers(0, 999), st.text(max_size=20))
messages = st.builds(
    Message,
    st.binary(min_size=1, max_size=8),
    st.one_of(queries, answers, refusals),
    st.binary(max_size=4),
    st.booleans(),
    st.none() | ipv4 | ipv6,
)
