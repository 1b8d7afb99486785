"""The peers that announced themselves to us, for whoever asks for them (BEP 5).

An announcement holds for half an hour. Memory is bounded in every direction: torrents,
peers of one, peers in all, and of what one host may announce.
"""

from __future__ import annotations

import random
from collections import Counter

from actortorrent.rules.networks import is_local
from actortorrent.wire.addresses import Address
from actortorrent.wire.dht_nodes import NodeId

EXPIRY_SECONDS = 30 * 60.0
MAX_TORRENTS = 500
MAX_PEERS_OF_ONE = 100
MAX_PEERS = 2_000
MAX_OF_ONE_HOST = 50  # torrents; on private networks a host may be many peers


class PeerStore:
    """Keep announcements; times in monotonic seconds."""

    def __init__(self) -> None:
        self._torrents: dict[NodeId, dict[Address, float]] = {}  # when each expires
        self._of_host: Counter[str] = Counter()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def torrent_count(self) -> int:
        """Return how many torrents have peers here."""
        return len(self._torrents)

    def add(self, info_hash: NodeId, peer: Address, now: float) -> bool:
        """Keep a peer, or keep it for longer; say whether there was room."""
        peers = self._torrents.get(info_hash, {})
        if peer not in peers:
            if not self._has_room(info_hash, peer.host):
                self.expire(now)
            if not self._has_room(info_hash, peer.host):
                return False
            peers = self._torrents.setdefault(info_hash, peers)
            self._of_host[peer.host] += 1
            self._count += 1
        peers[peer] = now + EXPIRY_SECONDS
        return True

    def some(
        self, info_hash: NodeId, count: int, now: float, rng: random.Random
    ) -> tuple[Address, ...]:
        """Return so many peers of a torrent at most, drawn by lot."""
        peers = self._torrents.get(info_hash, {})
        live = [peer for peer, expires_at in peers.items() if expires_at > now]
        return tuple(rng.sample(live, min(count, len(live))))

    def expire(self, now: float) -> None:
        """Forget who has not announced itself again in time."""
        for info_hash, peers in list(self._torrents.items()):
            for peer in [one for one, expires_at in peers.items() if expires_at <= now]:
                del peers[peer]
                self._leave(peer.host)
            if not peers:
                del self._torrents[info_hash]

    def _leave(self, host: str) -> None:
        self._count -= 1
        self._of_host[host] -= 1
        if not self._of_host[host]:
            del self._of_host[host]

    def _has_room(self, info_hash: NodeId, host: str) -> bool:
        is_greedy = self._of_host[host] >= MAX_OF_ONE_HOST and not is_local(host)
        if is_greedy or self._count >= MAX_PEERS:
            return False
        peers = self._torrents.get(info_hash)
        if peers is None:
            return len(self._torrents) < MAX_TORRENTS
        return len(peers) < MAX_PEERS_OF_ONE
