"""Whom we could dial, whom not again so soon, and whom never: the swarm's address book.

An address is in exactly one of these states::

    waiting -> dialling -> connected
       ^___________|___________|      failed or left: not before `dial_after`

and may besides be banned, which is for good. The book is bounded: of a flood of
addresses the first `MAX_ADDRESSES` are kept, and one that does not answer is forgotten in the end.
"""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Callable, Collection, Iterable

from msgspec import Struct

from actortorrent.wire.addresses import Address

MAX_ADDRESSES = 2_000
MAX_BANNED = 10_000
FIRST_RETRY_SECONDS = 5.0
MOST_RETRY_SECONDS = 30 * 60.0
QUICK_RETRIES = 2  # after half of the first pause, and before that after a quarter
STEADY_SECONDS = 30.0  # a connection that lasts as long ends the row of failures
MOST_DOUBLINGS = 16  # more than it takes to get there, however long a session lasts
MOST_FAILURES = 6  # of an address that never answered; then it is forgotten
MOST_FAILURES_OF_MET = 12  # of one that did, once: it is looked for some two hours longer


class _Entry(Struct):
    address: Address
    source: str
    dial_after: float
    failures: int = 0
    is_in_use: bool = False
    has_answered: bool = False
    answered_at: float | None = None  # of the connection that there is
    has_everything: bool = False
    priority: int | None = None

    @property
    def rank(self) -> tuple[int, int]:
        """Return what is the larger, the sooner it is to be dialled."""
        return -self.failures, self.priority or 0


class AddressBook:
    """Keep the addresses of a swarm's peers, and say which to dial next.

    Args:
        priority: says what a connection would be worth (BEP 40); None while that is not known.
    """

    def __init__(
        self, rng: random.Random, priority: Callable[[Address], int | None] = lambda _: None
    ) -> None:
        self._priority = priority
        self._entries: dict[Address, _Entry] = {}
        self._banned: set[Address | str | bytes] = set()
        self._rng = rng

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def waiting_count(self) -> int:
        """Return how many addresses are neither dialled nor connected."""
        return sum(not entry.is_in_use for entry in self._entries.values())

    @property
    def is_hopeless(self) -> bool:
        """Say whether no address is in use and each was tried, and failed, at least twice."""
        return all(not entry.is_in_use and entry.failures >= 2 for entry in self._entries.values())

    def add(self, addresses: Iterable[Address], source: str, now: float) -> int:
        """Write down addresses that are new, as far as there is room; return how many."""
        before = len(self._entries)
        for address in addresses:
            is_known = address in self._entries or self.is_banned(address)
            if not is_known and len(self._entries) < MAX_ADDRESSES:
                entry = self._entries[address] = _Entry(address, source, now)
                entry.priority = self._priority(address)
        return len(self._entries) - before

    def forget_from(self, sources: Collection[str]) -> None:
        """Forget all that these sources have told, also who is connected."""
        for entry in [one for one in self._entries.values() if one.source in sources]:
            del self._entries[entry.address]

    def rank_anew(self) -> None:
        """Ask anew what a connection with each would be worth."""
        for entry in self._entries.values():
            entry.priority = self._priority(entry.address)

    def figures_of(self, address: Address) -> dict[str, object]:
        """Return what was compared when an address was chosen, for the trace."""
        entry = self._entries[address]
        rule = "by chance" if entry.priority is None else "BEP 40, highest"
        figures = {"source": entry.source, "failures": max(0, entry.failures)}
        return {**figures, "priority": entry.priority, "rule": rule}

    def next_to_dial(self, now: float, *, skip_complete: bool = False) -> Address | None:
        """Choose an address to dial, of those that are due; None if there is none.

        Those that failed less often come first, of these the ones of high priority, and of
        equals any. `skip_complete` leaves out peers that have everything: for one who has too.
        """
        due = [entry for entry in self._due(skip_complete) if entry.dial_after <= now]
        if not due:
            return None
        highest = max(entry.rank for entry in due)
        return self._rng.choice([entry for entry in due if entry.rank == highest]).address

    def seconds_to_next(self, now: float, *, skip_complete: bool = False) -> float | None:
        """Return the seconds until an address falls due; None if none will."""
        times = [entry.dial_after for entry in self._due(skip_complete)]
        return max(0.0, min(times) - now) if times else None

    def _due(self, skip_complete: bool) -> Iterable[_Entry]:
        return (
            entry
            for entry in self._entries.values()
            if not entry.is_in_use and not (skip_complete and entry.has_everything)
        )

    def dialled(self, address: Address) -> None:
        """Note that an address is being dialled."""
        self._entries[address].is_in_use = True

    def answered(self, address: Address, now: float) -> None:
        """Note that a peer at an address shook hands."""
        entry = self._entries.get(address)
        if entry is not None:
            entry.has_answered = True
            entry.answered_at = now

    def failed(self, address: Address, now: float) -> None:
        """Note that a dial failed: wait longer each time, and at last forget the address."""
        entry = self._entries.get(address)
        if entry is None:
            return
        self._ended(entry, now)
        if entry.failures >= (MOST_FAILURES_OF_MET if entry.has_answered else MOST_FAILURES):
            del self._entries[address]

    def left(self, address: Address, now: float, *, has_everything: bool = False) -> None:
        """Note that a connected peer went: it may be dialled again after a pause."""
        entry = self._entries.get(address)
        if entry is not None:
            entry.has_everything = has_everything
            self._ended(entry, now)

    def begin_anew(self, now: float) -> None:
        """Forget what failed, and for how long to wait: another kind of connection is made now.

        Who was connected before may refuse us for a second (Transmission does): it has not
        noticed yet that we are gone. So it is soon dialled again.
        """
        for entry in self._entries.values():
            entry.failures = -QUICK_RETRIES if entry.has_answered else 0
            entry.dial_after = min(entry.dial_after, now)

    def _ended(self, entry: _Entry, now: float) -> None:
        """Wait before the next dial: longer each time, unless the connection had lasted."""
        began, entry.answered_at = entry.answered_at, None
        if began is not None and now - began >= STEADY_SECONDS:
            entry.failures = 0
        entry.is_in_use = False
        entry.failures += 1
        entry.dial_after = now + self._retry_seconds(entry.failures)

    def _retry_seconds(self, failures: int) -> float:
        doublings = min(failures - 1, MOST_DOUBLINGS)
        seconds = min(MOST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2.0**doublings)
        return seconds * self._rng.uniform(0.9, 1.1)

    def remove(self, address: Address) -> None:
        """Forget an address (it turned out to be our own)."""
        self._entries.pop(address, None)
        self._ban(address)

    def ban(self, address: Address, peer_id: bytes) -> None:
        """Never deal again with a peer that sent bad data.

        A host of the wide Internet is banned whole; on a private network or this
        machine, where many peers share a host, only its address and its peer id.
        """
        self._entries.pop(address, None)
        self._ban(address)
        if peer_id:
            self._ban(peer_id)
        if _is_global(address.host):
            self._ban(address.host)
            for other in [one for one in self._entries if one.host == address.host]:
                del self._entries[other]

    def _ban(self, what: Address | str | bytes) -> None:
        if len(self._banned) < MAX_BANNED:
            self._banned.add(what)

    def is_banned(self, address: Address, peer_id: bytes = b"") -> bool:
        """Say whether an address, its host or a peer id is banned."""
        return bool(self._banned & {address, address.host, peer_id})


def _is_global(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return False
