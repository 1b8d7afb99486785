"""Rows of names are what the messages say one by one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.wire.block_rows import BlockRow, block_row, first_row
from actortorrent.wire.messages import Cancel, Kind, PieceHeader, Request

BLOCK = 16 * 1024
INDEXES, OFFSETS = st.integers(0, 2**32 - 1), st.integers(0, 300).map(lambda n: n * BLOCK)
LENGTHS = st.integers(1, 5 * BLOCK)


def blocks(offset: int, length: int) -> list[tuple[int, int]]:
    end = offset + length
    return [(begin, min(BLOCK, end - begin)) for begin in range(offset, end, BLOCK)]


@pytest.mark.parametrize("message", [Request, Cancel])
@given(index=INDEXES, offset=OFFSETS, length=LENGTHS)
def test_a_row_of_names_is_each_message_after_the_other(
    message: type[Request | Cancel], index: int, offset: int, length: int
) -> None:
    singly = [message(index, begin, size).encode() for begin, size in blocks(offset, length)]
    assert BlockRow(index, offset, length, BLOCK).names(message.kind) == b"".join(singly)


@given(INDEXES, OFFSETS, LENGTHS)
def test_a_row_of_headers_is_what_comes_before_each_block(
    index: int, offset: int, length: int
) -> None:
    singly = [PieceHeader(index, begin, size).encode() for begin, size in blocks(offset, length)]
    assert BlockRow(index, offset, length, BLOCK).headers() == singly


def test_nothing_has_no_names() -> None:
    assert BlockRow(1, 0, 0, BLOCK).names(Kind.REQUEST) == b""
    assert BlockRow(1, 0, 0, BLOCK).headers() == []


# --- rows and their blocks ------------------------------------------------------------------------

ROWS = st.builds(
    BlockRow,
    st.integers(0, 2),
    st.integers(0, 4).map(lambda n: n * 100),
    st.integers(1, 500),
    st.sampled_from([100, 250]),
)


@given(ROWS)
def test_a_row_knows_the_place_of_each_of_its_blocks(row: BlockRow) -> None:
    names = row.blocks()
    assert row.block_count == len(names)
    assert [row.place_of(name) for name in names] == list(range(row.block_count))
    for index, offset, length in names:
        others = [(index + 1, offset, length), (index, offset + 1, length)]
        others += [(index, offset, length + 1), (index, offset - row.length, length)]
        assert not any(row.place_of(name) is not None for name in others)


@given(ROWS, ROWS)
def test_two_rows_are_joined_only_to_what_both_are(one: BlockRow, other: BlockRow) -> None:
    for following in (other, other._replace(piece_index=one.piece_index, offset=sum(one[1:3]))):
        joined = one.joined(following)
        if joined is not None:
            assert joined.blocks() == one.blocks() + following.blocks()


@given(ROWS, st.integers(0, 6))
def test_a_row_splits_into_its_first_blocks_and_the_rest(row: BlockRow, count: int) -> None:
    first, rest = row.split(count)
    assert first.blocks() == row.blocks()[:count]
    assert rest.blocks() == row.blocks()[count:]


def test_whole_blocks_go_on_and_nothing_does_behind_a_short_one() -> None:
    whole, short = block_row((0, 0, BLOCK)), block_row((0, BLOCK, 5))
    assert whole.joined(short) == BlockRow(0, 0, BLOCK + 5, BLOCK)
    assert BlockRow(0, 0, BLOCK + 5, BLOCK).joined(block_row((0, BLOCK + 5, 5))) is None


# --- what comes ------------------------------------------------------------------------------------

PIECE_BYTES = 5 * BLOCK + 7


def requests(names: list[tuple[int, int, int]]) -> memoryview:
    return memoryview(b"".join(Request(*name).encode() for name in names))


@given(st.integers(0, 5), st.integers(0, 6), st.integers(0, 300))
def test_requests_that_follow_each_other_are_one_row(first: int, count: int, cut: int) -> None:
    names = BlockRow(3, 0, PIECE_BYTES, BLOCK).blocks()[first : first + count]
    others = [(3, 0, BLOCK), (4, (first + count) * BLOCK, BLOCK)]
    came = requests(names + others)
    whole = len(came) - cut % (len(others) * 17)
    if names:
        row = first_row(came[:whole], names[0], PIECE_BYTES)
        assert row.blocks() == names[: max(1, whole // 17)]


def test_a_request_for_something_unusual_is_a_row_by_itself() -> None:
    for name in ((3, 1, BLOCK), (3, 0, BLOCK - 1), (3, 5 * BLOCK, 7)):
        index, offset, length = name
        came = requests([name, (index, offset + length, BLOCK)])
        assert first_row(came, name, PIECE_BYTES) == block_row(name)
