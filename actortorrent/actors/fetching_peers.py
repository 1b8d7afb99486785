"""What the piece manager knows of each peer: its pieces, and what it waits for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from actortorrent.actors.peer import PeerProxy


class FetchingPeer(Struct):
    """One peer; `pieces`, and those it `allows` us to ask for while it chokes, are bitmasks."""

    conn: int
    proxy: PeerProxy
    pieces: int = 0
    allows: int = 0
    is_interesting: bool = False
    unchokes_us: bool = False
    is_accused: bool = False  # of bad data: it is lent nothing more
    is_proven: bool = False  # a piece that it brought matched its hash
    doubts: int = 0  # pieces that it sent a part of, and that were wrong: a bitmask
    wants_bytes: int = 0  # of work, asked for and not yet given


class FetchingPeers:
    """Keep the peers by the numbers of their connections."""

    def __init__(self) -> None:
        self._peers: dict[int, FetchingPeer] = {}
        self._accused: set[int] = set()  # also those that have gone
        self._unchoking: set[int] = set()

    def __iter__(self) -> Iterator[FetchingPeer]:
        return iter(tuple(self._peers.values()))

    def join(self, conn: int, proxy: PeerProxy) -> FetchingPeer:
        """Add a peer of which nothing else is known."""
        peer = self._peers[conn] = FetchingPeer(conn, proxy)
        return peer

    def find(self, conn: int) -> FetchingPeer | None:
        """Return a peer; None if it has gone."""
        return self._peers.get(conn)

    def leave(self, conn: int) -> FetchingPeer | None:
        """Forget a peer, and return what was known of it."""
        self._unchoking.discard(conn)
        return self._peers.pop(conn, None)

    def unchoked(self, peer: FetchingPeer, is_unchoked: bool) -> None:
        """Note whether a peer would serve us."""
        peer.unchokes_us = is_unchoked
        (self._unchoking.add if is_unchoked else self._unchoking.discard)(peer.conn)

    def accuse(self, conn: int) -> bool:
        """Note that a peer, perhaps one that has gone, sent bad data; say whether that is new."""
        is_new = conn not in self._accused
        self._accused.add(conn)
        if (peer := self._peers.get(conn)) is not None:
            peer.is_accused = True
        return is_new

    def doubt(self, piece_index: int, conns: Iterable[int]) -> None:
        """Note that one of these sent wrong bytes of a piece, and that it is not known which."""
        for conn in conns:
            peer = self._peers.get(conn)
            if peer is not None:
                peer.doubts |= 1 << piece_index

    def clear_of(self, pieces: int) -> None:
        """Note that these pieces are right now; who had spoilt them has been named."""
        for peer in self._peers.values():
            peer.doubts &= ~pieces

    def must_wait(self, peer: FetchingPeer) -> bool:
        """Say whether a peer is to be lent nothing: another can show whether it is a liar."""
        return _is_doubtful(peer) and any(
            one.unchokes_us
            and not one.is_accused
            and not _is_doubtful(one)
            and not peer.doubts & ~one.pieces
            for one in self._peers.values()
        )

    def hungry(self) -> list[FetchingPeer]:
        """Return those that wait for work."""
        return [peer for peer in self._peers.values() if peer.wants_bytes]

    def modest(self, most_bytes: int) -> list[FetchingPeer]:
        """Return those that wait for work, and want, or are trusted with, so little at most."""
        return [
            peer
            for peer in self._peers.values()
            if peer.wants_bytes and (peer.wants_bytes <= most_bytes or not peer.is_proven)
        ]

    @property
    def unchoking_count(self) -> int:
        """Return how many would serve us."""
        return len(self._unchoking)

    @property
    def interesting_count(self) -> int:
        """Return how many have something that we lack."""
        return sum(peer.is_interesting for peer in self._peers.values())


def _is_doubtful(peer: FetchingPeer) -> bool:
    return bool(peer.doubts) and not peer.is_proven
