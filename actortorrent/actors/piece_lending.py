"""`PieceLending`: the part of the piece manager that lends runs to the peers that wait for work.

Who waits gets something as soon as there is a run for it and a buffer. When all that is
missing is lent, or nothing comes of what is, it is lent once more to others.
"""

from __future__ import annotations

from collections.abc import Iterable

from actortorrent.actors.base import Actor, Runtime
from actortorrent.actors.fetching_peers import FetchingPeer, FetchingPeers
from actortorrent.rules.leases import Lease
from actortorrent.rules.lending import Lender
from actortorrent.rules.loans import Loan
from actortorrent.rules.piece_picking import is_new_piece
from actortorrent.rules.web_seeds import source_name

VERDICT_SECONDS = 0.005  # from a run that is stored to the news that its piece is wrong
STUCK_SECONDS = 3.0  # in which nothing is stored, though some wait for work: lend it twice


class PieceLending(Actor):
    """Lend runs to peers; `PieceManager` knows what they have, and what became of it."""

    def __init__(self, runtime: Runtime, name: str, lender: Lender) -> None:
        super().__init__(runtime, name)
        self._lender = lender
        self._ledger = lender.ledger
        self._peers = FetchingPeers()
        self._was_endgame = False
        self._stored_count = 0  # how often the storage told of runs
        self._will_look_if_stuck = False

    def _feed_all(self) -> None:
        for peer in self._peers.modest(self._lender.most_wanted_bytes):
            self._feed(peer)
        self._look_soon_if_stuck()

    def _feed_after_store(self, conn: int, *, is_right: bool) -> None:
        """Feed all, but one that may be about to be found a liar: that is told in a moment."""
        bringer = self._peers.find(conn)
        if bringer is not None:
            bringer.is_proven = bringer.is_proven or is_right
        for peer in self._peers.modest(self._lender.most_wanted_bytes):
            if peer is not bringer or peer.is_proven:
                self._feed(peer)
        self._look_soon_if_stuck()
        if bringer is not None and not bringer.is_proven:
            self._after(VERDICT_SECONDS, "_feed_all")

    def _feed_all_in_endgame(self) -> None:
        """Lend once more to those who wait, at the moment when the endgame begins."""
        is_endgame = self._ledger.is_all_lent
        if is_endgame and not self._was_endgame:
            self._decide("endgame", "begun", blocks_out_bytes=self._ledger.bytes_out, bep=3)
            self._was_endgame = True
            self._feed_all()
        self._was_endgame = is_endgame

    def _feed(self, peer: FetchingPeer) -> None:
        pieces = peer.pieces if peer.unchokes_us else peer.pieces & peer.allows
        if peer.is_accused or not pieces or self._peers.must_wait(peer):
            return
        wanted = (peer.conn, pieces, self._trusted_with(peer))
        lent = list(self._lender.lend(*wanted, self._peers.unchoking_count))
        if lent:  # else it is fed when a buffer comes back, or somebody has something for it
            peer.wants_bytes = 0
            if self._inbox.recorder is not None:
                self._explain(peer, pieces, lent)
            peer.proxy.lease.defer(tuple([lease for lease, _ in lent]))
        else:
            self._look_soon_if_stuck()

    def _look_soon_if_stuck(self) -> None:
        may_be_stuck = bool(self._ledger.bytes_out) and not self._will_look_if_stuck
        if may_be_stuck and self._peers.hungry():
            self._will_look_if_stuck = True
            self._after(STUCK_SECONDS, "_look_if_stuck", self._stored_count)

    def _trusted_with(self, peer: FetchingPeer) -> int:
        """Return how much to lend a peer: little at a time, until a piece that it brought was right."""
        if peer.is_proven:
            return peer.wants_bytes
        out_bytes = sum(loan.run.length for loan in self._ledger.loans_of(peer.conn))
        return min(peer.wants_bytes, max(0, self._lender.trial_bytes - out_bytes))

    def _look_if_stuck(self, stored_before: int) -> None:
        """Lend once more to those who wait, if nothing comes of what is lent.

        In a swarm that has not all pieces there is no endgame: one silent peer would hold us up.
        """
        self._will_look_if_stuck = False
        if self._stored_count == stored_before and self._peers.hungry():
            self._decide("stuck", "lend again", blocks_out_bytes=self._ledger.bytes_out)
            self._lender.picker.is_stuck = True
            self._feed_all()
            self._lender.picker.is_stuck = False
        else:
            self._feed_all()

    def _explain(self, peer: FetchingPeer, pieces: int, lent: list[tuple[Lease, str]]) -> None:
        """Record why each was lent; what is counted over all pieces is counted once."""
        candidates = (self._ledger.untouched & pieces).bit_count()
        candidates += sum(lease.run.piece_count for lease, rule in lent if is_new_piece(rule))
        for lease, rule in lent:
            run = lease.run
            candidates -= is_new_piece(rule) and run.piece_count
            self._decide(
                "pick_piece",
                run.piece_index,
                peer=source_name(peer.conn),
                run=str(run),
                lease=lease.lease_id,
                rule=rule,
                peers_having_it=self._lender.availability.count(run.piece_index),
                candidates=candidates,
                **({"pieces": tuple(run.pieces)} if run.piece_count > 1 else {}),
            )

    def _cancel(self, loans: Iterable[Loan]) -> None:
        for loan in loans:
            peer = self._peers.find(loan.conn)
            if peer is not None:
                peer.proxy.cancel_leases.defer((loan.lease_id,))
