"""Which piece a peer is lent next: random first, rarest first, in order, or the endgame.

* The first few pieces are picked at random: a whole piece to trade matters more
  than a rare one (BEP 3's author: "random first piece").
* Then the piece that the fewest peers have, by chance among equals, so that peers
  differ in what they hold and no piece dies with its last owner.
* Pieces already begun come before new ones that are as rare: only a whole piece can
  be verified, shared and forgotten. A rarer new one comes first: what is left of a
  begun piece, others have too, and to ask the one who has the rare for it would cost
  the swarm its only source. Where very many are begun, all of them come first.
* `is_sequential` takes the lowest piece instead, for playing while fetching; and so
  may a policy of the user's take what it likes (`picker_policies.py`).
* A peer that is quick keeps to the large piece it began, and others leave it to it: then
  its runs come in order, and are hashed as they come. So it is while it waits for more to be
  lent; but what it gives back, or is lent nothing of for long, is anybody's.
* Of pieces smaller than a run, neighbours that are as rare are lent with it, in a row:
  they then cost no more than large ones, to us, to the peer and to the disks of both. The
  first few come one by one: a row is whole, and to be traded, only with its last piece.
* When every block is lent and some are still out, they are lent a second time
  (endgame), so that the last blocks do not wait for the slowest peer. So they are where
  nothing comes for a while (`is_stuck`), though there are pieces that nobody here has.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from msgspec import Struct

from actortorrent.rules.availability import Availability
from actortorrent.rules.bitfield import indexes_of, random_set_bit
from actortorrent.rules.geometry import BLOCK_BYTES, Geometry, Run
from actortorrent.rules.loans import Loan
from actortorrent.rules.picker_policies import (
    PickPolicy,
    PieceCounts,
    Pieces,
    RandomFirst,
    RarestFirst,
    Sequential,
    choose_piece,
    rule_of,
)
from actortorrent.rules.piece_ledger import PieceLedger

RANDOM_FIRST_PIECES = 4
RANDOM_FIRST, RAREST_FIRST = RandomFirst(), RarestFirst()
BEGUN, ENDGAME = "piece already begun", "endgame"  # rules by which no new piece is lent
MOST_BEGUN = 32  # pieces, before even rarer ones have to wait
LEAST_SHARE_BYTES = 128 * 1024
LEAST_KEPT_BYTES = 1024 * 1024  # wanted at a time by a peer that is quick enough to keep a piece
KEPT_TURNS = 64  # of all peers that keep a piece, before another may take it over
MAX_RUN_BYTES = 2 * 1024 * 1024  # a larger piece is lent in runs of this size, to several peers


def lease_bytes(wanted_bytes: int, lacking_bytes: int, peer_count: int) -> int:
    """Return how many bytes to lend a peer that wants `wanted_bytes`.

    Towards the end the leases shrink with what is lacking, so that all peers finish
    together and little is left to be lent twice. Below a whole run it is a power of two
    blocks, so that buffers fit again when they come back.
    """
    share = lacking_bytes // (2 * max(1, peer_count))
    most_bytes = min(wanted_bytes, max(LEAST_SHARE_BYTES, share))
    if most_bytes >= MAX_RUN_BYTES or most_bytes < BLOCK_BYTES:
        return most_bytes
    return 1 << most_bytes.bit_length() - 1


def is_new_piece(rule: str) -> bool:
    """Say whether a piece lent by this rule was untouched before."""
    return rule not in {BEGUN, ENDGAME}


class Pick(Struct, frozen=True):
    """Say what was lent, and why: `rule` names the paragraph above."""

    loan: Loan
    rule: str


class PiecePicker:
    """Choose, for one peer at a time, what it is to fetch next, and lend it.

    Attributes:
        is_stuck: lend again what is lent, as in the endgame, though blocks are left to lend.
    """

    def __init__(
        self,
        ledger: PieceLedger,
        availability: Availability,
        geometry: Geometry,
        rng: random.Random,
        *,
        is_sequential: bool = False,
        policy: PickPolicy | None = None,
    ) -> None:
        self._ledger = ledger
        self._geometry = geometry
        self._rng = rng
        self._is_beginning = True
        self.is_stuck = False
        self._availability = availability
        self._counts = PieceCounts(availability)
        self._policy = policy or (Sequential() if is_sequential else None)
        self._is_large = geometry.piece_length > MAX_RUN_BYTES
        self._keepers = _Keepers()

    def lend(self, conn: int, peers_pieces: int, most_bytes: int) -> Iterator[Pick]:
        """Lend a peer runs of about `most_bytes` together; the first may be more, by a block.

        After the first, a new piece is lent only if its run fits whole: a piece that comes
        in one run is hashed from memory and written once. Nor is a little more lent of large
        pieces, which would only cut up what others began.
        """
        bytes_left = most_bytes
        least_bytes = LEAST_KEPT_BYTES if self._is_large else BLOCK_BYTES
        while bytes_left >= least_bytes or bytes_left == most_bytes > 0:
            is_first = bytes_left == most_bytes
            pick = self._lend_one(conn, peers_pieces, bytes_left, is_first=is_first)
            if pick is None:
                return
            bytes_left -= pick.loan.run.length
            yield pick

    def let_go(self, conn: int) -> None:
        """Let others go on with the large piece of a peer that gave back what it was lent."""
        self._keepers.let_go(conn)

    def _lend_one(
        self, conn: int, peers_pieces: int, most_bytes: int, *, is_first: bool
    ) -> Pick | None:
        fresh = self._ledger.untouched & peers_pieces
        begun = self._ledger.open & peers_pieces
        rarest = self._rarest(begun, fresh)
        may_begin = bool(fresh) and begun.bit_count() <= MOST_BEGUN
        lendable = self._lendable(conn, begun & rarest if rarest else begun)
        begun_piece = self._choose_begun(conn, lendable, most_bytes, may_begin=may_begin)
        if begun_piece is not None:
            return Pick(self._lend(conn, begun_piece, most_bytes), BEGUN)
        if fresh:
            return self._lend_fresh(conn, fresh, rarest & fresh, most_bytes, is_first=is_first)
        return self._lend_again(conn, peers_pieces, most_bytes) if is_first else None

    def _rarest(self, begun: int, fresh: int) -> int:
        """Return the rarest of both, where only these may be lent; nothing where others may."""
        is_by_rarity = begun and fresh and self._policy is None
        if not is_by_rarity or begun.bit_count() > MOST_BEGUN:
            return 0
        return self._availability.rarest(begun | fresh)

    def _lendable(self, conn: int, begun: int) -> Iterator[int]:
        may_lend = self._ledger.may_lend
        return (
            (index for index in indexes_of(begun) if may_lend(index, conn)) if begun else iter(())
        )

    def _choose_begun(
        self, conn: int, lendable: Iterator[int], most_bytes: int, *, may_begin: bool
    ) -> int | None:
        """Return the piece to go on with; None: a new one is to be begun, or there is nothing.

        Of large pieces each is left to who keeps it; who asks for little, being slow, keeps none.
        """
        if not self._is_large:
            return next(lendable, None)
        begun = list(lendable)
        own = self._keepers.piece_of(conn, begun)
        if own is None and most_bytes < LEAST_KEPT_BYTES:
            return next(iter(begun), None)
        if own is None:
            own = next((index for index in begun if not self._keepers.is_kept(index)), None)
        if own is None and not may_begin:
            own = next(iter(begun), None)
        if own is not None:
            self._keep(conn, own)
        return own

    def _keep(self, conn: int, piece_index: int) -> None:
        if self._is_large:
            self._keepers.keep(conn, piece_index, self._ledger.open)

    def _lend_fresh(
        self, conn: int, fresh: int, rarest: int, most_bytes: int, *, is_first: bool
    ) -> Pick | None:
        """Choose a new piece, and lend it; `rarest` are the rarest, where that is known already."""
        policy = self._policy or self._usual_policy()
        if policy is RAREST_FIRST:
            fresh = rarest or self._availability.rarest(fresh)
            piece_index = random_set_bit(fresh, self._rng)
        else:
            piece_index = choose_piece(policy, Pieces(fresh), self._counts, self._rng)
        row = self._row_at(piece_index, fresh, policy)
        run_bytes = self._first_run_bytes(piece_index) if row is None else row.length
        if not is_first and most_bytes < run_bytes:
            return None
        if row is None or most_bytes < 2 * self._geometry.piece_length:
            self._keep(conn, piece_index)
            return Pick(self._lend(conn, piece_index, most_bytes), rule_of(policy))
        return Pick(self._ledger.lend_row(conn, self._cut(row, most_bytes)), rule_of(policy))

    def _row_at(self, piece_index: int, pieces: int, policy: PickPolicy) -> Run | None:
        """Return the row to lend with a piece; None where it is lent alone."""
        if not isinstance(policy, (RarestFirst, Sequential)):
            return None
        return self._ledger.row_at(
            piece_index, pieces, MAX_RUN_BYTES // self._geometry.piece_length
        )

    def _cut(self, row: Run, most_bytes: int) -> Run:
        """Return the beginning of a row."""
        most_pieces = most_bytes // self._geometry.piece_length
        return (
            row
            if most_pieces >= row.piece_count
            else self._geometry.row(row.piece_index, most_pieces)
        )

    def _usual_policy(self) -> PickPolicy:
        if self._is_beginning:  # and once that is over, they need not be counted any more
            self._is_beginning = self._ledger.verified.bit_count() < RANDOM_FIRST_PIECES
        return RANDOM_FIRST if self._is_beginning else RAREST_FIRST

    def _lend(self, conn: int, piece_index: int, most_bytes: int) -> Loan:
        return self._ledger.lend(conn, piece_index, min(most_bytes, MAX_RUN_BYTES))

    def _first_run_bytes(self, piece_index: int) -> int:
        return min(self._geometry.piece_size(piece_index), MAX_RUN_BYTES)

    def _lend_again(self, conn: int, peers_pieces: int, most_bytes: int) -> Pick | None:
        if not self._ledger.is_all_lent and not self.is_stuck:
            return None
        loan = next(self._ledger.loans_to_double(conn, peers_pieces), None)
        if loan is None:
            return None
        again = self._ledger.lend_again(conn, loan, min(most_bytes, MAX_RUN_BYTES))
        return Pick(again, ENDGAME)


class _Keepers:
    """Who fetches which large piece: so that each comes from one peer, and in order.

    A piece is let go of when its keeper was lent nothing of it for long, while others were.
    """

    __slots__ = ("_kept", "_turns")

    def __init__(self) -> None:
        self._kept: dict[int, tuple[int, int]] = {}  # by piece: the peer, and its last turn
        self._turns = 0

    def keep(self, conn: int, piece_index: int, still_open: int) -> None:
        """Note that a peer is lent of a piece now; forget pieces that are over."""
        self._turns += 1
        for index in [index for index in self._kept if not still_open >> index & 1]:
            del self._kept[index]
        self._kept[piece_index] = (conn, self._turns)

    def let_go(self, conn: int) -> None:
        """Forget what a peer kept."""
        self._kept = {index: kept for index, kept in self._kept.items() if kept[0] != conn}

    def piece_of(self, conn: int, begun: list[int]) -> int | None:
        """Return the one of these that a peer keeps."""
        return next((index for index in begun if self._kept.get(index, (None,))[0] == conn), None)

    def is_kept(self, piece_index: int) -> bool:
        """Say whether somebody keeps a piece."""
        kept = self._kept.get(piece_index)
        return kept is not None and self._turns - kept[1] < KEPT_TURNS
