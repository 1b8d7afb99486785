from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.rules.dht_ids import is_fitting, make_node_id
from actortorrent.rules.networks import is_local
from actortorrent.wire.dht_nodes import NodeId

# The test vectors of BEP 42.
VECTORS = [
    ("124.31.75.21", "5fbfbff10c5d6a4ec8a88e4c6ab4c28b95eee401"),
    ("21.75.31.124", "5a3ce9c14e7a08645677bbd1cfe7d8f956d53256"),
    ("65.23.51.170", "a5d43220bc8f112a3d426c84764f8c2a1150e616"),
    ("84.124.73.14", "1b0321dd1bb1fe518101ceef99462b947a01ff41"),
    ("43.213.53.83", "e56f6cbf5b7c4be0237986d5243b87aa6d51305a"),
]
HOSTS = ["8.8.8.8", "124.31.75.21", "2600:1f18::7", "2a00:1450:4001::1"]


@pytest.mark.parametrize(("host", "node_id"), VECTORS)
def test_the_ids_of_bep_42_fit_their_addresses(host: str, node_id: str) -> None:
    assert is_fitting(NodeId(int(node_id, 16)), host)


@given(st.sampled_from(HOSTS), st.integers(0, 2**64))
def test_an_id_made_for_an_address_fits_it(host: str, seed: int) -> None:
    assert is_fitting(make_node_id(host, random.Random(seed)), host)


@given(st.sampled_from(HOSTS), st.integers(0, 2**64), st.integers(139, 159))
def test_no_other_first_bits_fit(host: str, seed: int, bit: int) -> None:
    made = make_node_id(host, random.Random(seed))
    assert not is_fitting(NodeId(made.number ^ (1 << bit)), host)


def test_an_address_has_eight_kinds_of_ids() -> None:
    rng = random.Random(1)
    assert len({make_node_id("8.8.8.8", rng).number >> 139 for _ in range(200)}) == 8


@pytest.mark.parametrize(
    "host", ["10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.1.1", "127.0.0.1", "::1", "fe80::1"]
)
def test_private_networks_are_exempt(host: str) -> None:
    assert is_local(host)
    assert is_fitting(NodeId(0), host)
