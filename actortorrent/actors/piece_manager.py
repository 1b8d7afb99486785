"""`PieceManager`: which piece is where, who has it, and who fetches what next.

It owns the ledger, the availability and the buffers. Peers tell it what they have and
when they want work; it answers with leases, now or as soon as there is something to
lend (`piece_lending.py`). The storage tells it what was written, verified or failed; it passes the news on:
`we_have` to those who lack a piece, `cancel_leases` to those who fetch what came
meanwhile, and whether they still interest us to all.

It also judges: a peer that alone sent a piece that failed its hash is reported at
once; where several had a part in it, the piece is fetched again from one of them, and
the storage then compares who had sent what.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from actortorrent.actors.base import Proxy, Runtime, message
from actortorrent.actors.fetching_peers import FetchingPeer
from actortorrent.actors.peer_values import Parting
from actortorrent.actors.piece_lending import PieceLending
from actortorrent.rules.bitfield import (
    all_pieces,
    from_wire,
    indexes_of,
    mask_of,
    to_wire,
    without,
)
from actortorrent.rules.borrowing import GivenBack
from actortorrent.rules.geometry import Geometry
from actortorrent.rules.leases import StoredRun
from actortorrent.rules.lending import Lender
from actortorrent.rules.partial_pieces import EARLIER_SESSION
from actortorrent.rules.statuses import PiecesStatus
from actortorrent.rules.web_seeds import is_web_seed, source_name

if TYPE_CHECKING:
    from actortorrent.actors.peer import PeerProxy
    from actortorrent.actors.reporter import ReporterProxy
    from actortorrent.actors.seeder import SeederProxy
    from actortorrent.actors.swarm import SwarmProxy
    from actortorrent.rules.picker_policies import PickPolicy

ALONE_SECONDS = 60.0  # for one peer to fetch a suspect piece; a guilty one may dawdle


class PieceManager(PieceLending):
    """Know every piece's state, and lend blocks to the peers."""

    def __init__(
        self,
        runtime: Runtime,
        geometry: Geometry,
        wanted: int,
        reporter: ReporterProxy,
        *,
        is_sequential: bool = False,
        policy: PickPolicy | None = None,
        is_seed_only: bool = False,
    ) -> None:
        lender = Lender(
            geometry,
            wanted,
            random.Random(runtime.rng.random()),
            is_sequential=is_sequential,
            policy=policy,
        )
        super().__init__(runtime, "PieceManager", lender)
        self._geometry = geometry
        self._is_seed_only = is_seed_only
        self._reporter = reporter
        self._swarm: SwarmProxy | None = None
        self._seeder: SeederProxy | None = None
        self._availability = lender.availability
        self._everything = all_pieces(geometry.piece_count)
        self._wasted_bytes = 0
        self._was_complete = False
        self._will_report = False

    def report_to(self, swarm: SwarmProxy, seeder: SeederProxy) -> None:
        """Learn whom to tell of peers that misbehave, and of the end of fetching."""
        self._swarm = swarm
        self._seeder = seeder

    # --- the peers' facts ---------------------------------------------------------------------

    def peer_joined(self, conn: int, proxy: PeerProxy) -> None:
        """Tell a new peer what we have."""
        self._peers.join(conn, proxy)
        verified = self._ledger.verified
        if self._ledger.is_complete:
            proxy.we_are_complete.defer()
        proxy.introduce.defer(to_wire(verified, self._geometry.piece_count) if verified else b"")

    def peer_has_bitfield(self, conn: int, bits: bytes) -> None:
        """Learn all that a peer has."""
        peer = self._peers.find(conn)
        if peer is not None:
            self._peer_gained(peer, from_wire(bits, self._geometry.piece_count))

    def peer_has(self, conn: int, piece_indexes: tuple[int, ...]) -> None:
        """Learn of pieces more that a peer has."""
        peer = self._peers.find(conn)
        if peer is not None:
            self._peer_gained(peer, mask_of(piece_indexes))

    def peer_lacks(self, conn: int, bits: bytes) -> None:
        """Learn that a web seed does not have pieces that it was thought to have."""
        peer = self._peers.find(conn)
        if peer is not None:
            lost = from_wire(bits, self._geometry.piece_count) & peer.pieces
            peer.pieces &= ~lost
            self._availability.remove(lost)
            self._reconsider(peer)

    def peer_allows_fast(self, conn: int, piece_indexes: tuple[int, ...]) -> None:
        """Learn of pieces that a peer serves even while it chokes us (BEP 6)."""
        peer = self._peers.find(conn)
        if peer is not None:
            peer.allows |= mask_of(piece_indexes)
            if peer.wants_bytes:
                self._feed(peer)

    def peer_unchoked_us(self, conn: int, is_unchoked: bool) -> None:
        """Learn whether a peer would serve us."""
        peer = self._peers.find(conn)
        if peer is not None:
            self._peers.unchoked(peer, is_unchoked)
            peer.wants_bytes = 0
            self._report_soon()

    def wants_work(self, conn: int, byte_count: int) -> None:
        """Lend a peer runs of about `byte_count` bytes, now or when there are some."""
        peer = self._peers.find(conn)
        if peer is not None:
            peer.wants_bytes = byte_count
            self._feed(peer)
            self._feed_all_in_endgame()

    def leases_filled(self, conn: int, lease_ids: tuple[int, ...], wants_bytes: int) -> None:
        """Note that all blocks of some leases came, and are on their way to the storage.

        The peer wants so many bytes more, as in `wants_work`; 0: it has enough to do.
        """
        for lease_id in lease_ids:
            self._ledger.fill(lease_id)
        if wants_bytes:
            self.wants_work(conn, wants_bytes)

    def leases_returned(self, conn: int, given_back: tuple[GivenBack, ...]) -> None:
        """Take back what a peer does not fetch after all."""
        self._take_back(conn, given_back)
        self._feed_all()

    def _take_back(self, conn: int, given_back: tuple[GivenBack, ...]) -> None:
        for lease in given_back:
            self._ledger.give_back(lease.lease_id, lease.missing)
        self._lender.picker.let_go(conn)

    def peer_left(self, conn: int, given_back: tuple[GivenBack, ...], last_lease_id: int) -> None:
        """Take back all that a peer had and did not hand over.

        Leases behind `last_lease_id` were on their way to it, and never reached it.
        """
        peer = self._peers.leave(conn)
        if peer is None:
            return
        self._availability.remove(peer.pieces)
        self._take_back(conn, given_back)
        for loan in self._ledger.loans_of(conn):
            if loan.lease_id > last_lease_id:
                self._ledger.take_back(loan.lease_id)
        self._feed_all()
        self._report_soon()

    # --- the storage's facts --------------------------------------------------------------------

    def content_checked(self, verified: int) -> None:
        """Learn which pieces are on disk already."""
        if self._is_seed_only:
            self._ledger.want(verified)
        self._ledger.find_verified(verified)
        self.report()
        self._reporter.content_known.defer(self._ledger.is_complete)
        self._tell_if_complete()

    def runs_stored(
        self,
        conn: int,
        stored: tuple[StoredRun, ...],
        verified: tuple[int, ...],
    ) -> None:
        """Take buffers back, note what was written, and which pieces now match their hash."""
        news = mask_of(verified)
        self._stored_count += 1
        for one in stored:
            self._cancel(self._ledger.store(one.lease_id, one.run, news))
            self._lender.take_back(one.buffer)
        for piece_index in indexes_of(without(news, self._ledger.verified)):
            self._cancel(self._ledger.verify(piece_index))
        if verified:
            self._peers.clear_of(news)
            self._spread(verified, news)
        self._feed_after_store(conn, is_right=bool(verified))

    def _spread(self, verified: tuple[int, ...], news: int) -> None:
        """Spread the news of pieces that matched their hash."""
        for piece_index in verified:
            self._record("bt:piece_verified", {"piece": piece_index})
        for peer in self._peers:
            lacks = without(news, peer.pieces)
            if lacks:
                peer.proxy.we_have.defer(tuple(indexes_of(lacks)))
        self._reconsider(*self._peers)
        self._report_soon()
        self._tell_if_complete()

    def piece_failed(self, piece_index: int, contributors: tuple[int, ...]) -> None:
        """Fetch a piece again; report the peer that sent it, if it was only one."""
        self._wasted_bytes += self._geometry.piece_size(piece_index)
        self._record("bt:piece_failed", {"piece": piece_index, "contributors": contributors})
        is_solved = len(contributors) == 1 and contributors[0] != EARLIER_SESSION
        self._cancel(self._ledger.fail(piece_index, is_suspect=not is_solved))
        if is_solved:
            self._accuse(contributors[0], piece_index)
        else:
            self._peers.doubt(piece_index, contributors)
            self._after(ALONE_SECONDS, "_fetch_together", piece_index)
        self._feed_all()

    def _fetch_together(self, piece_index: int) -> None:
        self._ledger.trust(piece_index)
        self._peers.clear_of(1 << piece_index)
        self._feed_all()

    def peers_sent_bad_data(self, piece_index: int, conns: tuple[int, ...]) -> None:
        """Report peers whose blocks differ from those of the piece that matched."""
        for conn in conns:
            self._accuse(conn, piece_index)

    def piece_lost(self, piece_index: int) -> None:
        """Note that a piece that was verified can no longer be read."""
        if self._ledger.verified >> piece_index & 1:
            self._ledger.lose(piece_index)
            self._reconsider(*self._peers)
            self._feed_all()
            self._report_soon()

    def _accuse(self, conn: int, piece_index: int) -> None:
        """Have a peer banned; what is found out of it later changes nothing any more."""
        if not self._peers.accuse(conn):
            return
        reason = f"sent bad data for piece {piece_index}"
        self._decide("ban_peer", source_name(conn), piece=piece_index, rule="bad data")
        peer = self._peers.find(conn)
        if is_web_seed(conn):  # the swarm knows of peers alone
            if peer is not None:
                peer.proxy.leave.defer(Parting.MISBEHAVED, reason)
        elif self._swarm is not None:
            self._swarm.peer_misbehaved.defer(conn, reason)

    # --- interest ------------------------------------------------------------------------------------

    def _peer_gained(self, peer: FetchingPeer, pieces: int) -> None:
        gained = without(pieces, peer.pieces)
        peer.pieces |= gained
        self._availability.add(gained)
        self._reconsider(peer)
        if peer.wants_bytes:
            self._feed(peer)

    def _reconsider(self, *peers: FetchingPeer) -> None:
        """Tell peers whether they interest us, when that changes."""
        lacking = self._ledger.lacking
        for peer in peers:
            is_interesting = bool(peer.pieces & lacking)
            if is_interesting != peer.is_interesting:
                peer.is_interesting = is_interesting
                peer.proxy.show_interest.defer(is_interesting)
                self._report_soon()
            if not lacking and peer.pieces == self._everything:
                peer.proxy.leave.defer(Parting.NOTHING_TO_TRADE, "both have everything")

    # --- telling ----------------------------------------------------------------------------------------

    def _tell_if_complete(self) -> None:
        is_complete = self._ledger.is_complete
        if is_complete and not self._was_complete:
            self.report()
            self._reporter.content_completed.defer()
            for peer in self._peers:
                peer.proxy.we_are_complete.defer()
            if self._swarm is not None and self._seeder is not None:
                self._swarm.we_are_complete.defer()
                self._seeder.mode_changed.defer(True)
        self._was_complete = is_complete

    def _report_soon(self) -> None:
        if not self._will_report:
            self._will_report = True
            self._after(0.2, "report")

    def report(self) -> None:
        """Tell the reporter now how the pieces stand."""
        self._will_report = False
        ledger = self._ledger
        self._reporter.pieces_changed.defer(
            PiecesStatus(
                wanted_pieces=ledger.wanted.bit_count(),
                verified_pieces=(ledger.verified & ledger.wanted).bit_count(),
                wanted_bytes=self._lender.wanted_bytes,
                verified_bytes=self._lender.verified_bytes,
                wasted_bytes=self._wasted_bytes + ledger.bytes_twice,
                peers_with_wanted=self._peers.interesting_count,
                peers_unchoking_us=self._peers.unchoking_count,
                unavailable_pieces=self._availability.nobody_has(ledger.lacking).bit_count(),
                is_complete=ledger.is_complete,
            )
        )


class PieceManagerProxy(Proxy):
    """The messages that the piece manager takes."""

    report_to = message(PieceManager.report_to)
    peer_joined = message(PieceManager.peer_joined)
    peer_has_bitfield = message(PieceManager.peer_has_bitfield)
    peer_has = message(PieceManager.peer_has)
    peer_lacks = message(PieceManager.peer_lacks)
    peer_allows_fast = message(PieceManager.peer_allows_fast)
    peer_unchoked_us = message(PieceManager.peer_unchoked_us)
    wants_work = message(PieceManager.wants_work)
    leases_filled = message(PieceManager.leases_filled)
    leases_returned = message(PieceManager.leases_returned)
    peer_left = message(PieceManager.peer_left)
    content_checked = message(PieceManager.content_checked)
    runs_stored = message(PieceManager.runs_stored)
    piece_failed = message(PieceManager.piece_failed)
    peers_sent_bad_data = message(PieceManager.peers_sent_bad_data)
    piece_lost = message(PieceManager.piece_lost)
    report = message(PieceManager.report)
