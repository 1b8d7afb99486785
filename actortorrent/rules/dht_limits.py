"""What a stranger can make us do: how often we read and answer, and how much we send.

A datagram may bear a forged sender. If a short query brought about a long answer, we would
be a weapon against whoever stands in its place: so to an address that has not shown that
it hears us, we send no more bytes than came from it (`AddressCredits`).
"""

from __future__ import annotations

from collections import OrderedDict

from msgspec import Struct

from actortorrent.rules.networks import is_local
from actortorrent.wire.addresses import Address

VERIFIED_SECONDS = 15 * 60.0  # so long an address counts as one that hears us
MAX_ADDRESSES = 500  # of whom we know how much came, and as many of whom we count queries


class Allowance:
    """Allow so many things a second, and a burst after a pause."""

    __slots__ = ("_at", "_burst", "_left", "_rate")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._left = burst
        self._at = now

    def take(self, now: float) -> bool:
        """Take one, if there is one."""
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Rates(Struct, frozen=True):
    """Say how much is taken on, per second: of one host, and in all.

    On a private network, where many nodes share a host, each port counts as one.
    """

    of_one: float = 20.0
    burst_of_one: float = 60.0
    of_all: float = 200.0
    burst_of_all: float = 400.0


class QueryLimits:
    """Count what comes, from each host and in all."""

    def __init__(self, rates: Rates, now: float) -> None:
        self._rates = rates
        self._all = Allowance(rates.of_all, rates.burst_of_all, now)
        self._each: OrderedDict[str, Allowance] = OrderedDict()  # the longest unheard first

    def allows(self, address: Address, now: float, *, is_awaited: bool = False) -> bool:
        """Say whether a datagram of this address is taken on, and count it.

        `is_awaited`: we asked it something; a flood of others' must not drown its answer.
        """
        host = str(address) if is_local(address.host) else address.host
        each = self._each.get(host)
        if each is None:
            each = Allowance(self._rates.of_one, self._rates.burst_of_one, now)
            self._each[host] = each
            if len(self._each) > MAX_ADDRESSES:
                self._each.popitem(last=False)
        else:
            self._each.move_to_end(host)
        return each.take(now) and (is_awaited or self._all.take(now))


class AddressCredits:
    """Keep what came from each address and was not yet sent back, in bytes.

    What is forgotten for want of room lessens a credit: nobody ever has too much.
    """

    def __init__(self) -> None:
        self._bytes: OrderedDict[Address, int] = OrderedDict()  # the longest unheard first
        self._verified: OrderedDict[Address, float] = OrderedDict()  # and since when

    def received(self, address: Address, byte_count: int) -> None:
        """Count a datagram that came."""
        self._bytes[address] = self._bytes.pop(address, 0) + byte_count
        if len(self._bytes) > MAX_ADDRESSES:
            self._bytes.popitem(last=False)

    def spent(self, address: Address, byte_count: int) -> None:
        """Count a datagram that was sent because of one that came."""
        if address in self._bytes:
            self._bytes[address] = max(0, self._bytes[address] - byte_count)

    def verified(self, address: Address, now: float) -> None:
        """Note that an address hears us: it knew what only we could have told it."""
        self._verified.pop(address, None)
        self._verified[address] = now
        if len(self._verified) > MAX_ADDRESSES:
            self._verified.popitem(last=False)

    def left(self, address: Address, now: float) -> int | None:
        """Return how many bytes an address may be sent; None where there is no such limit."""
        since = self._verified.get(address)
        if since is not None and now - since < VERIFIED_SECONDS:
            return None
        return self._bytes.get(address, 0)
