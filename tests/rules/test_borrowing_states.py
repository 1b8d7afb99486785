"""The leases of one peer, as its stream brings blocks, cut anywhere, beside a model of each block.

What the reader of the stream puts in its place and what the books say must stay together,
whatever is rejected, cancelled or given back while blocks are on their way.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from actortorrent.rules.borrowing import Borrowed, GivenBack
from actortorrent.rules.geometry import BLOCK_BYTES, Geometry, Run
from actortorrent.rules.leases import Cargo, FilledRun, Lease
from actortorrent.wire.handshake import Handshake
from actortorrent.wire.messages import Piece, Unchoke
from actortorrent.wire.peer_protocol import Block, PeerProtocol, Placed

GEOMETRY = Geometry(9 * BLOCK_BYTES + 7, 2 * BLOCK_BYTES)  # five pieces, the last one short
CONTENT = random.Random(0).randbytes(GEOMETRY.total_length)
HASH = b"h" * 20
Name = tuple[int, int, int]  # piece, offset, length
NAMES = [
    name
    for piece_index in range(GEOMETRY.piece_count)
    for name in GEOMETRY.blocks_of(GEOMETRY.whole_piece(piece_index))
]


def content(run: Run) -> bytes:
    start = GEOMETRY.piece_offset(run.piece_index) + run.offset
    return CONTENT[start : start + run.length]


@dataclass
class Lent:
    """Which blocks of a lease are expected, came, or were rejected and not given back yet."""

    expected: set[Name]
    came: set[Name]
    rejected: set[Name]


class LeasesOfAPeer(RuleBasedStateMachine):
    """Play the actor of a peer, and the peer."""

    def __init__(self) -> None:
        super().__init__()
        self.books = Borrowed(GEOMETRY)
        self.lent: dict[int, Lent] = {}
        self.last_lease_id = 0
        self.stream = bytearray()  # that was sent and has not come yet
        self.under_way: list[Name] = []
        self.protocol = PeerProtocol(
            HASH, b"o" * 20, GEOMETRY.piece_count, piece_length=GEOMETRY.piece_length,
            total_length=GEOMETRY.total_length, we_dialled=True,
        )  # fmt: skip
        self.protocol.handshake()
        self.protocol.receive(Handshake(HASH, b"t" * 20).encode() + Unchoke().encode())
        self.protocol.places = self.books.places

    def all_expected(self) -> set[Name]:
        return {name for lent in self.lent.values() for name in lent.expected}

    # --- leases -----------------------------------------------------------------------------------

    @rule(first=st.integers(0, GEOMETRY.piece_count - 1), count=st.integers(1, 3))
    def pieces_are_lent(self, first: int, count: int) -> None:
        self.lend(GEOMETRY.row(first, min(count, GEOMETRY.piece_count - first)))

    @rule(name=st.sampled_from(NAMES))
    def a_block_is_lent(self, name: Name) -> None:
        self.lend(Run(*name))

    def lend(self, run: Run) -> None:
        names = set(GEOMETRY.blocks_of(run))
        if any(names & (one.expected | one.came | one.rejected) for one in self.lent.values()):
            return  # nobody is lent what it has
        self.last_lease_id += 1
        self.books.borrow(Lease(self.last_lease_id, run, Cargo(bytearray(run.length))))
        self.lent[self.last_lease_id] = Lent(names, set(), set())

    # --- the stream -------------------------------------------------------------------------------

    @precondition(lambda self: self.lent)
    @rule(data=st.data(), most=st.integers(1, 6))
    def the_peer_sends_what_was_asked_for(self, data: st.DataObject, most: int) -> None:
        names = data.draw(st.permutations(sorted(self.all_expected() - set(self.under_way))))
        for name in names[:most]:
            self.send(name)

    @rule(name=st.sampled_from(NAMES))
    def the_peer_sends_what_it_likes(self, name: Name) -> None:
        self.send(name)

    def send(self, name: Name) -> None:
        self.under_way.append(name)
        self.stream += Piece(name[0], name[1], content(Run(*name))).encode()

    @precondition(lambda self: self.stream)
    @rule(share=st.sampled_from([0.1, 0.4, 1.0, 1.0]))
    def some_of_it_comes(self, share: float) -> None:
        left = len(self.stream) - max(1, int(share * len(self.stream)))
        while len(self.stream) > left:
            free = self.protocol.receive_buffer()
            part = self.stream[: min(len(free), len(self.stream) - left)]
            free[: len(part)] = part
            del self.stream[: len(part)]
            self.take(self.protocol.received(len(part)))

    def take(self, events: list[object]) -> None:
        for event in events:
            if isinstance(event, Placed):
                filled = self.books.placed(event.owners, event.byte_count)
                owners = [owner.lease.lease_id for owner in event.owners]
                for lease_id in owners:
                    self.came(self.under_way.pop(0), lease_id)
                self.check_over(filled, set(owners))
            else:
                assert isinstance(event, Block)
                name = self.under_way.pop(0)
                assert (event.piece_index, event.block_offset) == name[:2]
                assert name not in self.all_expected(), "the reader puts these in their places"
                assert self.books.block_came(*event) is None

    def came(self, name: Name, lease_id: int) -> None:
        lent = self.lent[lease_id]
        lent.expected.remove(name)
        lent.came.add(name)

    def check_over(self, filled: list[FilledRun], concerned: set[int]) -> None:
        """Of these leases exactly those are over of which nothing is expected any more."""
        over = {
            lease_id: lent
            for lease_id, lent in self.lent.items()
            if lease_id in concerned and not lent.expected
        }
        assert {one.lease_id for one in filled} == {i for i, lent in over.items() if lent.came}
        self.check_handed_over(filled, over)
        for lent in over.values():
            lent.came.clear()
        self.forget_those_that_are_over()

    def check_handed_over(self, filled: list[FilledRun], over: dict[int, Lent]) -> None:
        names: dict[int, list[Name]] = {lease_id: [] for lease_id in over}
        for one in filled:
            names[one.lease_id] += GEOMETRY.blocks_of(one.run)
            assert bytes(one.buffer.take()) == content(one.run)
        for lease_id, lent in over.items():
            assert sorted(names[lease_id]) == sorted(lent.came)

    # --- the ways back ------------------------------------------------------------------------------

    @precondition(lambda self: self.all_expected())
    @rule(data=st.data())
    def the_peer_rejects_some(self, data: st.DataObject) -> None:
        some = st.lists(st.sampled_from(sorted(self.all_expected())), max_size=4, unique=True)
        for name in data.draw(some):
            assert self.books.reject(*name)
            assert not self.books.reject(*name)
            (lent,) = [one for one in self.lent.values() if name in one.expected]
            lent.expected.remove(name)
            lent.rejected.add(name)

    @rule()
    def what_was_rejected_is_given_back(self) -> None:
        came, given_back = self.books.give_back_rejected()
        self.check_given_back(given_back, {i: one.rejected for i, one in self.lent.items()})
        concerned = {lease_id for lease_id, lent in self.lent.items() if lent.rejected}
        for lent in self.lent.values():
            lent.rejected.clear()
        self.check_over(list(came), concerned)

    @rule()
    def all_goes_back(self) -> None:
        came, given_back = self.books.give_back()
        rest = {i: one.expected | one.rejected for i, one in self.lent.items()}
        self.check_given_back(given_back, rest)
        self.check_handed_over(list(came), self.lent)
        self.lent.clear()

    @precondition(lambda self: self.lent)
    @rule(data=st.data())
    def a_lease_is_cancelled(self, data: st.DataObject) -> None:
        lease_id = data.draw(st.sampled_from(sorted(self.lent)))
        lent = self.lent[lease_id]
        came_bytes = sum(length for _, _, length in lent.came)
        assert self.books.came_bytes(lease_id) == came_bytes
        missing = {name for run in self.books.cancel(lease_id) for name in GEOMETRY.blocks_of(run)}
        assert missing == lent.expected
        lent.expected.clear()
        lent.came.clear()
        self.forget_those_that_are_over()

    def check_given_back(
        self, given_back: tuple[GivenBack, ...], expected: dict[int, set[Name]]
    ) -> None:
        found: dict[int, list[Name]] = {}
        for one in given_back:
            names = [name for run in one.missing for name in GEOMETRY.blocks_of(run)]
            found.setdefault(one.lease_id, []).extend(names)
        for lease_id, names in expected.items():
            assert sorted(found.pop(lease_id, [])) == sorted(names)
        assert not found

    def forget_those_that_are_over(self) -> None:
        self.lent = {
            lease_id: lent
            for lease_id, lent in self.lent.items()
            if lent.expected or lent.came or lent.rejected
        }

    # --- what always holds --------------------------------------------------------------------------

    @invariant()
    def the_books_expect_what_the_model_does(self) -> None:
        expected = self.all_expected()
        assert self.books.in_flight_bytes == sum(length for _, _, length in expected)
        assert len(self.books.places) == len(expected)


TestLeasesOfAPeer = LeasesOfAPeer.TestCase
TestLeasesOfAPeer.settings = settings(max_examples=50, stateful_step_count=40, deadline=None)
