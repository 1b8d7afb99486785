"""The books of a web seed as leases come, are called for, and end, beside a model of three sets."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from actortorrent.actors.web_seed_books import CallBooks, joined
from actortorrent.rules.geometry import BLOCK_BYTES, Geometry
from actortorrent.rules.leases import Cargo, Lease
from actortorrent.rules.web_seed_ranges import Part

GEOMETRY = Geometry(12 * BLOCK_BYTES + 5, 2 * BLOCK_BYTES)


def as_parts(stretches: Iterable[tuple[int, int]]) -> tuple[Part, ...]:
    return tuple(Part(0, *one, GEOMETRY.total_length, "http://a/") for one in joined(stretches))


class BooksOfAWebSeed(RuleBasedStateMachine):
    """Deal with the books as the web seed does: a lease waits, is called for, or is over."""

    def __init__(self) -> None:
        super().__init__()
        self.books = CallBooks(GEOMETRY)
        self.waiting: dict[int, Lease] = {}
        self.called: dict[int, Lease] = {}
        self.calls = 0
        self.next_id = 1

    @rule(pieces=st.sets(st.integers(0, GEOMETRY.piece_count - 1), max_size=3))
    def some_are_lent(self, pieces: set[int]) -> None:
        held = {one.run.piece_index for one in (*self.waiting.values(), *self.called.values())}
        leases = []
        for piece_index in sorted(pieces - held):
            run = GEOMETRY.whole_piece(piece_index)
            leases.append(Lease(self.next_id, run, Cargo(bytearray(run.length))))
            self.waiting[self.next_id] = leases[-1]
            self.next_id += 1
        self.books.borrow(leases)

    @precondition(lambda self: self.waiting and not self.called)
    @rule()
    def what_waits_is_called_for(self) -> None:
        call = self.books.begin_call(-1, as_parts)
        self.calls += 1
        assert call.number == self.books.call_number == self.calls
        asked = [byte for part in call.parts for byte in (part.first_byte, part.length)]
        runs = sorted(self.waiting.values(), key=lambda one: one.run.piece_index)
        stretches = [(GEOMETRY.piece_offset(one.run.piece_index), one.run.length) for one in runs]
        assert asked == [number for stretch in joined(stretches) for number in stretch]
        content = bytearray(sum(length for _, length in stretches))
        blocks = [name[:2] for name in self.books.stream.cut(content)]
        assert blocks == [block[:2] for one in runs for block in GEOMETRY.blocks_of(one.run)]
        self.called, self.waiting = self.waiting, {}

    @precondition(lambda self: self.waiting or self.called)
    @rule(data=st.data())
    def some_are_over(self, data: st.DataObject) -> None:
        known = [*self.waiting, *self.called, 0]
        over = data.draw(st.lists(st.sampled_from(known), max_size=4))
        had_any = bool(self.called)
        for lease_id in over:
            self.waiting.pop(lease_id, None)
            self.called.pop(lease_id, None)
        assert self.books.drop(over) == (had_any and not self.called)

    @rule()
    def all_go_back(self) -> None:
        given_back = {lease.lease_id for lease in self.books.clear()}
        assert given_back == {*self.waiting, *self.called}
        self.waiting, self.called = {}, {}

    @invariant()
    def it_knows_whether_anything_waits(self) -> None:
        assert self.books.is_any_waiting == bool(self.waiting)

    def teardown(self) -> None:
        self.all_go_back()
        assert self.books.clear() == []


TestBooksOfAWebSeed = BooksOfAWebSeed.TestCase
TestBooksOfAWebSeed.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
