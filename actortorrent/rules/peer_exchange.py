"""Whom to tell of whom, and how much of what peers tell is taken: BEP 11.

We tell a peer only of those to whom we are connected, and that they can be dialled at the
address; of all at first, then once a minute of what changed. What peers tell us is a
stranger's word, and could be used to make a swarm dial some victim: so much of it is taken
as an honest peer sends, one address of each public host, and none that can be reached
from less far than the teller itself: a stranger shall not have us dial our own network.

Never for private torrents (BEP 27): whoever owns these does not ask for them there.
"""

from __future__ import annotations

import ipaddress
from collections import deque
from collections.abc import Iterator, Mapping
from enum import IntEnum

from actortorrent.errors import PeerProtocolError
from actortorrent.wire.addresses import Address
from actortorrent.wire.peer_exchange import Contact, ContactFlags, PeerExchange

INTERVAL_SECONDS = 60.0
MOST_CHANGES = 50  # added, and as many dropped, of one message
MOST_AT_FIRST = 100  # added by the first message

LEAST_INTERVAL_SECONDS = 45.0  # others' minutes may be short; what comes sooner is not taken
MOST_MESSAGES = 6  # in a minute; more than that is a flood
MOST_FROM_ONE = 300  # contacts of one teller at a time


class Reach(IntEnum):
    """Say from how far a host can be reached."""

    NOWHERE = 0  # it is no host: multicast, reserved, a name
    MACHINE = 1
    NETWORK = 2
    EVERYWHERE = 3


class ExchangeTelling:
    """Know what one peer was told, and say what to tell it next.

    Args:
        theirs: the addresses of the peer itself, of which it need not hear.
    """

    def __init__(self, *theirs: Address) -> None:
        self._theirs = frozenset(theirs)
        self._told: dict[Address, None] = {}  # in order
        self._last: float | None = None

    def seconds_to_next(self, now: float) -> float:
        """Return the seconds until another message may be sent."""
        return 0.0 if self._last is None else max(0.0, self._last + INTERVAL_SECONDS - now)

    def next_message(
        self, connected: Mapping[Address, ContactFlags], now: float
    ) -> PeerExchange | None:
        """Return what to tell now, and take it as told; None if it is too soon, or nothing new.

        `connected` are all with whom hands are shaken now, by where they take connections.
        """
        if self.seconds_to_next(now) > 0:
            return None
        most = MOST_AT_FIRST if self._last is None else MOST_CHANGES
        new = [one for one in connected if one not in self._told and one not in self._theirs]
        gone = [one for one in self._told if one not in connected][:MOST_CHANGES]
        if not new and not gone:
            return None
        self._last = now
        self._told.update(dict.fromkeys(new[:most]))
        for address in gone:
            del self._told[address]
        return PeerExchange(tuple(Contact(one, connected[one]) for one in new[:most]), tuple(gone))


class ExchangeHearing:
    """Judge what one peer tells.

    Args:
        teller: its address, as we see it.
    """

    def __init__(self, teller: Address) -> None:
        self._reach = _reach_of(teller.host)
        self._heard: dict[Address, None] = {}  # what it added and has not dropped, in order
        self._hosts: set[str] = set()
        self._times: deque[float] = deque(maxlen=MOST_MESSAGES)
        self._last_taken: float | None = None

    def message_came(self, message: PeerExchange, now: float) -> tuple[Contact, ...]:
        """Return the contacts that are news and worth trying.

        Raises:
            PeerProtocolError: if the peer floods us with messages.
        """
        if len(self._times) == MOST_MESSAGES and now - self._times[0] < INTERVAL_SECONDS:
            raise PeerProtocolError(
                f"expected at most {MOST_MESSAGES} exchanges of peers in"
                f" {INTERVAL_SECONDS:.0f} s, found another"
            )
        self._times.append(now)
        if self._last_taken is not None and now - self._last_taken < LEAST_INTERVAL_SECONDS:
            return ()
        most = MOST_AT_FIRST if self._last_taken is None else MOST_CHANGES
        self._last_taken = now
        for address in message.dropped:
            self._forget(address)
        return tuple(self._news(message.added, most))

    def _news(self, added: tuple[Contact, ...], most: int) -> Iterator[Contact]:
        taken = 0
        for contact in added:
            if taken >= most or len(self._heard) >= MOST_FROM_ONE:
                return
            if self._is_worth_trying(contact.address):
                taken += 1
                self._heard[contact.address] = None
                self._hosts.add(contact.address.host)
                yield contact

    def _forget(self, address: Address) -> None:
        if address in self._heard:
            del self._heard[address]
            self._hosts.discard(address.host)

    def _is_worth_trying(self, address: Address) -> bool:
        """Say whether an address is new, and reaches at least as far as the teller's."""
        reach = _reach_of(address.host)
        if address in self._heard or reach is Reach.NOWHERE or reach < self._reach:
            return False
        return reach is not Reach.EVERYWHERE or address.host not in self._hosts


def _reach_of(host: str) -> Reach:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return Reach.NOWHERE
    is_no_host = address.is_multicast or address.is_unspecified
    if is_no_host or (address.version == 4 and address.is_reserved):
        return Reach.NOWHERE
    if address.is_loopback:
        return Reach.MACHINE
    return Reach.EVERYWHERE if address.is_global else Reach.NETWORK
