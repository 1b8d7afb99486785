"""Where a session's peers come from, and how they come to us.

Trackers, the DHT, our own network, the router.

Each source is an actor that tells `Swarm.peers_found`; a further one is started here and
takes its leave here. What they need to know is there before the torrent is: with a magnet
link they begin as soon as its info-hash is known, and go on when the torrent is.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar

from actortorrent.actors.base import AnyRef, Proxy, Runtime
from actortorrent.actors.interfaces import can_be_mapped, is_on_loopback
from actortorrent.actors.peer_values import DhtDoor
from actortorrent.actors.reporter import ReporterProxy
from actortorrent.actors.swarm import SwarmProxy
from actortorrent.errors import UsageError
from actortorrent.options import SessionOptions

if TYPE_CHECKING:
    from actortorrent.actors.dht import DhtProxy
    from actortorrent.actors.local_discovery import LocalDiscoveryProxy
    from actortorrent.actors.port_mapping import PortMapperProxy
    from actortorrent.actors.tracker import TrackerProxy
    from actortorrent.rules.dht_facts import DhtStatus
    from actortorrent.wire.addresses import Address

ROUTER_SECONDS = 1.0  # for the router to hear that we go
UNREACHABLE_PORT = 1  # what trackers are told where we do not listen: many refuse 0

ProxyT = TypeVar("ProxyT", bound=Proxy)
Tiers = Sequence[Sequence[str]]


class Begin(Protocol):
    """Wait until an actor has begun, and remember to stop it: what the crew does."""

    def __call__(self, kind: type[ProxyT], ref: AnyRef) -> ProxyT:
        """Return its proxy."""


class PeerSources:
    """Start the sources of one session, and tell them when it ends.

    Args:
        tiers: URLs of the torrent's trackers (BEP 12).
        is_private: whether peers may come from these alone (BEP 27).
        dht_nodes: nodes of the DHT that the torrent names.
        bind: the address of ours to ask from, or None.

    Raises:
        UsageError: if trackers are added to a private torrent.
    """

    def __init__(
        self,
        runtime: Runtime,
        options: SessionOptions,
        info_hash: bytes,
        peer_id: bytes,
        tiers: Tiers,
        begin: Begin,
        *,
        is_private: bool,
        dht_nodes: tuple[Address, ...],
        bind: str | None,
    ) -> None:
        self._runtime = runtime
        self._options = options
        self._info_hash = info_hash
        self._peer_id = peer_id
        self._tiers = _tiers_to_ask(tiers, options, is_private=is_private)
        self._begin = begin
        self._is_private = is_private
        self._named_nodes = dht_nodes
        self._dht: DhtProxy | None = None
        self._dht_port = 0
        self._bind = bind
        self._has_begun = False
        self._port_mapper: PortMapperProxy | None = None
        self._local_discovery: LocalDiscoveryProxy | None = None
        self._router_deadline = 0.0
        self.tracker: TrackerProxy | None = None

    @property
    def has_trackers(self) -> bool:
        """Say whether there are trackers to ask."""
        return bool(self._tiers)

    @property
    def has_dht(self) -> bool:
        """Say whether peers are looked for in the DHT."""
        options = self._options
        if not options.use_dht or options.is_proxied or self._is_private:
            return False
        return bool(options.dht_nodes) or not is_on_loopback(self._bind)

    @property
    def calls_locally(self) -> bool:
        """Say whether peers in the local network are called."""
        options = self._options
        is_silent = options.is_proxied or self._is_private or is_on_loopback(self._bind)
        return options.use_local_discovery and not is_silent

    @property
    def dht_door(self) -> DhtDoor:
        """Return what peers know of our node of the DHT."""
        return DhtDoor(lambda: self._dht_port, self._add_node)

    def _add_node(self, host: str, port: int) -> None:
        """Tell our node of another: said in the threads of peers."""
        if self._dht is not None:
            self._dht.add_node.defer(host, port)

    def start(self, swarm: SwarmProxy, reporter: ReporterProxy, port: int) -> None:
        """Start what is wanted; those that have begun already just go on."""
        if self._has_begun:
            return
        self._has_begun = True
        if self.has_trackers:
            self._start_tracker(swarm, reporter, port)
        if self.has_dht:
            self._start_dht(swarm, reporter, port)
        options = self._options
        if options.maps_port and not options.is_proxied and can_be_mapped(self._bind):
            self._start_port_mapper(reporter, port)
        if self.calls_locally:
            self._start_local_discovery(swarm, port)

    def torrent_known(self, reporter: ReporterProxy, *, is_private: bool) -> None:
        """Go on with a torrent of which only the info-hash was known; a private one in silence."""
        self._is_private = is_private
        if is_private and self._local_discovery is not None:
            self._local_discovery.fall_silent.defer()
        if is_private and self._dht is not None:
            self._dht.leave.defer()
            self._dht = None
            reporter.dht_changed.defer(0)

    def _start_tracker(self, swarm: SwarmProxy, reporter: ReporterProxy, port: int) -> None:
        # Not every session asks trackers, and those that do have already begun to dial.
        from actortorrent.actors.tracker import Tracker, TrackerProxy  # noqa: PLC0415
        from actortorrent.actors.tracker_calls import CallStarter  # noqa: PLC0415
        from actortorrent.rules.announcing import AnnounceIdentity  # noqa: PLC0415

        identity = AnnounceIdentity(
            info_hash=self._info_hash,
            peer_id=self._peer_id,
            port=port or UNREACHABLE_PORT,
            key=self._runtime.rng.getrandbits(32),
        )
        self.tracker = self._begin(
            TrackerProxy,
            Tracker.start(
                self._runtime,
                swarm,
                reporter,
                identity,
                self._tiers,
                is_private=self._is_private,
                start_call=CallStarter(self._runtime, self._bind, proxy=self._options.proxy),
                takes_udp=not self._options.is_proxied,
            ),
        )
        swarm.ask_for_more.defer(self.tracker)
        reporter.pass_totals_to.defer(self.tracker)

    def _start_port_mapper(self, reporter: ReporterProxy, port: int) -> None:
        # Not every session asks the router, and those that do have already begun to dial.
        from actortorrent.actors.port_mapping import PortMapper, PortMapperProxy  # noqa: PLC0415
        from actortorrent.actors.port_mapping_calls import MappingStarter  # noqa: PLC0415
        from actortorrent.actors.routers import Routers  # noqa: PLC0415
        from actortorrent.wire.port_mapping import Transport  # noqa: PLC0415

        self._port_mapper = self._begin(
            PortMapperProxy,
            PortMapper.start(
                self._runtime,
                [(Transport.TCP, port)],
                reporter,
                self.tracker,
                start_call=MappingStarter(self._runtime, Routers(self._bind)),
            ),
        )

    def _start_dht(self, swarm: SwarmProxy, reporter: ReporterProxy, port: int) -> None:
        # Not every session may, and those that may have already begun to dial.
        from actortorrent.actors.dht import Dht, DhtProxy  # noqa: PLC0415
        from actortorrent.actors.dht_file import default_folder  # noqa: PLC0415
        from actortorrent.actors.dht_names import NameLookups  # noqa: PLC0415
        from actortorrent.actors.dht_options import ROUTERS, DhtOptions  # noqa: PLC0415

        given = self._options.dht_nodes
        options = DhtOptions(
            port=port,
            bind=self._bind,
            entrances=given or self._named_nodes,
            routers=() if given else ROUTERS,
            folder=None if given else default_folder(),
        )

        def joined(status: tuple[DhtStatus, ...]) -> None:  # said in its thread
            self._dht_port = status[0].port if status else 0
            reporter.dht_changed.defer(sum(one.nodes for one in status))

        def agreed(our_host: str) -> None:
            swarm.told_own_address.defer("DHT", our_host)

        look_up = NameLookups(self._runtime)
        dht = Dht.start(self._runtime, options, look_up, report=joined, tell_address=agreed)
        self._dht = self._begin(DhtProxy, dht)
        swarm.tell_own_address.defer(self._dht.we_are_at.defer)
        swarm.search_dht_by.defer(partial(self._dht.find_more.defer, self._info_hash))
        self._dht.find_peers.defer(self._info_hash, port or None, swarm.peers_found.defer)

    def _start_local_discovery(self, swarm: SwarmProxy, port: int) -> None:
        # Not every session may, and those that may have already begun to dial.
        from actortorrent.actors.local_discovery import (  # noqa: PLC0415
            LocalDiscovery,
            LocalDiscoveryProxy,
        )

        started = LocalDiscovery.start(self._runtime, swarm, self._info_hash, port, self._bind)
        self._local_discovery = self._begin(LocalDiscoveryProxy, started)

    # --- the end ---------------------------------------------------------------------------------

    def leave(self) -> None:
        """Have the router and the trackers told that we go, while others stop."""
        if self._port_mapper is not None:
            self._port_mapper.leave.defer()
            self._router_deadline = time.monotonic() + ROUTER_SECONDS
        if self.tracker is not None:
            self.tracker.say_goodbye.defer()

    def ended_port_mapper(self) -> PortMapperProxy | None:
        """Wait, but not for long, until the router knows; return the mapper if it has ended."""
        mapper = self._port_mapper
        if mapper is not None:
            seconds = max(0.0, self._router_deadline - time.monotonic())
            if mapper.actor_ref.join(seconds):
                return mapper
        return None


def _tiers_to_ask(own: Tiers, options: SessionOptions, *, is_private: bool) -> Tiers:
    """Return the trackers that were added, each a tier of its own, and then the torrent's."""
    added = tuple(dict.fromkeys(options.trackers))
    if added and is_private:
        raise UsageError(
            "expected no other trackers than those of the torrent: it is private",
            hint="fetch it without --tracker",
        )
    if not options.use_trackers:
        return [[url] for url in added]
    others = [[url for url in tier if url not in added] for tier in own]
    return [*([url] for url in added), *(tier for tier in others if tier)]
