"""`Swarm`: whom we know, whom we dial, whom we are connected to, and whom never again.

It owns the address book and the connection slots, starts a `PeerActor` for each
connection, dialled or accepted, and is told when it has gone and how. Whom it dials, and
when it asks for more addresses, is in `swarm_dialling.py`. Sources of
addresses (the tracker, the command line, later others) all tell it `peers_found`.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from actortorrent.actors.base import Proxy, Runtime, message
from actortorrent.actors.live_peers import LivePeer
from actortorrent.actors.peer_values import Connection, Parting
from actortorrent.actors.swarm_dialling import SwarmDialling
from actortorrent.rules.double_connections import keep_newer
from actortorrent.rules.networks import plain
from actortorrent.rules.private_torrents import OPEN_SOURCES
from actortorrent.wire.addresses import Address

if TYPE_CHECKING:
    from actortorrent.actors.peer import PeerProxy
    from actortorrent.actors.peer_connection import ConnectionProxy
    from actortorrent.actors.reporter import ReporterProxy
    from actortorrent.actors.tracker import TrackerProxy
    from actortorrent.wire.peer_exchange import Contact

MAX_MUTE = 30  # that dialled us and have not shaken hands; they take no slot from others
CONTACTS_SECONDS = 2.0  # from a change to when the peers are told of it: others may follow
BANNED = "banned: it sent bad data before"
NO_SLOT = "no slot is free"
WORTH_LESS = "no slot is free, and the others are worth more (BEP 40)"


class Swarm(SwarmDialling):
    """Keep the address book and the connections."""

    def __init__(
        self,
        runtime: Runtime,
        our_id: bytes,
        max_peers: int,
        start_peer: Callable[[Connection], ConnectionProxy],
        reporter: ReporterProxy,
    ) -> None:
        super().__init__(runtime, max_peers, start_peer, reporter)
        self._our_id = our_id
        self._tell_own_address: Callable[[str], None] | None = None
        self._is_private = False
        self._will_tell_contacts = False

    # --- commands ----------------------------------------------------------------------------

    def ask_for_more(self, tracker: TrackerProxy) -> None:
        """Learn whom to ask for addresses when there are none left."""
        self._tracker = tracker

    def search_dht_by(self, search: Callable[[], None]) -> None:
        """Learn how to have the DHT searched anew when there are no addresses left."""
        self._search_dht = search

    def tell_own_address(self, tell: Callable[[str], None]) -> None:
        """Learn whom to tell what our address is, as soon as that is known, and when it changes."""
        self._tell_own_address = tell
        for host in self._ranking.own_address.known:
            tell(host)

    def torrent_is_private(self, was_known: bool) -> None:
        """Take peers of the trackers and the user alone (BEP 27), and forget others that were found.

        Args:
            was_known: whether that is known from the beginning, and not of the metadata.
        """
        self._is_private = True
        self._book.forget_from(OPEN_SOURCES)
        self._record("bt:torrent_is_private", {"was_known": was_known})

    def we_listen_on(self, port: int) -> None:
        """Learn at which port peers reach us."""
        self._ranking.port = port

    def begin(self) -> None:
        """Dial and accept from now on; all who answered before may be dialled at once."""
        self._book.begin_anew(time.monotonic())
        self._is_open = True
        self._dial_more()
        self._mind_loneliness()

    def end_connections(self) -> tuple[ConnectionProxy, ...]:
        """Dial and accept no more; return all live peers, for the session to stop."""
        self._is_open = False
        return tuple(live.proxy for live in self._live)

    def peers_found(self, addresses: tuple[Address, ...], source: str) -> None:
        """Write down addresses and dial as many as there are slots for."""
        if self._is_private and source in OPEN_SOURCES:
            return  # it was under way when we learnt that the torrent is private
        now = time.monotonic()
        here = {contact.address for contact in self._live.contacts}
        strange = [address for address in addresses if address not in here]
        new_count = self._book.add(strange, source, now)
        self._record("bt:peers_found", {"source": source, "new": new_count})
        self._dial_more()

    def connection_accepted(self, sock: socket.socket, address: Address) -> None:
        """Take a connection that somebody else dialled, if there is a slot."""
        why = self._why_refused(address)
        if why:
            self._record("bt:connection_refused", {"address": str(address), "why": why})
            sock.close()
            return
        self._make_room()
        self._start(Connection(self._next_conn, address, sock))

    def _why_refused(self, address: Address) -> str:
        if not self._is_open:
            return "we do not trade yet, or no more"
        if self._book.is_banned(address):
            return BANNED
        has_slot = self._live.slots_taken < self._max_peers
        return "" if has_slot else self._why_nobody_makes_room(address)

    def _why_nobody_makes_room(self, address: Address) -> str:
        """Say why a newcomer does not get the slot of another, if so; of a network, one may."""
        weakest, priority = self._live.weakest(), self._ranking.priority(address)
        if weakest is None or weakest.priority is None or priority is None:
            return NO_SLOT
        if self._live.has_neighbour_of(address):
            return NO_SLOT
        return "" if priority > weakest.priority else WORTH_LESS

    def _make_room(self) -> None:
        """Drop the oldest of those that say nothing, if they are too many: others may speak."""
        mute = self._live.mute
        if len(mute) >= min(MAX_MUTE, self._max_peers):
            mute[0].send_away(Parting.NEVER_ANSWERED, "it said nothing, and others wait")

    def we_are_complete(self) -> None:
        """Note that nothing is lacking: those who have everything need not be dialled."""
        self._is_complete = True

    # --- facts of the peers ----------------------------------------------------------------------

    def peer_handshaken(self, conn: int, peer_id: bytes) -> None:
        """Learn who a peer is; drop it if it is banned or connected already."""
        live = self._live.find(conn)
        if live is None:
            return
        live.peer_id = peer_id
        self._has_met_anyone = True
        address = live.connection.address
        self._book.answered(address, time.monotonic())
        if self._book.is_banned(address, peer_id):
            self._book.ban(address, peer_id)  # a new address of an old acquaintance
            live.send_away(Parting.MISBEHAVED, BANNED)
            return
        double = self._live.double_of(live)
        if double is not None:
            self._drop_one_of(double, live)
        if self._live.slots_taken > self._max_peers:  # others spoke before it
            self._drop_weakest(live)
        if not live.is_leaving:
            live.proxy.welcome.defer()
        self._report_soon()

    def _drop_weakest(self, newcomer: LivePeer) -> None:
        """Drop the connection that is worth least; the newcomer, where that is not known.

        Of a network, only one gets a slot that way: or one owner could have them all.
        """
        weakest = self._live.weakest()
        has_neighbour = self._live.has_neighbour_of(newcomer.connection.address, newcomer)
        if weakest is None or newcomer.priority is None or has_neighbour:
            newcomer.send_away(Parting.LEFT, NO_SLOT)
            return
        figures = {"priority": weakest.priority, "newcomer_priority": newcomer.priority}
        self._decide(
            "drop_peer", weakest.name, newcomer=newcomer.name, **figures, rule="BEP 40, lowest"
        )
        weakest.send_away(Parting.LEFT, WORTH_LESS)

    def peer_introduced(
        self,
        conn: int,
        contact: Contact | None,
        exchanger: PeerProxy | None,
        our_host: str | None,
    ) -> None:
        """Learn what a peer says of itself and of us.

        Args:
            contact: by which address others reach it; None: none.
            exchanger: who passes it the addresses of others; None: nobody.
            our_host: our address as it sees it; None: it does not say.
        """
        live = self._live.find(conn)
        if live is None:
            return
        if (contact, exchanger) != (live.contact, live.exchanger):
            live.contact, live.exchanger = contact, exchanger
            self._tell_contacts_soon()
        peer_host = live.connection.address.host
        if our_host is not None and self._ranking.own_address.peer_told(peer_host, our_host):
            self._we_are_at(plain(our_host))

    # --- our own address -------------------------------------------------------------------------

    def told_own_address(self, who: str, our_host: str) -> None:
        """Learn what a tracker (BEP 24), or several nodes of the DHT, say that our address is."""
        if self._ranking.own_address.other_told(who, our_host):
            self._we_are_at(plain(our_host))

    def _we_are_at(self, our_host: str) -> None:
        self._record("bt:own_address_known", {"address": our_host})
        self._book.rank_anew()
        self._live.rank(self._ranking.priority)
        if self._tell_own_address is not None:
            self._tell_own_address(our_host)

    # --- contacts --------------------------------------------------------------------------------

    def _tell_contacts_soon(self) -> None:
        if not self._will_tell_contacts:
            self._will_tell_contacts = True
            self._after(CONTACTS_SECONDS, "_tell_contacts")

    def _tell_contacts(self) -> None:
        """Tell peers whom we are connected to now; each passes on what is news to it."""
        self._will_tell_contacts = False
        self._live.tell_contacts()

    def _drop_one_of(self, older: LivePeer, newer: LivePeer) -> None:
        newer_stays = keep_newer(
            self._our_id,
            newer.peer_id,
            older_is_ours=older.connection.we_dialled,
            newer_is_ours=newer.connection.we_dialled,
        )
        dropped, kept = (older, newer) if newer_stays else (newer, older)
        kept.dialled += dropped.dialled
        dropped.dialled = []
        self._decide("drop_double", dropped.name, rule="the larger peer id's dial stays")
        dropped.send_away(Parting.LEFT, "connected to it already")

    def peer_left(self, conn: int, parting: Parting, reason: str) -> None:
        """Note how a connection ended, and dial another."""
        live = self._live.remove(conn)
        if live is None:
            return
        if live.contact is not None:
            self._tell_contacts_soon()
        for address in live.dialled:
            self._note_parting(address, parting, reason)
        self._mind_loneliness()
        self._dial_more()
        self._report_soon()

    def peer_misbehaved(self, conn: int, why: str) -> None:
        """Ban a peer, whether it is still there or not."""
        identity = self._live.identity_of(conn)
        if identity is None:
            return
        live = self._live.find(conn)
        if live is not None:
            live.send_away(Parting.MISBEHAVED, why)
        address, peer_id = identity
        if not self._book.is_banned(address, peer_id):
            self._banned_count += 1
            self._reporter.notice.defer(f"banned {address}: it {why}")
        self._book.ban(address, peer_id)


class SwarmProxy(Proxy):
    """The messages that the swarm takes."""

    ask_for_more = message(Swarm.ask_for_more)
    search_dht_by = message(Swarm.search_dht_by)
    tell_own_address = message(Swarm.tell_own_address)
    torrent_is_private = message(Swarm.torrent_is_private)
    we_listen_on = message(Swarm.we_listen_on)
    begin = message(Swarm.begin)
    end_connections = message(Swarm.end_connections)
    peers_found = message(Swarm.peers_found)
    connection_accepted = message(Swarm.connection_accepted)
    we_are_complete = message(Swarm.we_are_complete)
    peer_handshaken = message(Swarm.peer_handshaken)
    peer_introduced = message(Swarm.peer_introduced)
    told_own_address = message(Swarm.told_own_address)
    peer_left = message(Swarm.peer_left)
    peer_misbehaved = message(Swarm.peer_misbehaved)
