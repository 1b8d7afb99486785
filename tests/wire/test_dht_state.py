from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.errors import StorageError
from actortorrent.wire.addresses import Address
from actortorrent.wire.bencoding import encode
from actortorrent.wire.dht_nodes import NodeId, NodeInfo
from actortorrent.wire.dht_state import (
    MAX_SAVED_NODES,
    MAX_STATE_BYTES,
    DhtState,
    SavedNode,
    decode_state,
    encode_state,
)
from tests.wire import krpc_values

states = st.builds(
    DhtState,
    st.builds(SavedNode, st.none() | krpc_values.ids, krpc_values.nodes),
    st.builds(SavedNode, st.none() | krpc_values.ids, krpc_values.nodes6),
)


@given(states)
def test_a_state_survives_its_file(state: DhtState) -> None:
    assert decode_state(encode_state(state)) == state


@given(st.binary(max_size=200))
def test_any_bytes_are_a_state_or_an_error(raw: bytes) -> None:
    with pytest.raises(StorageError):
        decode_state(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"i1e",
        encode({"version": 2}),
        encode({"version": 1, "x": b"x" * MAX_STATE_BYTES}),
        encode({"version": 1, "nodes": b""})[:-1],
    ],
)
def test_what_is_not_ours_is_not_believed(raw: bytes) -> None:
    with pytest.raises(StorageError):
        decode_state(raw)


def test_wrong_fields_are_passed_over() -> None:
    raw = encode({"version": 1, "id": b"short", "id6": 7, "nodes": [b"x"], "nodes6": b"ragged"})
    assert decode_state(raw) == DhtState()


def test_the_largest_state_fits_its_limit() -> None:
    node = NodeInfo(NodeId(1), Address("192.0.2.7", 1))
    node6 = NodeInfo(NodeId(1), Address("2001:db8::7", 1))
    state = DhtState(SavedNode(NodeId(2), (node,) * 900), SavedNode(NodeId(2), (node6,) * 900))
    raw = encode_state(state)
    assert len(raw) < MAX_STATE_BYTES
    assert len(decode_state(raw).ipv6.nodes) == MAX_SAVED_NODES
