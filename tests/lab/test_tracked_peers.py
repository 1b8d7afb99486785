from __future__ import annotations

import random

import pytest

from actortorrent.lab import tracked_peers
from actortorrent.lab.tracked_peers import SwarmCounts, TrackedPeers
from actortorrent.wire.addresses import Address
from actortorrent.wire.announces import AnnounceEvent, AnnounceRequest

TORRENT = b"t" * 20


@pytest.fixture
def peers() -> TrackedPeers:
    return TrackedPeers(interval_seconds=60, rng=random.Random(1))


def ask(
    name: str,
    *,
    left: int = 1,
    event: AnnounceEvent = AnnounceEvent.STARTED,
    wanted: int = 50,
    torrent: bytes = TORRENT,
) -> AnnounceRequest:
    return AnnounceRequest(
        info_hash=torrent,
        peer_id=name.encode().ljust(20, b"-"),
        port=1000 + ord(name[0]),
        uploaded=0,
        downloaded=0,
        left=left,
        event=event,
        wanted_peers=wanted,
    )


def test_a_peer_is_told_of_those_before_it_and_not_of_itself(peers: TrackedPeers) -> None:
    assert peers.announce(ask("a"), "10.0.0.1", now=0) == ()
    assert peers.announce(ask("b"), "10.0.0.2", now=1) == (Address("10.0.0.1", 1097),)
    assert peers.announce(ask("a"), "10.0.0.1", now=2) == (Address("10.0.0.2", 1098),)


def test_a_seed_is_told_of_leeches_only(peers: TrackedPeers) -> None:
    peers.announce(ask("a", left=0), "10.0.0.1", now=0)
    peers.announce(ask("b"), "10.0.0.2", now=0)
    assert peers.announce(ask("c", left=0), "10.0.0.3", now=0) == (Address("10.0.0.2", 1098),)


def test_torrents_are_kept_apart(peers: TrackedPeers) -> None:
    peers.announce(ask("a"), "10.0.0.1", now=0)
    assert peers.announce(ask("b", torrent=b"u" * 20), "10.0.0.2", now=0) == ()


def test_no_more_peers_are_told_than_wanted(peers: TrackedPeers) -> None:
    for name in "abcdef":
        peers.announce(ask(name), "10.0.0.1", now=0)
    assert len(peers.announce(ask("z", wanted=2), "10.0.0.1", now=0)) == 2
    assert peers.announce(ask("y", wanted=0), "10.0.0.1", now=0) == ()


def test_who_stopped_is_forgotten(peers: TrackedPeers) -> None:
    peers.announce(ask("a"), "10.0.0.1", now=0)
    peers.announce(ask("a", event=AnnounceEvent.STOPPED), "10.0.0.1", now=1)
    assert peers.announce(ask("b"), "10.0.0.2", now=2) == ()


def test_who_was_silent_for_two_intervals_is_forgotten(peers: TrackedPeers) -> None:
    peers.announce(ask("a"), "10.0.0.1", now=0)
    peers.announce(ask("b"), "10.0.0.2", now=100)
    assert peers.counts(TORRENT, now=120).leeches == 2
    assert peers.counts(TORRENT, now=121).leeches == 1


def test_seeds_leeches_and_those_who_finished_are_counted(peers: TrackedPeers) -> None:
    assert peers.counts(TORRENT, now=0) == SwarmCounts(0, 0, 0)
    peers.announce(ask("a", left=0), "10.0.0.1", now=0)
    peers.announce(ask("b"), "10.0.0.2", now=0)
    peers.announce(ask("c"), "10.0.0.3", now=0)
    assert peers.counts(TORRENT, now=0) == SwarmCounts(1, 2, 0)
    peers.announce(ask("b", left=0, event=AnnounceEvent.COMPLETED), "10.0.0.2", now=1)
    assert peers.counts(TORRENT, now=1) == SwarmCounts(2, 1, 1)


def test_what_is_remembered_is_bounded(
    peers: TrackedPeers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracked_peers, "MAX_PEERS", 3)
    monkeypatch.setattr(tracked_peers, "MAX_TORRENTS", 2)
    for name in "abcde":
        peers.announce(ask(name), "10.0.0.1", now=0)
    assert peers.counts(TORRENT, now=0).leeches == 3
    for letter in b"uv":
        peers.announce(ask("a", torrent=bytes([letter]) * 20), "10.0.0.1", now=0)
    assert peers.counts(TORRENT, now=0).leeches == 0
