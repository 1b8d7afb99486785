from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from actortorrent.rules import dht_peers
from actortorrent.rules.dht_peers import (
    EXPIRY_SECONDS,
    MAX_OF_ONE_HOST,
    MAX_PEERS,
    MAX_PEERS_OF_ONE,
    MAX_TORRENTS,
    PeerStore,
)
from actortorrent.wire.addresses import Address
from actortorrent.wire.dht_nodes import NodeId

TORRENT = NodeId(7)
PEER = Address("192.0.2.1", 5)


def some(store: PeerStore, now: float, count: int = 99) -> set[Address]:
    return set(store.some(TORRENT, count, now, random.Random(1)))


def test_a_peer_is_kept_for_half_an_hour() -> None:
    store = PeerStore()
    assert store.add(TORRENT, PEER, 0.0)
    assert some(store, EXPIRY_SECONDS - 1) == {PEER}
    assert some(store, EXPIRY_SECONDS) == set()
    store.expire(EXPIRY_SECONDS)
    assert (len(store), store.torrent_count) == (0, 0)


def test_who_announces_again_is_kept_for_longer() -> None:
    store = PeerStore()
    store.add(TORRENT, PEER, 0.0)
    store.add(TORRENT, PEER, 100.0)
    assert some(store, EXPIRY_SECONDS) == {PEER}
    assert len(store) == 1


def test_of_many_peers_some_are_drawn() -> None:
    store = PeerStore()
    for number in range(30):
        store.add(TORRENT, Address(f"192.0.2.{number}", 5), 0.0)
    assert len(some(store, 1.0, count=10)) == 10


def test_one_host_cannot_fill_the_store() -> None:
    store = PeerStore()
    added = [store.add(NodeId(n), Address("8.8.8.8", 5), 0.0) for n in range(MAX_OF_ONE_HOST + 5)]
    assert sum(added) == MAX_OF_ONE_HOST
    assert store.add(NodeId(999), Address("8.8.9.8", 5), 0.0)


def test_a_torrent_has_room_for_so_many() -> None:
    store = PeerStore()
    added = [store.add(TORRENT, Address("127.0.0.1", n + 1), 0.0) for n in range(150)]
    assert sum(added) == MAX_PEERS_OF_ONE


def test_there_is_room_for_so_many_torrents_until_some_expire() -> None:
    store = PeerStore()
    added = [store.add(NodeId(n), PEER, 0.0) for n in range(MAX_TORRENTS + 5)]
    assert sum(added) == MAX_TORRENTS
    assert store.add(NodeId(9999), PEER, EXPIRY_SECONDS)
    assert store.torrent_count == 1


@given(
    st.lists(
        st.tuples(st.integers(0, 700), st.integers(0, 300), st.integers(0, 4000)), max_size=300
    )
)
def test_the_counts_are_those_of_what_is_kept(steps: list[tuple[int, int, int]]) -> None:
    store = PeerStore()
    for torrent, host, now in sorted(steps, key=lambda step: step[2]):
        store.add(NodeId(torrent), Address(f"8.8.8.{host % 250}", 5), now)
        if host > 280:
            store.expire(now)
    kept = [peer for peers in store._torrents.values() for peer in peers]
    assert len(store) == len(kept) <= MAX_PEERS
    assert store._of_host.total() == len(kept)
    assert all(store._torrents.values())
    assert max(store._of_host.values(), default=0) <= dht_peers.MAX_OF_ONE_HOST
