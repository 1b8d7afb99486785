"""Searches for peers that go on, one a torrent: when each looks again, and what it found.

A search looks at once; again when others may have come and our own announcement is about
to expire, sooner while nothing was found; and when more peers are asked for, though not
all the time. Where no node is known yet, it waits for the first one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct, field

from actortorrent.wire.addresses import Address
from actortorrent.wire.dht_nodes import NodeId

AGAIN_SECONDS = 15 * 60.0  # half of what an announcement holds
SOON_SECONDS = 2.0  # after a first look that found nothing; then twice that, and so on
LEAST_SECONDS = 60.0  # between two looks, however many peers are lacking
MAX_SEARCHES = 100
MAX_FOUND = 1_000  # peers of one look that are told


class Search(Struct):
    """Hold the search for one torrent's peers; times in monotonic seconds.

    Attributes:
        port: where our peers listen, or None if we are not to be announced.
        next_at: when to look again; None while a look is under way or no node is known.
    """

    info_hash: NodeId
    port: int | None
    next_at: float | None
    begun_at: float = 0.0
    is_running: bool = False
    is_waiting: bool = False
    fruitless: int = 0  # looks in a row
    found: set[Address] = field(default_factory=set)

    def begin(self, now: float) -> None:
        """Look now."""
        self.begun_at = now
        self.next_at = None
        self.is_running = True
        self.is_waiting = False
        self.found.clear()

    def news(self, peers: Iterable[Address]) -> tuple[Address, ...]:
        """Return those of some peers that this look has not found yet, within limits."""
        room = MAX_FOUND - len(self.found)
        new = tuple(peer for peer in dict.fromkeys(peers) if peer not in self.found)[:room]
        self.found.update(new)
        return new

    def end(self, now: float, *, was_anyone_asked: bool) -> None:
        """Note that a look is over, and when to look again."""
        self.is_running = False
        self.is_waiting = not was_anyone_asked
        self.fruitless = 0 if self.found else self.fruitless + 1
        doublings = min(self.fruitless - 1, 10)
        seconds = SOON_SECONDS * 2.0**doublings if self.fruitless else AGAIN_SECONDS
        self.next_at = None if self.is_waiting else now + min(AGAIN_SECONDS, seconds)

    def hasten(self, now: float) -> None:
        """Look as soon as may be."""
        if self.next_at is not None:
            self.next_at = min(self.next_at, max(now, self.begun_at + LEAST_SECONDS))


class Searches:
    """Keep the searches of one node."""

    def __init__(self) -> None:
        self._searches: dict[NodeId, Search] = {}

    def __len__(self) -> int:
        return len(self._searches)

    def __iter__(self) -> Iterator[Search]:
        return iter(self._searches.values())

    def get(self, info_hash: NodeId) -> Search | None:
        """Return the search for a torrent's peers, if there is one."""
        return self._searches.get(info_hash)

    def add(self, info_hash: NodeId, port: int | None, now: float) -> None:
        """Begin to look for a torrent's peers; of one that is searched for, change the port."""
        known = self._searches.get(info_hash)
        if known is not None:
            known.port = port
            known.hasten(now)
        elif len(self._searches) < MAX_SEARCHES:
            self._searches[info_hash] = Search(info_hash, port, now)

    def remove(self, info_hash: NodeId) -> None:
        """Look for these no more."""
        self._searches.pop(info_hash, None)

    def wake_waiting(self, now: float) -> None:
        """Let those look that waited for a first node."""
        for search in self:
            if search.is_waiting:
                search.is_waiting = False
                search.next_at = now

    def due(self, now: float) -> list[Search]:
        """Return those that are to look now."""
        return [one for one in self if one.next_at is not None and one.next_at <= now]

    @property
    def next_at(self) -> float | None:
        """Return when the next is to look."""
        return min((one.next_at for one in self if one.next_at is not None), default=None)
