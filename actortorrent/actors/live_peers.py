"""Who is being dialled or is connected: what the swarm knows of each connection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from actortorrent.actors.peer_values import Connection, Parting
from actortorrent.rules.networks import network_of, plain
from actortorrent.wire.addresses import Address

if TYPE_CHECKING:
    from actortorrent.actors.peer import PeerProxy
    from actortorrent.actors.peer_connection import ConnectionProxy
    from actortorrent.wire.peer_exchange import Contact

MAX_REMEMBERED = 10_000  # connections that ended, whose peers may still be found guilty


class LivePeer(Struct):
    """A connection, from the dial to the end; `peer_id` once hands were shaken.

    Attributes:
        dialled: the addresses that lead to this peer: none is dialled while it is here.
        priority: what the connection is worth (BEP 40); None while that is not known.
        is_leaving: whether it was told to go.
        contact: by which others can reach this peer (BEP 11).
        exchanger: who passes it the contacts of others, if it takes them.
    """

    connection: Connection
    proxy: ConnectionProxy
    dialled: list[Address]
    priority: int | None = None
    peer_id: bytes = b""
    is_leaving: bool = False
    contact: Contact | None = None
    exchanger: PeerProxy | None = None

    @property
    def name(self) -> str:
        """Return the name of its actor."""
        return f"Peer-{self.connection.conn}"

    @property
    def is_mute(self) -> bool:
        """Say whether it dialled us, and has not said so far who it is."""
        return not self.peer_id and not self.connection.we_dialled

    @property
    def is_half_open(self) -> bool:
        """Say whether we dialled it, and it has not answered so far."""
        return not self.peer_id and self.connection.we_dialled

    def send_away(self, parting: Parting, reason: str) -> None:
        """Tell its actor to go."""
        self.is_leaving = True
        self.proxy.leave.defer(parting, reason)


class LivePeers:
    """Keep the connections by their numbers, the oldest first; of those that ended, who it was."""

    def __init__(self) -> None:
        self._peers: dict[int, LivePeer] = {}
        self._gone: dict[int, tuple[Address, bytes]] = {}

    def __len__(self) -> int:
        return len(self._peers)

    def __iter__(self) -> Iterator[LivePeer]:
        return iter(self._peers.values())

    def add(self, peer: LivePeer) -> None:
        """Add a connection that begins."""
        self._peers[peer.connection.conn] = peer

    def find(self, conn: int) -> LivePeer | None:
        """Return a connection; None if it has gone."""
        return self._peers.get(conn)

    def remove(self, conn: int) -> LivePeer | None:
        """Take out a connection that ended, and return what was known of it."""
        peer = self._peers.pop(conn, None)
        if peer is not None:
            if len(self._gone) >= MAX_REMEMBERED:
                del self._gone[next(iter(self._gone))]
            self._gone[conn] = (peer.connection.address, peer.peer_id)
        return peer

    def identity_of(self, conn: int) -> tuple[Address, bytes] | None:
        """Return address and peer id of a connection that is here or has gone; None if forgotten."""
        peer = self._peers.get(conn)
        return self._gone.get(conn) if peer is None else (peer.connection.address, peer.peer_id)

    def rank(self, priority: Callable[[Address], int | None]) -> None:
        """Note anew what each connection is worth."""
        for peer in self:
            peer.priority = priority(peer.connection.address)

    @property
    def connected_count(self) -> int:
        """Return how many have shaken hands."""
        return sum(bool(peer.peer_id) for peer in self)

    @property
    def half_open_count(self) -> int:
        """Return how many were dialled, and have not answered."""
        return sum(peer.is_half_open for peer in self)

    @property
    def slots_taken(self) -> int:
        """Return how many have a slot: those that dial us and say nothing have none."""
        return sum(not peer.is_mute and not peer.is_leaving for peer in self)

    @property
    def mute(self) -> list[LivePeer]:
        """Return those that dialled us and have said nothing."""
        return [peer for peer in self if peer.is_mute and not peer.is_leaving]

    @property
    def contacts(self) -> tuple[Contact, ...]:
        """Return how those who are here can be reached, as far as that is known."""
        return tuple([peer.contact for peer in self if peer.contact is not None])

    def tell_contacts(self) -> None:
        """Tell peers whom we are connected to; each passes on what is news to it."""
        contacts = self.contacts
        for peer in self:
            if peer.exchanger is not None:
                peer.exchanger.contacts_changed.defer(contacts)

    def double_of(self, peer: LivePeer) -> LivePeer | None:
        """Return another connection to the same peer, if there is one that stays."""
        others = (one for one in self if one is not peer and not one.is_leaving)
        return next((one for one in others if one.peer_id == peer.peer_id), None)

    def has_neighbour_of(self, address: Address, newcomer: LivePeer | None = None) -> bool:
        """Say whether anybody but a newcomer itself is of the network that an address is in."""
        network = _network(address)
        others = (one for one in self if one is not newcomer and not one.is_leaving)
        return any(_network(one.connection.address) == network for one in others)

    def weakest(self) -> LivePeer | None:
        """Return, of those that have shaken hands, the one that is worth least; the latest of these.

        None if of none is known what it is worth.
        """
        ranked = [
            (peer.priority, -peer.connection.conn, peer)
            for peer in self
            if peer.peer_id and not peer.is_leaving and peer.priority is not None
        ]
        return min(ranked)[-1] if ranked else None


def _network(address: Address) -> bytes:
    """Return what names the network of an address; of a name, that name."""
    try:
        return network_of(plain(address.host))
    except ValueError:
        return address.host.encode()
