"""`Metadata`: the info dictionary of a torrent that only its info-hash is known of.

It owns the `MetadataLedger`: which part was asked of whom, what came, and whether it is
right. The peers' actors (`metadata_peer.py`) tell it what they offer and what came, and are
told what to ask for. When the dictionary is there and matches the info-hash, the reporter
hears it, and with it the session, which goes on as if there had been a .torrent file.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from actortorrent.actors.base import Actor, Proxy, Runtime, message
from actortorrent.actors.inbox import Timer
from actortorrent.actors.peer_values import Parting
from actortorrent.errors import PeerProtocolError
from actortorrent.rules.metadata_fetching import Judgement, MetadataLedger
from actortorrent.rules.statuses import MetadataStatus
from actortorrent.wire.metadata_exchange import MetadataMessage

if TYPE_CHECKING:
    from actortorrent.actors.metadata_peer import MetadataPeerProxy
    from actortorrent.actors.reporter import ReporterProxy
    from actortorrent.actors.swarm import SwarmProxy

TIMER_SPARE_SECONDS = 0.01  # so that what is due is due
A_LIE = "sent metadata that does not match the info-hash"


class Metadata(Actor):
    """Fetch the info dictionary from all peers together."""

    def __init__(
        self, runtime: Runtime, info_hash: bytes, swarm: SwarmProxy, reporter: ReporterProxy
    ) -> None:
        super().__init__(runtime, "Metadata")
        self._ledger = MetadataLedger(info_hash)
        self._swarm = swarm
        self._reporter = reporter
        self._peers: dict[int, MetadataPeerProxy] = {}
        self._timer: Timer | None = None

    # --- the peers' facts ---------------------------------------------------------------------

    def peer_offers(self, conn: int, proxy: MetadataPeerProxy, size: int) -> None:
        """Learn that a peer has metadata of so many bytes."""
        if self._ledger.peer_offers(conn, size):
            self._peers[conn] = proxy
            self._ask()
        else:
            why = f"it offers metadata of {size} bytes, more than any torrent needs"
            proxy.leave.defer(Parting.MISBEHAVED, why)

    def answer_came(self, conn: int, answer: MetadataMessage) -> None:
        """Take a part, or the news that a peer does not send it."""
        try:
            judgement = self._ledger.answer_came(conn, answer, time.monotonic())
        except PeerProtocolError as error:
            self._drop(conn, str(error))
            return
        self._judge(judgement)
        self._ask()

    def peer_left(self, conn: int) -> None:
        """Ask the others for what a peer was asked for."""
        if self._peers.pop(conn, None) is not None:
            self._ledger.peer_left(conn)
            self._ask()

    # --- what follows ---------------------------------------------------------------------------

    def _ask(self) -> None:
        """Ask peers for what is due to be asked for, and come back when time brings more."""
        now = time.monotonic()
        for one in self._ledger.requests(now):
            self._peers[one.conn].ask_part.defer(one.part_index)
        if self._timer is not None:
            self._timer.cancel()
        seconds = self._ledger.seconds_to_next(now)
        again = None if seconds is None else seconds + TIMER_SPARE_SECONDS
        self._timer = None if again is None else self._after(again, "_ask")
        self._tell()

    def _judge(self, judgement: Judgement) -> None:
        if judgement.contributors:
            self._record("bt:metadata_failed", {"contributors": judgement.contributors})
        for conn in judgement.liars:
            self._decide("ban_peer", f"Peer-{conn}", rule="metadata does not match the info-hash")
            self._peers.pop(conn, None)
            self._swarm.peer_misbehaved.defer(conn, A_LIE)
        if judgement.metadata is not None:
            self._record("bt:metadata_verified", {"bytes": len(judgement.metadata)})
            self._reporter.metadata_known.defer(judgement.metadata)

    def _drop(self, conn: int, why: str) -> None:
        peer = self._peers.pop(conn, None)
        if peer is not None:
            self._ledger.peer_left(conn)
            peer.leave.defer(Parting.MISBEHAVED, why)
            self._ask()

    def _tell(self) -> None:
        parts, part_count = self._ledger.progress
        if self._ledger.metadata is None:
            status = MetadataStatus(parts=parts, part_count=part_count, peers=len(self._peers))
            self._reporter.metadata_changed.defer(status)


class MetadataProxy(Proxy):
    """The messages that `Metadata` takes."""

    peer_offers = message(Metadata.peer_offers)
    answer_came = message(Metadata.answer_came)
    peer_left = message(Metadata.peer_left)
