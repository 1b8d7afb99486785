"""`PeerExchanging`: the part of a peer's actor that exchanges addresses of peers with it, BEP 11.

What the peer may be told it hears from `Swarm`, whenever that changes; what it was told
already, and when it may hear more, `rules/peer_exchange.py` knows. Of a private torrent
nothing is told, nothing is taken, and it is not offered (BEP 27).
"""

from __future__ import annotations

import ipaddress
import time
from typing import TYPE_CHECKING, Any

from actortorrent.actors.peer_connection import PeerConnection
from actortorrent.rules.peer_exchange import ExchangeHearing, ExchangeTelling
from actortorrent.rules.private_torrents import FROM_PEERS
from actortorrent.wire.addresses import Address
from actortorrent.wire.extension_handshake import PEX_ID, UT_PEX
from actortorrent.wire.peer_exchange import Contact, ContactFlags, PeerExchange

if TYPE_CHECKING:
    from actortorrent.actors.inbox import Timer
    from actortorrent.actors.peer import PeerProxy


class PeerExchanging(PeerConnection):
    """Exchange addresses of others with one peer."""

    _me: PeerProxy

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._hearing = ExchangeHearing(self._connection.address)
        self._telling: ExchangeTelling | None = None  # from when it says that it takes it
        self._contacts: tuple[Contact, ...] = ()
        self._exchange_timer: Timer | None = None
        if not self._torrent.is_private:
            self._extensions.handlers[PEX_ID] = self._exchange_came

    def _introduced(self) -> None:
        """Tell the swarm where the peer takes connections, whether it takes contacts, who we are."""
        theirs = self._extensions.theirs
        contact = None if self._torrent.is_private else self._contact()
        if self._telling is None and theirs.id_of(UT_PEX) and not self._torrent.is_private:
            itself = (contact.address,) if contact is not None else ()
            self._telling = ExchangeTelling(self._connection.address, *itself)
        exchanger = self._me if self._telling is not None else None
        self._swarm.peer_introduced.defer(self._conn, contact, exchanger, theirs.your_ip)

    def _contact(self) -> Contact | None:
        """Return how others can reach the peer, as far as that is known."""
        theirs, connection = self._extensions.theirs, self._connection
        flags = ContactFlags.NONE
        if theirs.prefers_encryption:
            flags |= ContactFlags.PREFERS_ENCRYPTION
        if theirs.is_upload_only:
            flags |= ContactFlags.UPLOAD_ONLY
        address = connection.address
        if connection.we_dialled:
            flags |= ContactFlags.REACHABLE
        elif theirs.listen_port:
            address = Address(address.host, theirs.listen_port)
        else:
            return None
        return Contact(address, flags) if _means_the_same_to_others(address.host) else None

    def contacts_changed(self, contacts: tuple[Contact, ...]) -> None:
        """Tell the peer of these, as far as that is news: now, or as soon as it may be told."""
        self._contacts = contacts
        if self._exchange_timer is None:
            self._exchange()

    def _exchange(self) -> None:
        self._exchange_timer = None
        telling, now = self._telling, time.monotonic()
        if telling is None:
            return
        seconds = telling.seconds_to_next(now)
        if seconds > 0:
            self._exchange_timer = self._after(seconds, "_exchange")
            return
        connected = {one.address: one.flags for one in self._contacts}
        message = telling.next_message(connected, now)
        if message is not None:
            told = self._extensions.message_for(UT_PEX, message.encode())
            if told is not None:
                self._say(told)

    def _exchange_came(self, payload: bytes) -> None:
        message = PeerExchange.from_payload(payload)
        contacts = self._hearing.message_came(message, time.monotonic())
        if contacts:
            found = tuple([one.address for one in contacts])
            self._swarm.peers_found.defer(found, FROM_PEERS)


def _means_the_same_to_others(host: str) -> bool:
    """Say whether a host is an address that does not depend on who looks."""
    try:
        return not ipaddress.ip_address(host).is_link_local
    except ValueError:  # a name
        return False
