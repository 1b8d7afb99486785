"""The ledger among peers that come, fetch, choke and go, a disk that is slow, and late mail.

Every step is one step of an actor: what it tells others waits in their mailboxes and is
heard at some later step. So all orders in which messages can cross are tried.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from actortorrent.rules.availability import Availability
from actortorrent.rules.bitfield import indexes_of
from actortorrent.rules.borrowing import Borrowed, GivenBack
from actortorrent.rules.geometry import BLOCK_BYTES, Geometry, Run
from actortorrent.rules.leases import Cargo, FilledRun, Lease
from actortorrent.rules.loans import Loan
from actortorrent.rules.partial_pieces import EARLIER_SESSION, PartialPieces, contributors_of
from actortorrent.rules.piece_ledger import MOST_HOLDERS, PieceLedger
from actortorrent.rules.piece_picking import PiecePicker
from tests.rules.ledger_model import Model, block_set

PIECE_BYTES = 2 * BLOCK_BYTES + 9  # three blocks, the last one short
ODD = Geometry(PIECE_BYTES + BLOCK_BYTES + 1, PIECE_BYTES)  # so small that all of it happens
EVEN = Geometry(14 * BLOCK_BYTES + 9, 2 * BLOCK_BYTES)  # lent in rows; the last piece is short
MOST_PEERS = 4
HOW_MUCH = st.sampled_from([1, 100])  # one message, or all there are
ZEROS = memoryview(bytes(BLOCK_BYTES))


@dataclass
class Peer:
    """A peer's actor, as far as its leases go."""

    borrowed: Borrowed
    mail: deque[Lease | int] = field(default_factory=deque)  # a lease, or one to cancel
    expected: dict[int, Run] = field(default_factory=dict)


class LedgerInASwarm(RuleBasedStateMachine):
    """Play the piece manager, its peers and the storage."""

    geometry = ODD
    is_sequential = False

    def __init__(self) -> None:
        super().__init__()
        self.rng = random.Random(0)
        self.model = Model(self.geometry)
        self.pieces = self.geometry.piece_count
        self.all = (1 << self.pieces) - 1
        self.peers: dict[int, Peer] = {}
        self.known: dict[int, int] = {}  # what the manager believes to be there, and its pieces
        self.next_conn = 1
        self.to_manager: deque[Callable[[], None]] = deque()  # what it is told
        self.to_storage: deque[tuple[int, FilledRun]] = deque()
        self.partial = PartialPieces(self.geometry)
        self.on_disk = 0
        self.ledger = PieceLedger(self.geometry, self.all)
        self.picker = PiecePicker(
            self.ledger,
            Availability(),
            self.geometry,
            self.rng,
            is_sequential=self.is_sequential,
        )

    @initialize(data=st.data())
    def resume(self, data: st.DataObject) -> None:
        verified = data.draw(st.integers(0, self.all >> 1))
        piece_index = data.draw(st.integers(0, self.pieces - 1))
        self.on_disk = verified
        self.ledger.find_verified(verified)
        self.model.verified = set(indexes_of(verified))
        if not verified >> piece_index & 1:
            mask = data.draw(st.integers(0, self.geometry.all_blocks(piece_index) >> 1))
            self.partial.restore(piece_index, mask)
            for run in self.geometry.runs_of(piece_index, mask):
                self.run_stored(0, run, set())

    # --- peers --------------------------------------------------------------------------------

    @precondition(lambda self: len(self.peers) < MOST_PEERS)
    @rule(data=st.data())
    def somebody_joins(self, data: st.DataObject) -> None:
        self.join(data.draw(st.one_of(st.just(self.all), st.integers(0, self.all))))

    def join(self, pieces: int) -> None:
        self.peers[self.next_conn] = Peer(Borrowed(self.geometry))
        self.known[self.next_conn] = pieces
        self.next_conn += 1

    def some_peer(self, data: st.DataObject) -> tuple[int, Peer]:
        return data.draw(st.sampled_from(list(self.peers.items())))

    @precondition(lambda self: self.peers)
    @rule(data=st.data(), most_letters=HOW_MUCH, share=st.sampled_from([0.0, 0.5, 1.0]))
    def a_peer_works(self, data: st.DataObject, most_letters: int, share: float) -> None:
        conn, peer = self.some_peer(data)
        for _ in range(min(most_letters, len(peer.mail))):
            self.read_letter(peer)
        for run in list(peer.expected.values()):
            for block in self.geometry.blocks_of(run):
                if self.rng.random() < share:
                    self.block_comes(conn, *block)

    def read_letter(self, peer: Peer) -> None:
        letter = peer.mail.popleft()
        if isinstance(letter, Lease):
            peer.borrowed.borrow(letter)
            peer.expected[letter.lease_id] = letter.run
        else:
            peer.borrowed.cancel(letter)
            peer.expected.pop(letter, None)

    def block_comes(self, conn: int, piece_index: int, offset: int, length: int) -> None:
        peer = self.peers[conn]
        filled = peer.borrowed.block_came(piece_index, offset, ZEROS[:length])
        self.to_storage.extend((conn, one) for one in filled or ())
        for lease_id in {one.lease_id for one in filled or ()}:
            del peer.expected[lease_id]
            self.to_manager.append(partial(self.lease_filled, lease_id))

    @precondition(lambda self: any(peer.expected for peer in self.peers.values()))
    @rule(data=st.data(), share=st.sampled_from([0.1, 0.5, 1.0]))
    def a_peer_rejects(self, data: st.DataObject, share: float) -> None:
        conn = data.draw(st.sampled_from([c for c, peer in self.peers.items() if peer.expected]))
        peer = self.peers[conn]
        for run in peer.expected.values():
            for block in self.geometry.blocks_of(run):
                if self.rng.random() < share:
                    peer.borrowed.reject(*block)
        came, given_back = peer.borrowed.give_back_rejected()
        in_flight = peer.borrowed._fillings
        peer.expected = {key: run for key, run in peer.expected.items() if key in in_flight}
        self.to_storage.extend((conn, one) for one in came)
        self.to_manager.append(partial(self.leases_returned, given_back))

    def give_back(self, conn: int) -> tuple[GivenBack, ...]:
        peer = self.peers[conn]
        came, given_back = peer.borrowed.give_back()
        peer.expected.clear()
        self.to_storage.extend((conn, one) for one in came)
        return given_back

    @precondition(lambda self: any(peer.expected for peer in self.peers.values()))
    @rule(data=st.data(), is_for_good=st.booleans())
    def a_peer_stops(self, data: st.DataObject, is_for_good: bool) -> None:
        conn = data.draw(st.sampled_from([c for c, peer in self.peers.items() if peer.expected]))
        if is_for_good:
            self.leave(conn)
        else:
            self.to_manager.append(partial(self.leases_returned, self.give_back(conn)))

    def leave(self, conn: int) -> None:
        given_back = self.give_back(conn)
        peer = self.peers.pop(conn)
        last_lease_id = peer.borrowed.last_lease_id
        self.to_manager.append(partial(self.peer_left, conn, given_back, last_lease_id))

    # --- the storage ----------------------------------------------------------------------------

    @precondition(lambda self: self.to_storage)
    @rule(most=HOW_MUCH, is_good=st.booleans())
    def the_storage_works(self, most: int, is_good: bool) -> None:
        for _ in range(min(most, len(self.to_storage))):
            self.write(is_good=is_good)

    def write(self, *, is_good: bool) -> None:
        conn, filled = self.to_storage.popleft()
        parts = self.geometry.split(filled.run)
        failed: list[tuple[int, tuple[int, ...]]] = []
        verified = {
            part.piece_index
            for part in parts
            if self.write_part(conn, part, failed, is_good=is_good or self.rng.random() < 0.3)
        }
        self.to_manager.append(partial(self.run_stored, filled.lease_id, filled.run, verified))
        for piece_index, contributors in failed:
            self.to_manager.append(partial(self.piece_failed, piece_index, contributors))

    def write_part(
        self, conn: int, run: Run, failed: list[tuple[int, tuple[int, ...]]], *, is_good: bool
    ) -> bool:
        """Store a run of one piece; say whether it makes the piece whole and right."""
        piece_index = run.piece_index
        if self.on_disk >> piece_index & 1:
            return False
        senders: tuple[int, ...] = (conn,)
        if run != self.geometry.whole_piece(piece_index):
            for part in self.partial.missing_runs(run):
                self.partial.store(conn, part)
            if not self.partial.is_whole(piece_index):
                return False
            senders = contributors_of(self.partial.contributions(piece_index))
        self.partial.forget(piece_index)
        if is_good:
            self.on_disk |= 1 << piece_index
        else:
            failed.append((piece_index, senders))
        return is_good

    @precondition(lambda self: self.on_disk)
    @rule(data=st.data())
    def the_disk_loses_a_piece(self, data: st.DataObject) -> None:
        piece_index = data.draw(st.sampled_from(list(indexes_of(self.on_disk))))
        self.on_disk &= ~(1 << piece_index)
        self.to_manager.append(partial(self.piece_lost, piece_index))

    # --- the manager ------------------------------------------------------------------------------

    @precondition(lambda self: self.known)
    @rule(
        data=st.data(), block_counts=st.lists(st.sampled_from([1, 2, 9]), max_size=2 * MOST_PEERS)
    )
    def the_manager_lends(self, data: st.DataObject, block_counts: list[int]) -> None:
        for block_count in block_counts:
            conn = data.draw(st.sampled_from(list(self.known)))
            self.lend(conn, block_count * BLOCK_BYTES)

    def lend(self, conn: int, most_bytes: int) -> None:
        is_endgame = not any(self.model.missing(i) for i in self.lacking())
        for pick in self.picker.lend(conn, self.known[conn], most_bytes):
            loan = pick.loan
            assert loan.run.length <= max(most_bytes, BLOCK_BYTES)
            parts = self.geometry.split(loan.run)
            assert len(parts) == 1 or not self.model.suspects.keys() & set(loan.run.pieces)
            for part in parts:
                self.check_part(loan, part, is_endgame=is_endgame)
            self.model.lend(loan.lease_id, conn, loan.run)
            if conn in self.peers:  # or the message is left in a dead actor's mailbox
                lease = Lease(loan.lease_id, loan.run, Cargo(bytearray(loan.run.length)))
                self.peers[conn].mail.append(lease)

    def check_part(self, loan: Loan, run: Run, *, is_endgame: bool) -> None:
        piece_index, model = run.piece_index, self.model
        assert self.known[loan.conn] >> piece_index & 1
        assert piece_index not in model.verified
        assert not block_set(run) & model.stored[piece_index]
        for block in block_set(run):
            holders = model.holders(piece_index, block)
            assert not holders or is_endgame
            assert loan.conn not in holders
            assert len(holders) < MOST_HOLDERS
        if piece_index in model.suspects:
            of_piece = {h.conn for h in model.held.values() if h.piece_index == piece_index}
            assert of_piece <= {loan.conn}
            last, busy = model.suspects[piece_index], {h.conn for h in model.held.values()}
            assert last == loan.conn or last not in busy or not model.stored[piece_index]
            model.suspects[piece_index] = loan.conn

    @precondition(lambda self: self.to_manager)
    @rule(most=HOW_MUCH)
    def the_manager_works(self, most: int) -> None:
        for _ in range(min(most, len(self.to_manager))):
            self.to_manager.popleft()()

    # Each of these does as the piece manager does with the fact, and the same to the model.

    def lease_filled(self, lease_id: int) -> None:
        self.ledger.fill(lease_id)
        self.model.filled |= self.model.keys_of(lease_id)

    def leases_returned(self, given_back: tuple[GivenBack, ...]) -> None:
        for one in given_back:
            self.ledger.give_back(one.lease_id, one.missing)
            for run in one.missing:
                self.model.come_back((one.lease_id, run.piece_index), block_set(run))

    def peer_left(self, conn: int, given_back: tuple[GivenBack, ...], last_lease_id: int) -> None:
        del self.known[conn]
        self.leases_returned(given_back)
        for loan in self.ledger.loans_of(conn):
            if loan.lease_id > last_lease_id:
                self.ledger.take_back(loan.lease_id)
                self.model.take_back(loan.lease_id)

    def run_stored(self, lease_id: int, run: Run, verified: set[int]) -> None:
        self.model.store(lease_id, run, verified)
        news = sum(1 << piece_index for piece_index in verified)
        self.cancel(self.ledger.store(lease_id, run, news))

    def piece_failed(self, piece_index: int, contributors: tuple[int, ...]) -> None:
        self.model.stored[piece_index].clear()
        is_suspect = len(contributors) > 1 or EARLIER_SESSION in contributors
        if is_suspect:
            self.model.suspects[piece_index] = None
            self.model.drop_all_of(piece_index)
        self.cancel(self.ledger.fail(piece_index, is_suspect=is_suspect))

    def piece_lost(self, piece_index: int) -> None:
        self.model.verified.discard(piece_index)
        self.model.stored[piece_index].clear()
        self.ledger.lose(piece_index)

    def cancel(self, loans: tuple[Loan, ...]) -> None:
        for loan in loans:
            assert not self.model.keys_of(loan.lease_id)
            if loan.conn in self.peers:
                self.peers[loan.conn].mail.append(loan.lease_id)

    @precondition(lambda self: self.model.suspects)
    @rule(data=st.data())
    def the_manager_is_tired_of_a_suspicion(self, data: st.DataObject) -> None:
        piece_index = data.draw(st.sampled_from(list(self.model.suspects)))
        del self.model.suspects[piece_index]
        self.ledger.trust(piece_index)

    # --- what holds after every step ----------------------------------------------------------------

    def lacking(self) -> set[int]:
        return set(range(self.pieces)) - self.model.verified

    @invariant()
    def the_ledger_agrees_with_itself(self) -> None:
        self.ledger.check_invariant()

    @invariant()
    def the_ledger_agrees_with_the_model(self) -> None:
        model, ledger = self.model, self.ledger
        assert set(indexes_of(ledger.verified)) == model.verified
        for index in self.lacking():
            assert set(indexes_of(ledger.missing_blocks(index))) == model.missing(index)
            is_untouched = not model.stored[index] and not any(
                held.piece_index == index for held in model.held.values()
            )
            assert bool(ledger.untouched >> index & 1) == is_untouched
            assert bool(ledger.open >> index & 1) == (
                bool(model.missing(index)) and not is_untouched
            )

    @invariant()
    def what_is_out_is_what_peers_hold(self) -> None:
        model, ledger = self.model, self.ledger
        assert ledger.bytes_out == model.byte_count(set(model.held))
        assert ledger.bytes_filled == model.byte_count(model.filled)
        for conn in range(self.next_conn):
            held = {key[0] for key, one in model.held.items() if one.conn == conn}
            assert {loan.lease_id for loan in ledger.loans_of(conn)} == held

    def teardown(self) -> None:
        """When all have gone and all is written, nothing is out; and one good peer ends it."""
        for conn in list(self.peers):
            self.leave(conn)
        self.settle()
        assert (self.ledger.bytes_out, self.ledger.bytes_filled) == (0, 0)
        assert not self.model.held
        self.join(self.all)
        (conn,) = self.known
        for _ in range(2 * self.pieces):
            self.lend(conn, 2 * self.geometry.piece_length)
            peer = self.peers[conn]
            while peer.mail:
                self.read_letter(peer)
            given_back = {run for one in self.fetch_all(conn) for run in one.missing}
            assert not given_back
            self.settle()
        assert self.ledger.is_complete
        self.the_ledger_agrees_with_the_model()

    def fetch_all(self, conn: int) -> tuple[GivenBack, ...]:
        """Let all come that is expected; return what did not."""
        peer = self.peers[conn]
        for run in list(peer.expected.values()):
            for block in self.geometry.blocks_of(run):
                self.block_comes(conn, *block)
        return self.give_back(conn)

    def settle(self) -> None:
        """Let everybody hear and write what is on its way, and all of it be good."""
        while self.to_storage or self.to_manager:
            if self.to_storage:
                self.write(is_good=True)
            while self.to_manager:
                self.to_manager.popleft()()


class LedgerOfRowsInASwarm(LedgerInASwarm):
    """The same with pieces that are lent in rows: in order, or the first would come one by one."""

    geometry = EVEN
    is_sequential = True

    @precondition(lambda self: self.peers)
    @rule(data=st.data(), piece_count=st.integers(2, 9), share=st.sampled_from([0.5, 1.0, 1.0]))
    def a_row_comes_and_some_of_it_is_bad(
        self, data: st.DataObject, piece_count: int, share: float
    ) -> None:
        conn, peer = self.some_peer(data)
        self.lend(conn, piece_count * self.geometry.piece_length)
        while peer.mail:
            self.read_letter(peer)
        for run in list(peer.expected.values()):
            for block in self.geometry.blocks_of(run):
                if self.rng.random() < share:
                    self.block_comes(conn, *block)
        while self.to_storage:
            self.write(is_good=False)


USUAL = settings(max_examples=100, stateful_step_count=50, deadline=None)
TestLedgerInASwarm = LedgerInASwarm.TestCase
TestLedgerInASwarm.settings = USUAL
TestLedgerOfRowsInASwarm = LedgerOfRowsInASwarm.TestCase
TestLedgerOfRowsInASwarm.settings = USUAL
