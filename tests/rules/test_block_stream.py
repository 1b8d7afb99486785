from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actortorrent.rules.block_stream import BlockStream


@given(
    st.lists(st.integers(1, 20), max_size=10),
    st.lists(st.integers(1, 30), min_size=1, max_size=30),
)
def test_blocks_come_out_as_they_are_however_the_bytes_come(
    lengths: list[int], steps: list[int]
) -> None:
    named = [(index, 7 * index, length) for index, length in enumerate(lengths)]
    whole = bytes(index % 251 for index in range(sum(lengths)))
    stream, begin, blocks = BlockStream(named), 0, []
    for step in steps * len(whole):
        data = bytearray(whole[begin : begin + step])
        begin += len(data)
        blocks += [(*name, bytes(block)) for *name, block in stream.cut(data)]
    assert [(piece, offset, len(block)) for piece, offset, block in blocks] == named
    assert b"".join(block for *_, block in blocks) == whole


def test_what_came_of_a_block_that_is_not_whole_waits_for_the_rest() -> None:
    stream = BlockStream([(5, 0, 4), (5, 4, 4)])
    assert [bytes(block) for *_, block in stream.cut(bytearray(b"abcdef"))] == [b"abcd"]
    assert stream.rest_bytes == 2
    assert [bytes(block) for *_, block in stream.cut(bytearray(b"gh"))] == [b"efgh"]
    assert stream.rest_bytes == 0


def test_what_comes_behind_the_last_block_is_kept_apart() -> None:
    stream = BlockStream([(0, 0, 2)])
    assert len(list(stream.cut(bytearray(b"abc")))) == 1
    assert stream.rest_bytes == 1
