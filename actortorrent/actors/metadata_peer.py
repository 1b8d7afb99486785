"""`MetadataPeerActor`: a connection that asks for a torrent's metadata, and for nothing else.

It shakes hands and says what it is, as any peer does (BEP 10), tells `Metadata` what the
other side offers, and asks it for the parts that it is told to (BEP 9). As it has nothing
to trade, whoever is of no use for a while has to make room for others: that peer is dialled
again when the torrent is known.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from actortorrent.actors.base import Runtime, message, proxy_of
from actortorrent.actors.peer_connection import ConnectionProxy, PeerConnection
from actortorrent.actors.peer_values import Connection, Parting, TorrentFacts
from actortorrent.errors import PeerProtocolError
from actortorrent.wire.addresses import Address
from actortorrent.wire.extension_handshake import UT_METADATA
from actortorrent.wire.metadata_exchange import MetadataKind, MetadataMessage
from actortorrent.wire.peer_protocol import Block, Placed

if TYPE_CHECKING:
    from actortorrent.actors.metadata import MetadataProxy
    from actortorrent.actors.swarm import SwarmProxy

USELESS_SECONDS = 60.0  # without a part of the metadata
NO_EXTENSIONS = "it speaks no extensions, and so gives no metadata"


class MetadataPeerActor(PeerConnection):
    """Ask one peer for metadata."""

    def __init__(
        self,
        runtime: Runtime,
        connection: Connection,
        torrent: TorrentFacts,
        swarm: SwarmProxy,
        metadata: MetadataProxy,
    ) -> None:
        super().__init__(runtime, connection, torrent, swarm)
        self._metadata = metadata
        self._extensions.metadata_came = self._answer_came
        self._asked: set[int] = set()  # parts that were not answered yet
        self._offered_size = 0
        self._has_told_port = False
        self._last_useful = time.monotonic()

    def welcome(self) -> None:
        """Say what we are: the swarm has nothing against this peer."""
        if not self._protocol.speaks_extensions:
            self._go(Parting.LEFT, NO_EXTENSIONS)
            return
        self._greet_extensions()
        self._welcome()

    def ask_part(self, part_index: int) -> None:
        """Ask the peer for a part of the metadata."""
        asked = MetadataMessage(MetadataKind.REQUEST, part_index)
        request = self._extensions.message_for(UT_METADATA, asked.encode())
        if request is not None:
            self._asked.add(part_index)
            self._say(request)

    # --- what the peer says -----------------------------------------------------------------

    def _introduced(self) -> None:
        theirs = self._extensions.theirs
        is_known = self._connection.we_dialled or self._has_told_port
        if theirs.listen_port and not is_known:
            # Once the torrent is known, it is to be dialled. It may say so once.
            self._has_told_port = True
            address = Address(self._connection.address.host, theirs.listen_port)
            self._swarm.peers_found.defer((address,), "a peer, of itself")
        self._swarm.peer_introduced.defer(self._conn, None, None, theirs.your_ip)
        size = theirs.metadata_size if theirs.id_of(UT_METADATA) else None
        if size and size != self._offered_size:
            self._offered_size = size
            me = proxy_of(self.actor_ref, MetadataPeerProxy)
            self._metadata.peer_offers.defer(self._conn, me, size)

    def _answer_came(self, answer: MetadataMessage) -> None:
        if answer.part_index not in self._asked:
            raise PeerProtocolError(f"expected no {answer}: it was not asked for")
        self._asked.remove(answer.part_index)
        if answer.kind is MetadataKind.DATA:
            self._last_useful = time.monotonic()
        self._metadata.answer_came.defer(self._conn, answer)

    def _blocks_came(self, blocks: list[Block | Placed], now: float) -> None:  # noqa: ARG002
        raise PeerProtocolError("expected no blocks: none was asked for")

    # --- time and limits ----------------------------------------------------------------------

    def _look_after(self, now: float) -> None:
        if now - self._last_useful > USELESS_SECONDS:
            self._go(Parting.LEFT, f"no metadata from it for {USELESS_SECONDS:g} s")

    def _most_bytes_to_read(self) -> int | None:
        return None

    def _did_read(self, byte_count: int) -> None:
        """Count nothing: metadata is too little to limit."""

    def on_end(self, error: BaseException | None) -> None:
        """Tell that what was asked of the peer will not come."""
        try:
            self._metadata.peer_left.defer(self._conn)
        finally:
            super().on_end(error)


class MetadataPeerProxy(ConnectionProxy):
    """The messages that the actor takes."""

    welcome = message(MetadataPeerActor.welcome)
    ask_part = message(MetadataPeerActor.ask_part)
    leave = message(MetadataPeerActor.leave)
