"""What our own address is: what most of those say who see us (BEP 24, BEP 10, BEP 42).

Nobody knows it better, behind a router least of all. But whoever says it may lie, so each
network has one voice, and an address is believed when several agree on it. A tracker weighs
as much as these several, since it is often the only one.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict

from actortorrent.rules.networks import is_local, is_unicast, network_of, plain

MAX_VOTES = 32  # that are kept, the latest
LEAST_VOTES = 4  # that agree, and more than half of all


class AddressVotes:
    """Count what others say that our address is, each voter having one voice.

    Attributes:
        agreed: the address that was agreed on last; None: none so far.
    """

    def __init__(self) -> None:
        self.agreed: str | None = None
        self._votes: OrderedDict[bytes, tuple[str, int]] = OrderedDict()  # the oldest first

    def vote(self, voter: bytes, host: str, weight: int = 1) -> bool:
        """Count a voice, in place of the voter's earlier one; say whether another is agreed on."""
        self._votes.pop(voter, None)
        self._votes[voter] = (host, weight)
        if len(self._votes) > MAX_VOTES:
            self._votes.popitem(last=False)
        agreeing = sum(weight for told, weight in self._votes.values() if told == host)
        everybody = sum(weight for _, weight in self._votes.values())
        is_agreed = agreeing >= LEAST_VOTES and 2 * agreeing > everybody
        if not is_agreed or host == self.agreed:
            return False
        self.agreed = host
        return True


class OwnAddress:
    """Keep what our address is in each of the two kinds of IP."""

    def __init__(self) -> None:
        self._votes = {4: AddressVotes(), 6: AddressVotes()}

    def peer_told(self, peer_host: str, host: str) -> bool:
        """Take what a peer says; say whether our address is another now."""
        try:
            network = network_of(plain(peer_host))
        except ValueError:  # a name
            return False
        return is_plausible(host, peer_host) and self._take(network, host, 1)

    def other_told(self, who: str, host: str) -> bool:
        """Take a plausible word that weighs more: of a tracker, the DHT; answer as `peer_told`."""
        return self._take(who.encode(), host, LEAST_VOTES)

    def _take(self, voter: bytes, host: str, weight: int) -> bool:
        return self._votes_for(host).vote(voter, plain(host), weight)

    @property
    def known(self) -> tuple[str, ...]:
        """Return our addresses, as far as they are known."""
        agreed = (votes.agreed for votes in self._votes.values())
        return tuple([host for host in agreed if host is not None])

    def like(self, host: str) -> str | None:
        """Return our address of the same kind as this one; None while it is not known."""
        return self._votes_for(host).agreed

    def _votes_for(self, host: str) -> AddressVotes:
        return self._votes[ipaddress.ip_address(plain(host)).version]


def is_plausible(host: str, voter_host: str) -> bool:
    """Say whether a voter may see us there: nobody outside sees an address of a private network.

    Args:
        host: an IP address.
        voter_host: an IP address, or a name, which counts as outside.
    """
    host = plain(host)
    return is_unicast(host) and (not is_local(host) or _is_inside(voter_host))


def _is_inside(host: str) -> bool:
    try:
        return is_local(host)
    except ValueError:
        return False
