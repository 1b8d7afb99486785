"""What a tracker remembers: who has which torrent, for how long; no sockets, no clock.

Invariant: a peer stands in a torrent once, under the address that it announced last, and
is forgotten when it says `stopped` or has been silent for two intervals.
"""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Iterable

from msgspec import Struct

from actortorrent.wire.addresses import Address
from actortorrent.wire.announces import AnnounceEvent, AnnounceRequest

MAX_TORRENTS = 1_000  # beyond these, the one that was silent for longest is forgotten
MAX_PEERS = 2_000  # of one torrent, likewise
MAX_PEERS_TOLD = 200  # in one reply, however many are wanted
INTERVALS_OF_SILENCE = 2


class TrackedPeer(Struct, frozen=True):
    """Remember one peer of one torrent.

    Attributes:
        heard: when it announced last, in monotonic seconds.
    """

    address: Address
    is_seed: bool
    heard: float


class SwarmCounts(Struct, frozen=True):
    """Say how many have a torrent, how many fetch it, and how many said that they finished."""

    seeds: int
    leeches: int
    finished: int


class TrackedTorrent:
    """Keep the peers of one torrent, the one heard last at the end."""

    def __init__(self) -> None:
        self.peers: OrderedDict[bytes, TrackedPeer] = OrderedDict()
        self.finished = 0

    def counts(self) -> SwarmCounts:
        """Return how many seeds and leeches there are."""
        seeds = sum(peer.is_seed for peer in self.peers.values())
        return SwarmCounts(seeds, len(self.peers) - seeds, self.finished)


class TrackedPeers:
    """Take announces, and tell each who else is there.

    Args:
        interval_seconds: how often peers are asked to announce.
        rng: dice that choose whom a peer is told of where there are many.
    """

    def __init__(self, interval_seconds: float, rng: random.Random) -> None:
        self._silence_seconds = interval_seconds * INTERVALS_OF_SILENCE
        self._rng = rng
        self._torrents: OrderedDict[bytes, TrackedTorrent] = OrderedDict()

    def announce(self, request: AnnounceRequest, host: str, now: float) -> tuple[Address, ...]:
        """Remember (or forget) who asks, from `host`, and return addresses of others."""
        torrent = self._torrent(request.info_hash)
        self._forget_the_silent(torrent, now)
        torrent.peers.pop(request.peer_id, None)
        if request.event is AnnounceEvent.STOPPED:
            return ()
        others = tuple(peer for peer in torrent.peers.values())
        is_seed = request.left == 0
        torrent.finished += request.event is AnnounceEvent.COMPLETED
        torrent.peers[request.peer_id] = TrackedPeer(Address(host, request.port), is_seed, now)
        if len(torrent.peers) > MAX_PEERS:
            torrent.peers.popitem(last=False)
        return self._chosen(others, request.wanted_peers, is_seed=is_seed)

    def counts(self, info_hash: bytes, now: float) -> SwarmCounts:
        """Return how many have a torrent; none has one that was never announced."""
        torrent = self._torrents.get(info_hash)
        if torrent is None:
            return SwarmCounts(0, 0, 0)
        self._forget_the_silent(torrent, now)
        return torrent.counts()

    def _torrent(self, info_hash: bytes) -> TrackedTorrent:
        torrent = self._torrents.setdefault(info_hash, TrackedTorrent())
        self._torrents.move_to_end(info_hash)
        if len(self._torrents) > MAX_TORRENTS:
            self._torrents.popitem(last=False)
        return torrent

    def _forget_the_silent(self, torrent: TrackedTorrent, now: float) -> None:
        while torrent.peers:
            peer_id, peer = next(iter(torrent.peers.items()))
            if now - peer.heard <= self._silence_seconds:
                return
            del torrent.peers[peer_id]

    def _chosen(
        self, others: Iterable[TrackedPeer], wanted: int, *, is_seed: bool
    ) -> tuple[Address, ...]:
        # A seed has nothing to ask of another seed.
        of_use = [peer.address for peer in others if not (is_seed and peer.is_seed)]
        count = min(max(wanted, 0), MAX_PEERS_TOLD, len(of_use))
        return tuple(self._rng.sample(of_use, count))
