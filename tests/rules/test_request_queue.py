"""What waits to be served is, whatever happens to it, a list of requests in the order they came."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from actortorrent.rules.request_queue import RequestQueue
from actortorrent.wire.block_rows import BlockRow
from actortorrent.wire.messages import BlockName

BLOCK = 100
PIECES = st.integers(0, 2)
NAMES = st.tuples(PIECES, st.integers(0, 6).map(lambda n: n * BLOCK), st.sampled_from([BLOCK, 30]))
ROWS = st.builds(
    BlockRow,
    PIECES,
    st.integers(0, 6).map(lambda n: n * BLOCK),
    st.integers(1, 4 * BLOCK),
    st.sampled_from([BLOCK, 30]),
)


class Queue(RuleBasedStateMachine):
    """Compare with a list of names."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = RequestQueue()
        self.names: list[BlockName] = []

    @rule(row=ROWS)
    def add(self, row: BlockRow) -> None:
        self.queue.add(row)
        self.names += row.blocks()

    @precondition(lambda self: self.names)
    @rule(most_bytes=st.integers(0, 5 * BLOCK), most_blocks=st.integers(1, 5), again=st.booleans())
    def take(self, most_bytes: int, most_blocks: int, again: bool) -> None:
        row = self.queue.take(most_bytes, most_blocks)
        assert row.blocks() == self.names[: row.block_count]
        assert row.block_count == 1 or (row.block_count <= most_blocks and row.length <= most_bytes)
        if again:
            self.queue.put_back(row)
        else:
            del self.names[: row.block_count]

    @rule(name=NAMES)
    def remove_any(self, name: BlockName) -> None:
        assert self.queue.remove(name) == (name in self.names)
        if name in self.names:
            self.names.remove(name)

    @precondition(lambda self: self.names)
    @rule(data=st.data())
    def remove_one_that_waits(self, data: st.DataObject) -> None:
        self.remove_any(data.draw(st.sampled_from(self.names)))

    @rule(spared=st.sets(PIECES))
    def forget(self, spared: set[int]) -> None:
        assert self.queue.forget(spared) == [one for one in self.names if one[0] not in spared]
        self.names = [one for one in self.names if one[0] in spared]

    @invariant()
    def the_counts_are_right(self) -> None:
        assert self.queue.count == len(self.names)
        assert self.queue.byte_count == sum(length for _, _, length in self.names)
        assert self.queue.pieces == {piece for piece, _, _ in self.names}
        assert self.queue.next_bytes == (self.names[0][2] if self.names else 0)


TestQueue = Queue.TestCase


@given(st.integers(1, 20))
def test_blocks_that_follow_each_other_are_taken_together(count: int) -> None:
    queue = RequestQueue()
    for index in range(count):
        queue.add(BlockRow(1, index * BLOCK, BLOCK, BLOCK))
    assert queue.take(100 * BLOCK, 100) == BlockRow(1, 0, count * BLOCK, BLOCK)
    assert not queue.count
