"""`LocalDiscovery`: finds peers in our own network, by calling to all in it (BEP 14).

It calls when the session begins and every five minutes, on each interface that the session
is bound to; whoever hears it and has the torrent dials us, and whom we hear we tell the
swarm. On the loopback it stays silent. It is never started for a private torrent, nor behind
a proxy: that is for `sources.py` to see to.
"""

from __future__ import annotations

import secrets
import socket
import time
from typing import TYPE_CHECKING

from actortorrent.actors.base import Proxy, Runtime, SocketActor, message
from actortorrent.actors.interfaces import OwnAddress, local_addresses
from actortorrent.actors.multicast import Caller, open_callers, open_hearing
from actortorrent.rules.local_discovery import ANNOUNCE_SECONDS, LocalHearing
from actortorrent.rules.private_torrents import FROM_OUR_NETWORK
from actortorrent.wire.addresses import Address
from actortorrent.wire.local_discovery import (
    GROUP_IPV4,
    GROUP_IPV6,
    MAX_DATAGRAM_BYTES,
    LocalAnnounce,
    read_local_announce,
)

if TYPE_CHECKING:
    from actortorrent.actors.swarm import SwarmProxy

COOKIE_BYTES = 8
DATAGRAMS_A_TURN = 32  # then the mailbox gets its turn
MAX_ADDRESSES = 16  # of ours, of each kind of IP, that are called from


class LocalDiscovery(SocketActor):
    """Call to others in our networks, and hear them.

    Args:
        port: where we take connections; 0: nowhere, and then we only listen.
        bind: the address of ours to use, None for all.
    """

    def __init__(
        self, runtime: Runtime, swarm: SwarmProxy, info_hash: bytes, port: int, bind: str | None
    ) -> None:
        super().__init__(runtime, "LocalDiscovery")
        self._swarm = swarm
        self._bind = bind
        # Not of the session's dice: two sessions may have been given the same seed.
        cookie = secrets.token_hex(COOKIE_BYTES)
        self._announce = LocalAnnounce(port, (info_hash,), cookie)
        self._hearing = LocalHearing(info_hash, cookie)
        self._listeners: list[socket.socket] = []
        self._callers: list[Caller] = []

    def on_start(self) -> None:
        """Open the sockets, and call for the first time."""
        addresses = local_addresses(self._bind)
        self._open(GROUP_IPV4, [one for one in addresses if not one.is_ipv6])
        # Of IPv6 an interface may have many addresses, and they mean the same.
        by_interface = {one.interface_index: one for one in addresses if one.is_ipv6}
        self._open(GROUP_IPV6, list(by_interface.values()))
        if self._announce.port:
            self._call()

    def _open(self, group: Address, addresses: list[OwnAddress]) -> None:
        addresses = addresses[:MAX_ADDRESSES]
        listener = open_hearing(group, addresses)
        if listener is not None:
            self._listeners.append(listener)
            self._callers += open_callers(group, addresses)
            self._watch(listener, "_datagrams_came")

    def _call(self) -> None:
        if not self._callers:
            return
        called = sum(one.call(self._announce.encode(one.group)) for one in self._callers)
        self._record("bt:called_locally", {"interfaces": called, "port": self._announce.port})
        self._after(ANNOUNCE_SECONDS, "_call")

    def _datagrams_came(self, sock: socket.socket, _readable: bool, _writable: bool) -> None:
        for _ in range(DATAGRAMS_A_TURN):
            try:
                datagram, sender = sock.recvfrom(MAX_DATAGRAM_BYTES + 1)
            except OSError:  # there are no more
                return
            announce = read_local_announce(datagram)
            if announce is not None:
                self._heard(announce, str(sender[0]))

    def _heard(self, announce: LocalAnnounce, host: str) -> None:
        peer = self._hearing.heard(announce, host, time.monotonic())
        if peer is not None:
            self._swarm.peers_found.defer((peer,), FROM_OUR_NETWORK)

    def fall_silent(self) -> None:
        """Call no more, and hear no more: the torrent turned out to be private (BEP 27)."""
        self._close()

    def on_end(self, error: BaseException | None) -> None:  # noqa: ARG002 - the hook's signature
        """Close the sockets."""
        self._close()

    def _close(self) -> None:
        for listener in self._listeners:
            self._unwatch(listener)
            listener.close()
        for caller in self._callers:
            caller.sock.close()
        self._listeners, self._callers = [], []


class LocalDiscoveryProxy(Proxy):
    """The message that it takes."""

    fall_silent = message(LocalDiscovery.fall_silent)
