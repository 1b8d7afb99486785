"""The crew: all actors of one session, started in order and stopped in the reverse.

The order is that of who needs whom. Each actor answers a `ping` before the next is
started, so what fails at the start fails here, in the session's thread, with its error.
At the end the peers go first, so that what they have of their leases is still written.

Together with `session.py` this is where actors' answers are waited for (`.get()`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from actortorrent.actors.base import NO_ANSWER, AnyRef, Message, Proxy, Runtime, proxy_of, stop_all
from actortorrent.actors.content_reader import ContentReader
from actortorrent.actors.interfaces import can_be_mapped, own_address
from actortorrent.actors.peer import PeerActor, PeerProxy
from actortorrent.actors.peer_values import Connection, Neighbours, TorrentFacts
from actortorrent.actors.piece_manager import PieceManager, PieceManagerProxy
from actortorrent.actors.reporter import Outbox, Reporter, ReporterProxy
from actortorrent.actors.seeder import Seeder, SeederProxy
from actortorrent.actors.storage import Storage, StorageProxy
from actortorrent.actors.swarm import Swarm, SwarmProxy
from actortorrent.options import SessionOptions
from actortorrent.rules.ending import Goals
from actortorrent.rules.progress import Progress
from actortorrent.wire.metainfo import Metainfo

if TYPE_CHECKING:
    from actortorrent.actors.content_layout import ContentLayout
    from actortorrent.actors.content_location import ContentLocation
    from actortorrent.actors.port_mapping import PortMapperProxy
    from actortorrent.actors.tracker import TrackerProxy

ANSWER_SECONDS = 60.0  # for an actor to answer at all: far more than it takes
ROUTER_SECONDS = 1.0  # for the router to hear that we go
UNREACHABLE_PORT = 1  # what trackers are told where we do not listen: many refuse 0
STOP_SECONDS = 1.0  # for peers to end; what hangs in a name look-up is left behind
SAVE_SECONDS = 60.0  # for the storage to write what it was handed

ProxyT = TypeVar("ProxyT", bound=Proxy)


class Crew:
    """Start, hold and stop the actors of one session."""

    def __init__(
        self,
        runtime: Runtime,
        metainfo: Metainfo,
        options: SessionOptions,
        peer_id: bytes,
        location: ContentLocation | None,
        peer_class: type[PeerActor] = PeerActor,
    ) -> None:
        self._runtime = runtime
        self._metainfo = metainfo
        self._options = options
        self._bind = own_address(options.bind)
        self._peer_id = peer_id
        self._location = location
        self._peer_class = peer_class
        self._started: list[Proxy] = []
        self._peers: list[PeerProxy] = []
        self._port_mapper: PortMapperProxy | None = None
        self._router_deadline = 0.0
        self.tracker: TrackerProxy | None = None

    @property
    def has_trackers(self) -> bool:
        """Say whether there are trackers to ask."""
        return self._options.use_trackers and bool(self._metainfo.tracker_tiers)

    # --- starting ------------------------------------------------------------------------------

    def start(self, goals: Goals, outbox: Outbox) -> None:
        """Start all actors but the tracker's, and let the storage check what is on disk.

        Raises:
            ActorTorrentError: if one cannot start: no port is free, the disk refuses.
        """
        self._start_storage(goals, outbox)
        layout: ContentLayout = self.storage.content_layout().get(timeout=ANSWER_SECONDS)
        self._start_trade(layout)
        self.port: int = self.seeder.listening_port().get(timeout=ANSWER_SECONDS)
        self._torrent = self._facts(layout)
        self._neighbours = Neighbours(self.swarm, self.piece_manager, self.storage, self.seeder)
        self.storage.report_to.defer(self.piece_manager)
        self.piece_manager.report_to.defer(self.swarm, self.seeder)
        self.storage.check_content.defer()

    def _start_storage(self, goals: Goals, outbox: Outbox) -> None:
        runtime, options = self._runtime, self._options
        self.reporter = self._begin(
            ReporterProxy,
            Reporter.start(runtime, goals, outbox, has_trackers=self.has_trackers),
        )
        self.storage = self._begin(
            StorageProxy,
            Storage.start(runtime, self._metainfo, options, self.reporter, self._location),
        )

    def _start_trade(self, layout: ContentLayout) -> None:
        runtime, options = self._runtime, self._options
        self.piece_manager = self._begin(
            PieceManagerProxy,
            PieceManager.start(
                runtime,
                layout.geometry,
                layout.wanted_pieces(),
                self.reporter,
                is_sequential=options.is_sequential,
                policy=options.picker,
                is_seed_only=self._location is not None,
            ),
        )
        self.swarm = self._begin(
            SwarmProxy,
            Swarm.start(runtime, self._peer_id, options.max_peers, self._start_peer, self.reporter),
        )
        self.seeder = self._begin(
            SeederProxy,
            Seeder.start(
                runtime,
                self.swarm,
                self.reporter,
                listens=options.listens,
                port=options.port,
                bind=self._bind,
                upload_limit=options.upload_limit,
                download_limit=options.download_limit,
                slots=options.upload_slots,
                pace=options.pace,
            ),
        )

    def _begin(self, kind: type[ProxyT], ref: AnyRef) -> ProxyT:
        proxy = proxy_of(ref, kind)
        self._started.append(proxy)
        proxy.ping().get(timeout=ANSWER_SECONDS)
        return proxy

    def _facts(self, layout: ContentLayout) -> TorrentFacts:
        return TorrentFacts(
            info_hash=self._metainfo.info_hash,
            peer_id=self._peer_id,
            geometry=layout.geometry,
            open_reader=partial(ContentReader, layout),
            bind=self._bind,
            encryption=self._options.encryption,
            proxy=self._options.proxy,
            is_download_limited=self._options.download_limit is not None,
            is_upload_limited=self._options.upload_limit is not None,
        )

    def _start_peer(self, connection: Connection) -> PeerProxy:
        """Start a peer's actor: what the swarm does for each connection, in its thread."""
        ref = self._peer_class.start(self._runtime, connection, self._torrent, self._neighbours)
        peer = proxy_of(ref, PeerProxy)
        self._peers = [one for one in self._peers if one.actor_ref.is_alive()] + [peer]
        return peer

    def open_doors(self) -> None:
        """Dial, accept and announce: what is on disk is known."""
        if self._options.peers:
            self.swarm.peers_found.defer(self._options.peers, "the command line")
        self.swarm.begin.defer()
        if self.has_trackers:
            self._start_tracker()
        if self._options.maps_port and not self._options.is_proxied and can_be_mapped(self._bind):
            self._start_port_mapper()

    def _start_tracker(self) -> None:
        # Not every session asks trackers, and those that do have already begun to dial.
        from actortorrent.actors.tracker import Tracker, TrackerProxy  # noqa: PLC0415
        from actortorrent.actors.tracker_calls import CallStarter  # noqa: PLC0415
        from actortorrent.rules.announcing import AnnounceIdentity  # noqa: PLC0415

        identity = AnnounceIdentity(
            info_hash=self._metainfo.info_hash,
            peer_id=self._peer_id,
            port=self.port or UNREACHABLE_PORT,
            key=self._runtime.rng.getrandbits(32),
        )
        self.tracker = self._begin(
            TrackerProxy,
            Tracker.start(
                self._runtime,
                self.swarm,
                self.reporter,
                identity,
                self._metainfo.tracker_tiers,
                is_private=self._metainfo.is_private,
                start_call=CallStarter(self._runtime, self._bind, proxy=self._options.proxy),
                takes_udp=not self._options.is_proxied,
            ),
        )
        self.swarm.ask_for_more.defer(self.tracker)
        self.reporter.pass_totals_to.defer(self.tracker)

    def _start_port_mapper(self) -> None:
        # Not every session asks the router, and those that do have already begun to dial.
        from actortorrent.actors.port_mapping import PortMapper, PortMapperProxy  # noqa: PLC0415
        from actortorrent.actors.port_mapping_calls import MappingStarter  # noqa: PLC0415
        from actortorrent.actors.routers import Routers  # noqa: PLC0415
        from actortorrent.wire.port_mapping import Transport  # noqa: PLC0415

        self._port_mapper = self._begin(
            PortMapperProxy,
            PortMapper.start(
                self._runtime,
                [(Transport.TCP, self.port)],
                self.reporter,
                self.tracker,
                start_call=MappingStarter(self._runtime, Routers(self._bind)),
            ),
        )

    # --- stopping ------------------------------------------------------------------------------

    def leave_router(self) -> None:
        """Have the router asked to let nobody in any more, while others stop."""
        if self._port_mapper is not None:
            self._port_mapper.leave.defer()
            self._router_deadline = time.monotonic() + ROUTER_SECONDS

    def stop_peers(self) -> None:
        """Accept and dial no more, and stop all peers; what they have is handed over."""
        if hasattr(self, "swarm"):
            try:
                peers = self.swarm.end_connections().get(timeout=STOP_SECONDS)
            except NO_ANSWER:  # it has failed: here is who it had started
                peers = tuple(self._peers)
            stop_all(peers, STOP_SECONDS)
        if hasattr(self, "seeder"):  # after the peers: it hears from each what it transferred
            stop_all([self.seeder], STOP_SECONDS)

    def last_progress(self) -> Progress | None:
        """Return the picture once all that came is written, if the reporter still lives."""
        for answer in self._last_words():
            with suppress(*NO_ANSWER):
                answer().get(timeout=STOP_SECONDS)
        try:
            return self.reporter.progress().get(timeout=STOP_SECONDS)
        except (AttributeError, *NO_ANSWER):
            return None

    def _last_words(self) -> Iterator[Message[[], Any]]:
        if hasattr(self, "piece_manager"):
            yield self.storage.ping
            yield self.piece_manager.report

    def _await_port_mapper(self) -> None:
        """Wait until the router knows that we go, but not for long; then the mapper has ended."""
        mapper = self._port_mapper
        if mapper is not None:
            seconds = max(0.0, self._router_deadline - time.monotonic())
            if mapper.actor_ref.join(seconds):
                self._started.remove(mapper)

    def stop_all(self) -> None:
        """Stop every actor, in the reverse of the order in which they were started."""
        deadline = time.monotonic() + SAVE_SECONDS
        self._await_port_mapper()
        for proxy in reversed(self._started):
            stop_all([proxy], max(STOP_SECONDS, deadline - time.monotonic()))
