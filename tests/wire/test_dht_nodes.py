from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.wire.addresses import Address
from actortorrent.wire.dht_nodes import (
    MAX_NODES,
    NodeId,
    NodeInfo,
    pack_nodes,
    unpack_address,
    unpack_nodes,
)
from tests.wire import krpc_values

NODE = NodeInfo(NodeId.from_bytes(b"mnopqrstuvwxyz123456"), Address("192.0.2.7", 6881))


@given(krpc_values.ids)
def test_an_id_survives_its_bytes(node_id: NodeId) -> None:
    assert NodeId.from_bytes(node_id.packed) == node_id
    assert bytes.fromhex(str(node_id)) == node_id.packed


@given(krpc_values.ids, krpc_values.ids, krpc_values.ids)
def test_distance_is_a_metric(one: NodeId, two: NodeId, three: NodeId) -> None:
    assert one.distance_to(one) == 0
    assert one.distance_to(two) == two.distance_to(one)
    assert one.distance_to(three) <= one.distance_to(two) + two.distance_to(three)


def test_ids_share_their_leading_bits() -> None:
    assert NodeId(0).shared_bits(NodeId(0)) == 160
    assert NodeId(0).shared_bits(NodeId(1)) == 159
    assert NodeId(0).shared_bits(NodeId(1 << 159)) == 0


@pytest.mark.parametrize("length", [0, 19, 21])
def test_an_id_has_20_bytes(length: int) -> None:
    with pytest.raises(ValueError, match="20 bytes"):
        NodeId.from_bytes(bytes(length))


def test_a_node_is_its_id_and_its_address() -> None:
    packed = b"mnopqrstuvwxyz123456" + bytes([192, 0, 2, 7, 0x1A, 0xE1])
    assert pack_nodes([NODE]) == packed
    assert unpack_nodes(packed, is_ipv6=False) == (NODE,)


@given(krpc_values.nodes)
def test_ipv4_nodes_survive(nodes: tuple[NodeInfo, ...]) -> None:
    assert unpack_nodes(pack_nodes(nodes), is_ipv6=False) == nodes


@given(krpc_values.nodes6)
def test_ipv6_nodes_survive(nodes: tuple[NodeInfo, ...]) -> None:
    assert unpack_nodes(pack_nodes(nodes), is_ipv6=True) == nodes


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_some_nodes(packed: bytes, is_ipv6: bool) -> None:
    nodes = unpack_nodes(packed, is_ipv6=is_ipv6)
    assert len(nodes) <= len(packed) // (38 if is_ipv6 else 26)
    assert all(node.address.port for node in nodes)


def test_a_ragged_end_and_a_port_of_0_are_left_out() -> None:
    packed = pack_nodes([NODE])
    assert unpack_nodes(packed[:-2] + bytes(2) + packed + b"xyz", is_ipv6=False) == (NODE,)


def test_of_a_flood_of_nodes_the_first_are_read() -> None:
    assert len(unpack_nodes(pack_nodes([NODE]) * 70, is_ipv6=False)) == MAX_NODES


@pytest.mark.parametrize("packed", [b"", b"\1", bytes(6), bytes(7) + b"\1", b"\1" * 17])
def test_what_is_no_address_is_none(packed: bytes) -> None:
    assert unpack_address(packed) is None
