"""The crew: all actors of one session, started in order and stopped in the reverse.

The order is that of who needs whom. Each actor answers a `ping` before the next is
started, so what fails at the start fails here, in the session's thread, with its error.
At the end the peers go first, so that what they have of their leases is still written.

A session begins with a torrent (`start`), or with its info-hash alone (`start_by_link`): then
the peers first fetch the torrent's metadata, and make room for others when it is known
(`torrent_known`). Swarm, trackers and our port stay the same.

Together with `session.py` this is where actors' answers are waited for (`.get()`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from actortorrent.actors.base import NO_ANSWER, AnyRef, Message, Proxy, Runtime, proxy_of, stop_all
from actortorrent.actors.content_reader import ContentReader
from actortorrent.actors.descriptor_room import most_connections
from actortorrent.actors.interfaces import own_address
from actortorrent.actors.peer import PeerActor, PeerProxy
from actortorrent.actors.peer_connection import ConnectionProxy
from actortorrent.actors.peer_values import Connection, Neighbours, TorrentFacts
from actortorrent.actors.piece_manager import PieceManager, PieceManagerProxy
from actortorrent.actors.reporter import Outbox, Reporter, ReporterProxy
from actortorrent.actors.seeder import Seeder, SeederProxy
from actortorrent.actors.storage import Storage, StorageProxy
from actortorrent.actors.swarm import Swarm, SwarmProxy
from actortorrent.options import SessionOptions
from actortorrent.rules.ending import Goals
from actortorrent.rules.geometry import Geometry
from actortorrent.rules.progress import Progress
from actortorrent.rules.statuses import MetadataStatus
from actortorrent.sources import PeerSources
from actortorrent.web_seeds import start_web_seeds
from actortorrent.wire.addresses import Address
from actortorrent.wire.magnet import Magnet
from actortorrent.wire.metainfo import Metainfo

if TYPE_CHECKING:
    from actortorrent.actors.content_layout import ContentLayout
    from actortorrent.actors.content_location import ContentLocation
    from actortorrent.actors.web_seed import WebSeedProxy
    from actortorrent.actors.web_seeds import WebSeedsProxy

ANSWER_SECONDS = 60.0  # for an actor to answer at all: far more than it takes
STOP_SECONDS = 1.0  # for peers to end; what hangs in a name look-up is left behind
SAVE_SECONDS = 60.0  # for the storage to write what it was handed

NOTHING_KNOWN = Geometry(0, 1)  # of a torrent of which there is no more than the info-hash

ProxyT = TypeVar("ProxyT", bound=Proxy)
T = TypeVar("T")


class Crew:
    """Start, hold and stop the actors of one session."""

    def __init__(
        self,
        runtime: Runtime,
        torrent: Metainfo | Magnet,
        options: SessionOptions,
        peer_id: bytes,
        location: ContentLocation | None,
        peer_class: type[PeerActor] = PeerActor,
    ) -> None:
        self._runtime = runtime
        self._info_hash = torrent.info_hash
        self._options = options
        self._bind = own_address(options.bind)
        self._peer_id = peer_id
        self._location = location
        self._peer_class = peer_class
        self._started: list[Proxy] = []
        self._peers: list[ConnectionProxy] = []
        self._web_seeds: WebSeedsProxy | None = None
        self._asked_web_seeds: list[WebSeedProxy] = []  # that were ever started
        self._start_connection: Callable[[Connection], ConnectionProxy]
        self.port = 0
        self.sources = PeerSources(
            runtime,
            options,
            torrent.info_hash,
            peer_id,
            torrent.tracker_tiers,
            self._begin,
            is_private=isinstance(torrent, Metainfo) and torrent.is_private,
            dht_nodes=torrent.dht_nodes if isinstance(torrent, Metainfo) else (),
            bind=self._bind,
        )

    # --- starting ------------------------------------------------------------------------------

    def start(self, metainfo: Metainfo, goals: Goals, outbox: Outbox) -> None:
        """Start all actors but the sources of peers, and let the storage check what is on disk.

        Raises:
            ActorTorrentError: if one cannot start: no port is free, the disk refuses.
        """
        self._start_reporter(goals, outbox)
        layout = self._start_storage(metainfo)
        self._start_piece_manager(layout)
        self._start_swarm()
        if metainfo.is_private:
            self.swarm.torrent_is_private.defer(True)
        self._trade(metainfo, layout)

    def start_by_link(self, goals: Goals, outbox: Outbox, peers: tuple[Address, ...]) -> None:
        """Start those who fetch the metadata, and open the doors.

        Args:
            peers: whom the link itself names.

        Raises:
            ActorTorrentError: if one cannot start: no port is free.
        """
        # Only who has a magnet link needs them.
        from actortorrent.actors.metadata import Metadata, MetadataProxy  # noqa: PLC0415
        from actortorrent.actors.metadata_peer import (  # noqa: PLC0415
            MetadataPeerActor,
            MetadataPeerProxy,
        )

        self._start_reporter(goals, outbox)
        self._start_swarm()
        begun = Metadata.start(self._runtime, self._info_hash, self.swarm, self.reporter)
        metadata = self._begin(MetadataProxy, begun)
        facts = self._facts(NOTHING_KNOWN)

        def start(connection: Connection) -> MetadataPeerProxy:
            ref = MetadataPeerActor.start(self._runtime, connection, facts, self.swarm, metadata)
            return proxy_of(ref, MetadataPeerProxy)

        self._start_connection = start
        self.reporter.metadata_changed.defer(MetadataStatus())
        if peers:
            self.swarm.peers_found.defer(peers, "the magnet link")
        self.open_doors()

    def torrent_known(self, metainfo: Metainfo, options: SessionOptions) -> None:
        """End the connections for metadata, start who trades, and have the disk checked.

        Raises:
            ActorTorrentError: if one cannot start: the disk refuses.
        """
        self._options = options
        self.sources.torrent_known(self.reporter, is_private=metainfo.is_private)
        if metainfo.is_private:
            self.swarm.torrent_is_private.defer(False)
        self._stop_connections()
        layout = self._start_storage(metainfo)
        self._start_piece_manager(layout)
        self._trade(metainfo, layout)

    def _trade(self, metainfo: Metainfo, layout: ContentLayout) -> None:
        """Let all know each other, and the storage check what is there."""
        neighbours = Neighbours(self.swarm, self.piece_manager, self.storage, self.seeder)
        opened = partial(ContentReader, layout)
        facts = replace(
            self._facts(layout.geometry),
            open_reader=opened,
            raw_info=metainfo.raw_info,
            is_private=metainfo.is_private,
        )

        def start(connection: Connection) -> PeerProxy:
            ref = self._peer_class.start(self._runtime, connection, facts, neighbours)
            return proxy_of(ref, PeerProxy)

        self._start_connection = start
        if self._location is None and self._options.use_web_seeds:
            self._web_seeds = start_web_seeds(
                self._runtime,
                metainfo,
                facts,
                neighbours,
                self.reporter,
                begin=self._begin,
                started=self._asked_web_seeds.append,
            )
        self.storage.report_to.defer(self.piece_manager)
        self.piece_manager.report_to.defer(self.swarm, self.seeder)
        self.storage.check_content.defer()

    def _start_reporter(self, goals: Goals, outbox: Outbox) -> None:
        sources = self.sources
        self.reporter = self._begin(
            ReporterProxy,
            Reporter.start(
                self._runtime,
                goals,
                outbox,
                has_trackers=sources.has_trackers,
                has_dht=sources.has_dht,
                calls_locally=sources.calls_locally,
            ),
        )

    def _start_storage(self, metainfo: Metainfo) -> ContentLayout:
        runtime, options = self._runtime, self._options
        self.storage = self._begin(
            StorageProxy,
            Storage.start(runtime, metainfo, options, self.reporter, self._location),
        )
        return self.storage.content_layout().get(timeout=ANSWER_SECONDS)

    def _start_piece_manager(self, layout: ContentLayout) -> None:
        options = self._options
        self.piece_manager = self._begin(
            PieceManagerProxy,
            PieceManager.start(
                self._runtime,
                layout.geometry,
                layout.wanted_pieces(),
                self.reporter,
                is_sequential=options.is_sequential,
                policy=options.picker,
                is_seed_only=self._location is not None,
            ),
        )

    def _start_swarm(self) -> None:
        runtime, options = self._runtime, self._options
        self.swarm = self._begin(
            SwarmProxy,
            Swarm.start(
                runtime,
                self._peer_id,
                most_connections(options.max_peers),
                self._start_peer,
                self.reporter,
            ),
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
        self.port = self.seeder.listening_port().get(timeout=ANSWER_SECONDS)
        self.swarm.we_listen_on.defer(self.port)

    def _begin(self, kind: type[ProxyT], ref: AnyRef) -> ProxyT:
        proxy = proxy_of(ref, kind)
        self._started.append(proxy)
        proxy.ping().get(timeout=ANSWER_SECONDS)
        return proxy

    def _facts(self, geometry: Geometry) -> TorrentFacts:
        options = self._options
        return TorrentFacts(
            info_hash=self._info_hash,
            peer_id=self._peer_id,
            geometry=geometry,
            bind=self._bind,
            encryption=options.encryption,
            proxy=options.proxy,
            is_download_limited=options.download_limit is not None,
            is_upload_limited=options.upload_limit is not None,
            listen_port=self.port,
            dht=self.sources.dht_door if self.sources.has_dht else None,
            gives_fast=options.upload_slots != 0,
        )

    def _start_peer(self, connection: Connection) -> ConnectionProxy:
        """Start a peer's actor: what the swarm does for each connection, in its thread."""
        peer = self._start_connection(connection)
        self._peers = [one for one in self._peers if one.actor_ref.is_alive()] + [peer]
        return peer

    def open_doors(self) -> None:
        """Dial, accept and announce: what is on disk is known, or the torrent is wanted."""
        if self._options.peers:
            self.swarm.peers_found.defer(self._options.peers, "the command line")
        if self._web_seeds is not None:
            self._web_seeds.begin.defer()
        self.swarm.begin.defer()
        self.seeder.take_connections.defer()
        self.sources.start(self.swarm, self.reporter, self.port)

    # --- stopping ------------------------------------------------------------------------------

    def stop_peers(self) -> None:
        """Accept and dial no more, and stop all peers; what they have is handed over."""
        if hasattr(self, "swarm"):
            self._stop_connections()
        if hasattr(self, "seeder"):  # after the peers: it hears from each what it transferred
            stop_all([self.seeder], STOP_SECONDS)

    def _stop_connections(self) -> None:
        peers = self._answer(self.swarm, self.swarm.end_connections)
        if peers is None:  # it has failed: here is who it had started
            peers = tuple(self._peers)
        if self._web_seeds is not None:
            self._answer(self._web_seeds, self._web_seeds.begin_no_more)
        asked = [seed for seed in self._asked_web_seeds if seed.actor_ref.is_alive()]
        stop_all([*peers, *asked], STOP_SECONDS)

    def last_progress(self) -> Progress | None:
        """Return the picture once all that came is written, if the reporter still lives."""
        if hasattr(self, "piece_manager"):
            self._answer(self.storage, self.storage.ping)
            self._answer(self.piece_manager, self.piece_manager.report)
        if not hasattr(self, "reporter"):
            return None
        return self._answer(self.reporter, self.reporter.progress)

    def _answer(self, actor: Proxy, question: Message[[], T]) -> T | None:
        """Ask something at the end; None if there is no answer, for which nothing else waits."""
        try:
            return question().get(timeout=STOP_SECONDS)
        except NO_ANSWER:
            return None
        except Exception as error:  # noqa: BLE001 - it is told as that of any other message is
            self._runtime.actor_failed(str(actor.actor_ref), error)
            return None

    def stop_all(self) -> None:
        """Stop every actor, in the reverse of the order in which they were started."""
        deadline = time.monotonic() + SAVE_SECONDS
        mapper = self.sources.ended_port_mapper()
        if mapper is not None:
            self._started.remove(mapper)
        for proxy in reversed(self._started):
            stop_all([proxy], max(STOP_SECONDS, deadline - time.monotonic()))
        stop_all([peer for peer in self._peers if peer.actor_ref.is_alive()], STOP_SECONDS)
