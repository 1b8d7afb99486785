"""The `Dht`: finds peers without a tracker, and helps others to (BEP 5, 32, 42, 43).

It owns the sockets, the timers and the file; all that is decided is in `rules/dht_node.py`,
once for IPv4 and once for IPv6. Who wants peers of a torrent says `find_peers` and is told
them as they are found, now and at every look from then on. It is never told of a private
torrent: that is its user's duty.
"""

from __future__ import annotations

import ipaddress
import random
import time
from collections.abc import Callable

from msgspec import Struct

from actortorrent.actors.base import Proxy, Runtime, message, proxy_of
from actortorrent.actors.dht_endpoint import DhtEndpoint
from actortorrent.actors.dht_file import DhtFile
from actortorrent.actors.dht_options import DhtOptions, LookUp
from actortorrent.rules.dht_facts import (
    BootstrapEnded,
    DhtStatus,
    Fact,
    IdChanged,
    OwnAddressAgreed,
    PeersFound,
    PingEnded,
    SearchEnded,
)
from actortorrent.rules.dht_node import DhtNode
from actortorrent.rules.dht_table import BUCKET_SIZE
from actortorrent.rules.private_torrents import FROM_DHT
from actortorrent.wire.addresses import MAX_PORT, Address
from actortorrent.wire.dht_nodes import NodeId
from actortorrent.wire.dht_state import MAX_SAVED_NODES, DhtState, SavedNode

MAX_NAMES = 16  # looked up at once
SAVE_SECONDS = 10 * 60.0
RETRY_SECONDS, MAX_RETRY_SECONDS = 2.0, 10 * 60.0  # while no nodes are found

TellPeers = Callable[[tuple[Address, ...], str], None]
TellEnd = Callable[[SearchEnded], None]
TellPing = Callable[[PingEnded], None]


class _Asker(Struct):
    tell: TellPeers
    tell_end: TellEnd | None


class Dht(DhtEndpoint):
    """Be a node of the DHT, and find peers.

    Args:
        look_up: looks up the names of nodes (`NameLookups`).
        rng: dice that nobody can guess; tests bring their own.
        report: is told how the nodes stand, when that changes much; or None.
        tell_address: is told what our address is, as other nodes see it; or None.
    """

    def __init__(
        self,
        runtime: Runtime,
        options: DhtOptions,
        look_up: LookUp,
        rng: random.Random | None = None,
        report: Callable[[tuple[DhtStatus, ...]], None] | None = None,
        tell_address: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__(runtime, options, rng)
        self._look_up = look_up
        self._report = report
        self._tell_address = tell_address or (lambda _: None)
        self._file = DhtFile(options.folder)
        self._known = DhtState()
        self._entrances: set[Address] = set()
        self._askers: dict[bytes, _Asker] = {}
        self._pings: dict[int, TellPing] = {}
        self._ping_count = 0
        self._names_under_way = 0
        self._retry_seconds = RETRY_SECONDS

    def on_start(self) -> None:
        """Open the sockets, read the file and join."""
        self._known = self._file.load()
        self._open(self._known)
        self._after(SAVE_SECONDS, "_save_again")
        self._after(0, "_join")

    def on_end(self, error: BaseException | None) -> None:  # noqa: ARG002
        """Keep what we know, and close the sockets."""
        if self._nodes:
            self._save()
        self._close()
        self._file.close()

    # --- messages -------------------------------------------------------------------------------

    def find_peers(
        self,
        info_hash: bytes,
        listening_port: int | None,
        tell: TellPeers,
        tell_end: TellEnd | None = None,
    ) -> None:
        """Find peers of a torrent, now and again until `stop_finding`.

        Args:
            listening_port: where our own peers are reached, to be announced; None: announce
                nothing.
            tell: is told peers as they are found, and that they are the DHT's.
            tell_end: is told how each look ended.
        """
        self._askers[info_hash] = _Asker(tell, tell_end)
        now = time.monotonic()
        for node in self._nodes.values():
            node.find_peers(NodeId.from_bytes(info_hash), listening_port, now)
        self._go_on()

    def find_more(self, info_hash: bytes) -> None:
        """Look again soon: peers are lacking."""
        now = time.monotonic()
        for node in self._nodes.values():
            node.find_more(NodeId.from_bytes(info_hash), now)
        self._go_on()

    def leave(self) -> None:
        """End: not one datagram more."""
        self._stop()

    def stop_finding(self, info_hash: bytes) -> None:
        """Look for peers of this torrent no more."""
        self._askers.pop(info_hash, None)
        for node in self._nodes.values():
            node.stop_finding(NodeId.from_bytes(info_hash))

    def add_node(self, host: str, port: int) -> None:
        """Get to know a node that a peer or a torrent named."""
        if 0 < port <= MAX_PORT:
            self._meet(Address(host, port), is_entrance=False)

    def we_are_at(self, host: str) -> None:
        """Take an id that fits our address, which peers and trackers have told (BEP 42)."""
        node = self._node_for(Address(host, 0))
        if node is not None:
            node.we_are_at(host, time.monotonic())
            self._go_on()

    def ping_node(self, host: str, port: int, tell: TellPing) -> None:
        """Ask a node whether it is there; `tell` hears what came of it."""
        self._ping_count += 1
        self._pings[self._ping_count] = tell
        address = Address(host, port)
        node = self._node_for(address)
        if node is None:
            self._pings.pop(self._ping_count)(PingEnded(self._ping_count))
            return
        node.ping(address, self._ping_count, time.monotonic())
        self._go_on()

    def nodes_resolved(self, found: tuple[Address, ...], is_entrance: bool) -> None:
        """Take the addresses of a node that was known by its name."""
        self._names_under_way -= 1
        for address in found:
            self._meet(address, is_entrance=is_entrance)
        if is_entrance and found:
            self._enter()

    # --- joining ----------------------------------------------------------------------------------

    def _join(self) -> None:
        knows_any = bool(self._known.ipv4.nodes or self._known.ipv6.nodes)
        for entrance in (*self._options.entrances, *(() if knows_any else self._options.routers)):
            self._meet(entrance, is_entrance=True)
        self._enter()

    def _meet(self, address: Address, *, is_entrance: bool) -> None:
        """Take a node: by its address at once, by its name when that is looked up."""
        if not _is_literal(address.host):
            self._resolve(address, is_entrance=is_entrance)
        elif is_entrance:
            self._entrances.add(address)
        else:
            node = self._node_for(address)
            if node is not None:
                node.add_node(address, time.monotonic())
                self._go_on()

    def _resolve(self, name: Address, *, is_entrance: bool) -> None:
        if self._names_under_way < MAX_NAMES:
            self._names_under_way += 1
            resolved = proxy_of(self.actor_ref, DhtProxy).nodes_resolved.defer
            self._look_up(name, lambda found: resolved(found, is_entrance))

    def _enter(self) -> None:
        now = time.monotonic()
        for node in self._nodes.values():
            saved = self._known.ipv6 if node.options.is_ipv6 else self._known.ipv4
            node.enter(self._entrances, saved.nodes, now)
        self._go_on()

    def _bootstrap_ended(self, node: DhtNode, nodes: int) -> None:
        self._record("dht:bootstrap_ended", {"kind": node.options.kind, "nodes": nodes})
        if nodes >= BUCKET_SIZE:
            self._retry_seconds = RETRY_SECONDS
        elif not self._names_under_way and not any(len(one.table) for one in self._nodes.values()):
            self._after(self._retry_seconds, "_try_again")
            self._retry_seconds = min(2 * self._retry_seconds, MAX_RETRY_SECONDS)
        if self._report is not None:
            self._report(self.status())

    def _try_again(self) -> None:
        """Knock at every door: nobody has answered so far."""
        if not any(len(node.table) for node in self._nodes.values()):
            for entrance in (*self._options.entrances, *self._options.routers):
                self._meet(entrance, is_entrance=True)
            self._enter()

    # --- facts ------------------------------------------------------------------------------------

    def _take_fact(self, node: DhtNode, fact: Fact) -> None:
        match fact:
            case PeersFound(info_hash, peers):
                if info_hash in self._askers:
                    self._askers[info_hash].tell(peers, FROM_DHT)
            case SearchEnded():
                self._search_ended(fact)
            case PingEnded(number):
                self._pings.pop(number)(fact)
            case BootstrapEnded(nodes):
                self._bootstrap_ended(node, nodes)
            case IdChanged(node_id, host):
                self._record("dht:id_changed", {"node_id": str(node_id), "address": host})
            case OwnAddressAgreed(host):
                self._tell_address(host)

    def _search_ended(self, ended: SearchEnded) -> None:
        self._record(
            "dht:search_ended",
            {
                "info_hash": ended.info_hash.hex(),
                "kind": ended.kind,
                "asked": ended.asked,
                "answered": ended.answered,
                "peers": ended.peers,
                "announced": ended.announced,
            },
        )
        asker = self._askers.get(ended.info_hash)
        if asker is not None and asker.tell_end is not None:
            asker.tell_end(ended)

    # --- keeping ----------------------------------------------------------------------------------

    def _save_again(self) -> None:
        self._save()
        self._after(SAVE_SECONDS, "_save_again")

    def _save(self) -> None:
        """Keep our ids and the nodes that were good; where none is, those kept before."""
        now = time.monotonic()
        saved = {True: self._known.ipv6, False: self._known.ipv4}
        for node in self._nodes.values():
            own_id, is_ipv6 = node.table.own_id, node.options.is_ipv6
            nodes = node.table.closest(own_id, now, MAX_SAVED_NODES, only_good=True)
            saved[is_ipv6] = SavedNode(own_id, tuple(nodes) or saved[is_ipv6].nodes)
        self._file.save(DhtState(ipv4=saved[False], ipv6=saved[True]))


def _is_literal(host: str) -> bool:
    """Say whether a host is an IP address, and no name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class DhtProxy(Proxy):
    """The messages that the `Dht` takes."""

    find_peers = message(Dht.find_peers)
    find_more = message(Dht.find_more)
    leave = message(Dht.leave)
    stop_finding = message(Dht.stop_finding)
    add_node = message(Dht.add_node)
    we_are_at = message(Dht.we_are_at)
    ping_node = message(Dht.ping_node)
    nodes_resolved = message(Dht.nodes_resolved)
    status = message(Dht.status)
