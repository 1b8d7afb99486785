"""`Seeder`: the listening socket, and who is unchoked.

Peers' actors tell it whether they are interested and how fast bytes go; every ten
seconds, and whenever a slot is free, it lets the rules of `rules/choking.py` decide
and tells the peers concerned. It adds up what all of them transfer. Where uploading
or downloading is limited, it also shares out the bytes: an actor asks, and is granted
some as soon as the limit allows.

A peer's first facts may come before the peer has joined: what it says is kept, and
counts from then on.
"""

from __future__ import annotations

import random
import socket
import time
from typing import TYPE_CHECKING

from actortorrent.actors.base import Proxy, Runtime, SocketActor, message
from actortorrent.actors.known_peers import KnownPeer, KnownPeers
from actortorrent.actors.listening import accept_some, open_listeners
from actortorrent.rules.choking import (
    REVIEW_SECONDS,
    PeerRates,
    SlotDecision,
    default_slot_count,
    fill_free_slots,
    review_slots,
)
from actortorrent.rules.dht_limits import Allowance
from actortorrent.rules.rates import FairShare

if TYPE_CHECKING:
    from actortorrent.actors.inbox import Timer
    from actortorrent.actors.peer import PeerProxy
    from actortorrent.actors.reporter import ReporterProxy
    from actortorrent.actors.swarm import SwarmProxy

ACCEPTS_A_TURN = 16
ACCEPTS_A_SECOND, ACCEPTS_AT_ONCE = 300.0, 200.0  # each costs about a millisecond
ACCEPT_REST_SECONDS = 0.05  # when they are more: the others wait with the system
ACCEPT_PAUSE_SECONDS = 1.0  # when the process has no descriptor left
GRANT_SECONDS = 0.1  # between two grants, and less where a limit is high:
GRANT_BYTES = 512 * 1024  # at a time, or a peer would have used its grant up long before the next
LEAST_GRANT_SECONDS = 0.005
REPORT_SECONDS = 0.2


class Seeder(SocketActor):
    """Accept connections, and share our upload among the peers.

    Args:
        swarm: is told of every connection accepted.
        reporter: is told what all peers have transferred.
        listens: whether peers may dial us at all.
        port, bind: where to listen, see `open_listeners`.
        upload_limit, download_limit: bytes a second for all peers together, or None.
        slots: how many peers to serve at once, None for the default rule.
        pace: how many times as fast as usual slots are reviewed and turns pass.

    Raises:
        UsageError: if that port or address cannot be listened on.
    """

    def __init__(
        self,
        runtime: Runtime,
        swarm: SwarmProxy,
        reporter: ReporterProxy,
        *,
        listens: bool = True,
        port: int | None = None,
        bind: str | None = None,
        upload_limit: float | None = None,
        download_limit: float | None = None,
        slots: int | None = None,
        pace: float = 1.0,
    ) -> None:
        # May fail: before there is anything to free.
        self._listeners = open_listeners(port, bind) if listens else ()
        super().__init__(runtime, "Seeder")
        self._swarm = swarm
        self._reporter = reporter
        self._slots = default_slot_count(upload_limit) if slots is None else slots
        self._pace = pace
        self._rng = random.Random(runtime.rng.random())
        self._peers = KnownPeers()
        self._will_report = False
        self._is_seeding = False
        self._upload_share = FairShare(upload_limit) if upload_limit else None
        self._download_share = FairShare(download_limit) if download_limit else None
        self._grant_timer: Timer | None = None
        self._granted_at = float("-inf")
        self._accepting = Allowance(ACCEPTS_A_SECOND, ACCEPTS_AT_ONCE, time.monotonic())
        highest = max(upload_limit or 1.0, download_limit or 1.0)
        self._grant_seconds = max(LEAST_GRANT_SECONDS, min(GRANT_SECONDS, GRANT_BYTES / highest))

    def on_start(self) -> None:
        """Let others dial us, and begin to review the slots."""
        if self._listeners:
            self._record("bt:listening", {"port": self.listening_port()})
        self._after(REVIEW_SECONDS / self._pace, "_review")

    def on_end(self, error: BaseException | None) -> None:  # noqa: ARG002 - the hook's signature
        """Listen no more, and tell the last totals."""
        for listener in self._listeners:
            self._unwatch(listener)
            listener.close()
        self._report()

    def listening_port(self) -> int:
        """Answer with the port that peers can reach us on, 0 if they cannot."""
        return int(self._listeners[0].getsockname()[1]) if self._listeners else 0

    # --- accepting --------------------------------------------------------------------------

    def take_connections(self) -> None:
        """Accept from now on; who dialled while it was not known what we have, has waited."""
        for listener in self._listeners:
            self._watch(listener, "_accept")

    def _accept(self, listener: socket.socket, _readable: bool, _writable: bool) -> None:
        """Accept some, but no more a second than can be dealt with: the system lets others wait."""
        now = time.monotonic()
        try:
            for sock, address in accept_some(listener, ACCEPTS_A_TURN):
                self._record("bt:connection_accepted", {"address": str(address)})
                self._swarm.connection_accepted.defer(sock, address)
                if not self._accepting.take(now):
                    self._rest_from(listener, ACCEPT_REST_SECONDS)
                    return
        except OSError as error:
            self._record("bt:accept_failed", {"error": str(error)})
            self._rest_from(listener, ACCEPT_PAUSE_SECONDS)

    def _rest_from(self, listener: socket.socket, seconds: float) -> None:
        self._unwatch(listener)
        self._after(seconds, "_accept_again", listener)

    def _accept_again(self, listener: socket.socket) -> None:
        self._watch(listener, "_accept")

    # --- the peers' facts ---------------------------------------------------------------------

    def peer_joined(self, conn: int, proxy: PeerProxy) -> None:
        """Learn of a peer that has shaken hands and heard what we have."""
        peer = self._peers[conn]
        peer.proxy = proxy
        peer.connected_at = self._now()
        self._grant_early_wishes(peer)
        self._fill_slots()

    def peer_interested(self, conn: int, is_interested: bool) -> None:
        """Learn whether a peer wants anything that we have."""
        peer = self._peers[conn]
        if peer.is_interested != is_interested:
            peer.is_interested = is_interested
            self._fill_slots()

    def peer_rates(self, rates: PeerRates) -> None:
        """Learn how fast bytes go from a peer and to it."""
        self._peers[rates.conn].rates = rates
        self._report_soon()

    def peer_left(self, conn: int) -> None:
        """Forget a peer; its slot is free."""
        self._peers.forget(conn)
        for share in (self._upload_share, self._download_share):
            if share is not None:
                share.forget(conn)
        self._fill_slots()

    def mode_changed(self, is_seeding: bool) -> None:
        """Learn whether we still fetch, and peers can repay, or only give."""
        if self._is_seeding != is_seeding:
            self._is_seeding = is_seeding
            self._fill_slots()

    # --- who is served --------------------------------------------------------------------------

    def _review(self) -> None:
        self._after(REVIEW_SECONDS / self._pace, "_review")
        now = self._now()
        standings = self._peers.standings()
        if standings:
            decision = review_slots(
                standings, self._slots, is_seeding=self._is_seeding, now=now, rng=self._rng
            )
            self._carry_out(decision, now)
            self._record_decision(decision)

    def _fill_slots(self) -> None:
        now = self._now()
        decision = fill_free_slots(
            self._peers.standings(),
            self._slots,
            is_seeding=self._is_seeding,
            now=now,
            rng=self._rng,
        )
        if self._carry_out(decision, now):
            self._record_decision(decision)
        self._report_soon()

    def _now(self) -> float:
        """Return the time by which turns are measured, in seconds: at a pace of 2, twice as fast."""
        return time.monotonic() * self._pace

    def _carry_out(self, decision: SlotDecision, now: float) -> bool:
        """Tell those peers for whom something changes, and say whether there were any."""
        has_changed = False
        for verdict in decision.verdicts:
            peer = self._peers[verdict.conn]
            if peer.conn in decision.new_turns:
                peer.turn_began_at = now
            if peer.proxy is not None and peer.is_choked == verdict.is_unchoked:
                has_changed = True
                peer.is_choked = not verdict.is_unchoked
                (peer.proxy.unchoke if verdict.is_unchoked else peer.proxy.choke).defer()
        return has_changed

    def _record_decision(self, decision: SlotDecision) -> None:
        if self._inbox.recorder is None:
            return
        self._decide(
            "unchoke",
            [f"Peer-{conn}" for conn in sorted(decision.unchoked)],
            candidates=[
                {
                    "peer": f"Peer-{verdict.conn}",
                    "is_unchoked": verdict.is_unchoked,
                    "reason": verdict.reason,
                    "download_rate": verdict.download_rate,
                    "upload_rate": verdict.upload_rate,
                    "turn_seconds": verdict.turn_seconds,
                    "recent_downloaded_bytes": verdict.recent_download.byte_count,
                    "recent_download_seconds": verdict.recent_download.seconds,
                    "recent_uploaded_bytes": verdict.recent_upload.byte_count,
                    "recent_upload_seconds": verdict.recent_upload.seconds,
                }
                for verdict in decision.verdicts
            ],
            rule=decision.rule,
            slots=self._slots,
            bep=3,
            **({} if self._pace == 1 else {"pace": self._pace}),
        )

    # --- telling --------------------------------------------------------------------------------

    def _report_soon(self) -> None:
        if not self._will_report:
            self._will_report = True
            self._after(REPORT_SECONDS, "_report")

    def _report(self) -> None:
        self._will_report = False
        self._reporter.transfer_changed.defer(self._peers.transfer_status())

    # --- limits ---------------------------------------------------------------------------------

    def wants_upload(self, conn: int, byte_count: int) -> None:
        """Grant a peer's actor bytes to send, as soon as the limit allows, maybe fewer."""
        self._wants(self._upload_share, conn, byte_count)

    def wants_download(self, conn: int, byte_count: int) -> None:
        """Grant a peer's actor bytes to read, as soon as the limit allows, maybe fewer."""
        self._wants(self._download_share, conn, byte_count)

    def _wants(self, share: FairShare | None, conn: int, byte_count: int) -> None:
        peer = self._peers[conn]
        if share is None:
            return
        if peer.proxy is None:
            peer.early_wishes.append((share, byte_count))
        else:
            share.wants(conn, byte_count)
            self._grant_soon()

    def _grant_early_wishes(self, peer: KnownPeer) -> None:
        for share, byte_count in peer.early_wishes:
            share.wants(peer.conn, byte_count)
        peer.early_wishes.clear()
        self._grant_soon()

    def _grant_soon(self) -> None:
        """Run the timer while somebody waits, and only then."""
        shares = (self._upload_share, self._download_share)
        is_anyone_waiting = any(share is not None and share.is_anyone_waiting for share in shares)
        if is_anyone_waiting and self._grant_timer is None:
            delay = self._granted_at + self._grant_seconds - time.monotonic()
            self._grant_timer = self._after(max(0.0, delay), "_grant")

    def _grant(self) -> None:
        self._grant_timer = None
        now = self._granted_at = time.monotonic()
        if self._upload_share is not None:
            for conn, byte_count in self._upload_share.grants(now):
                self._joined_proxy(conn).grant_upload.defer(byte_count)
        if self._download_share is not None:
            for conn, byte_count in self._download_share.grants(now):
                self._joined_proxy(conn).grant_download.defer(byte_count)
        self._grant_soon()

    def _joined_proxy(self, conn: int) -> PeerProxy:
        proxy = self._peers[conn].proxy
        assert proxy is not None  # wishes count only once it has joined
        return proxy


class SeederProxy(Proxy):
    """The messages that the seeder takes."""

    listening_port = message(Seeder.listening_port)
    take_connections = message(Seeder.take_connections)
    peer_joined = message(Seeder.peer_joined)
    peer_interested = message(Seeder.peer_interested)
    peer_rates = message(Seeder.peer_rates)
    peer_left = message(Seeder.peer_left)
    mode_changed = message(Seeder.mode_changed)
    wants_upload = message(Seeder.wants_upload)
    wants_download = message(Seeder.wants_download)
