from __future__ import annotations

from typing import cast

import pytest

from actortorrent.actors import live_peers
from actortorrent.actors.live_peers import LivePeer, LivePeers
from actortorrent.actors.peer_connection import ConnectionProxy
from actortorrent.actors.peer_values import Connection
from actortorrent.wire.addresses import Address

NOBODY = cast("ConnectionProxy", None)
PEER_ID = b"-XX0001-abcdefghijkl"


def peers_worth(*priorities: int | None) -> LivePeers:
    """Return connected peers; the first is connection 1."""
    peers = LivePeers()
    for conn, priority in enumerate(priorities, start=1):
        connection = Connection(conn, Address("127.0.0.1", conn))
        peer_id = PEER_ID[:-1] + bytes([conn])
        peers.add(LivePeer(connection, NOBODY, [], priority, peer_id))
    return peers


@pytest.mark.parametrize(
    ("priorities", "weakest"), [((5, 3, 9), 2), ((3, 3, 9), 2), ((None, 7, 8), 2), ((4,), 1)]
)
def test_the_weakest_is_of_the_lowest_priority_and_the_latest(
    priorities: tuple[int | None, ...], weakest: int
) -> None:
    found = peers_worth(*priorities).weakest()
    assert found is not None
    assert found.connection.conn == weakest


def test_who_is_leaving_or_has_not_shaken_hands_is_not_the_weakest() -> None:
    peers = peers_worth(1, 2, 3)
    first, second, third = peers
    first.is_leaving = True
    second.peer_id = b""
    assert peers.weakest() is third
    assert peers.slots_taken == 2


def test_a_double_is_the_same_peer_once_more_unless_it_is_leaving() -> None:
    peers = peers_worth(1, 2, 3)
    first, second, third = peers
    assert peers.double_of(first) is None
    third.peer_id = first.peer_id
    assert peers.double_of(first) is third
    assert peers.double_of(third) is first
    third.is_leaving = True
    assert peers.double_of(first) is None
    assert peers.double_of(second) is None


def test_neighbours_are_those_of_one_network_that_stay() -> None:
    peers = LivePeers()
    for conn, host in enumerate(("8.8.8.1", "9.9.9.1", "peer.example"), start=1):
        peers.add(LivePeer(Connection(conn, Address(host, 1)), NOBODY, []))
    first, _, _ = peers
    assert peers.has_neighbour_of(Address("8.8.8.7", 2))
    assert peers.has_neighbour_of(Address("::ffff:9.9.9.7", 2))
    assert peers.has_neighbour_of(Address("peer.example", 2))
    assert not peers.has_neighbour_of(Address("8.8.9.7", 2))
    assert not peers.has_neighbour_of(first.connection.address, first)
    first.is_leaving = True
    assert not peers.has_neighbour_of(Address("8.8.8.7", 2))


def test_where_no_priority_is_known_nobody_is_the_weakest() -> None:
    assert peers_worth(None, None).weakest() is None


def test_who_it_was_is_known_of_those_that_went_up_to_a_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live_peers, "MAX_REMEMBERED", 2)
    peers = peers_worth(1, 2, 3, 4)
    for conn in (1, 2, 3):
        assert peers.remove(conn) is not None
    known = {conn for conn in range(1, 6) if peers.identity_of(conn) is not None}
    assert known == {2, 3, 4}
    assert peers.identity_of(3) == (Address("127.0.0.1", 3), PEER_ID[:-1] + b"\3")
    assert peers.remove(3) is None
