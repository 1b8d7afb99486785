"""Rows of names are what the messages say one by one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.wire.block_rows import BlockRow
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
