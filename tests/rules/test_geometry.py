from __future__ import annotations

from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.rules.geometry import BLOCK_BYTES, FileMap, FileSpan, Geometry, Run

SIZES = st.tuples(st.integers(0, 200_000), st.integers(1, 70_000))

# --- pieces and blocks ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("total_length", "piece_length", "sizes"),
    [
        (0, 100, []),
        (1, 100, [1]),
        (99, 100, [99]),
        (100, 100, [100]),
        (101, 100, [100, 1]),
        (300, 100, [100, 100, 100]),
    ],
)
def test_only_the_last_piece_is_shorter_and_none_is_empty(
    total_length: int, piece_length: int, sizes: list[int]
) -> None:
    geometry = Geometry(total_length, piece_length)
    assert [geometry.piece_size(i) for i in range(geometry.piece_count)] == sizes


@pytest.mark.parametrize(
    ("piece_length", "blocks"),
    [
        (1, [1]),
        (BLOCK_BYTES - 1, [BLOCK_BYTES - 1]),
        (BLOCK_BYTES, [BLOCK_BYTES]),
        (BLOCK_BYTES + 1, [BLOCK_BYTES, 1]),
        (2 * BLOCK_BYTES, [BLOCK_BYTES, BLOCK_BYTES]),
    ],
)
def test_only_the_last_block_of_a_piece_is_shorter_and_none_is_empty(
    piece_length: int, blocks: list[int]
) -> None:
    geometry = Geometry(3 * piece_length, piece_length)
    assert [length for _, length in geometry.whole_piece(1).blocks()] == blocks
    assert geometry.block_count(1) == len(blocks)
    assert geometry.all_blocks(1).bit_count() == len(blocks)


@given(SIZES)
def test_the_pieces_in_a_row_are_the_torrent(sizes: tuple[int, int]) -> None:
    geometry = Geometry(*sizes)
    pieces = range(geometry.piece_count)
    ends = [geometry.piece_offset(i) + geometry.piece_size(i) for i in pieces]
    assert ends == list(accumulate(geometry.piece_size(i) for i in pieces))
    assert (ends[-1] if ends else 0) == geometry.total_length


@given(SIZES, st.integers(-1, 200_000), st.integers(0, 200_000))
def test_a_stretch_lies_in_the_pieces_that_hold_its_bytes(
    sizes: tuple[int, int], offset: int, length: int
) -> None:
    geometry = Geometry(*sizes)
    offset = max(0, min(offset, geometry.total_length))
    length = min(length, geometry.total_length - offset)
    holding = [
        i
        for i in range(geometry.piece_count)
        if geometry.piece_offset(i) < offset + length
        and offset < geometry.piece_offset(i) + geometry.piece_size(i)
    ]
    assert list(geometry.pieces_of(offset, length)) == (holding if length else [])


# --- runs ---------------------------------------------------------------------------------------


def test_a_run_prints_where_it_lies() -> None:
    assert str(Run(3, 16384, 100)) == "piece 3 [16384, +100]"


def test_a_run_of_the_middle_knows_its_blocks() -> None:
    run = Geometry(10 * BLOCK_BYTES, 5 * BLOCK_BYTES).run(1, 2, 2)
    assert run == Run(1, 2 * BLOCK_BYTES, 2 * BLOCK_BYTES)
    assert (run.first_block, run.block_count, run.block_mask) == (2, 2, 0b01100)
    assert run.end == 4 * BLOCK_BYTES


def test_the_last_run_of_a_piece_ends_where_the_piece_ends() -> None:
    geometry = Geometry(2 * BLOCK_BYTES + 7, 4 * BLOCK_BYTES)
    assert geometry.run(0, 2, 1) == Run(0, 2 * BLOCK_BYTES, 7)
    assert geometry.whole_piece(0) == geometry.run(0, 0, 3) == Run(0, 0, 2 * BLOCK_BYTES + 7)


@given(st.data(), st.integers(1, 200_000), st.integers(1, 200_000))
def test_runs_are_the_blocks_of_a_mask_and_never_touch(
    data: st.DataObject, total_length: int, piece_length: int
) -> None:
    geometry = Geometry(total_length, piece_length)
    piece_index = geometry.piece_count - 1
    mask = data.draw(st.integers(0, geometry.all_blocks(piece_index)))
    runs = geometry.runs_of(piece_index, mask)
    assert sum(run.block_mask for run in runs) == mask
    assert all(before.end < after.offset for before, after in pairwise(runs))
    for run in runs:
        blocks = list(run.blocks())
        assert len(blocks) == run.block_count
        assert sum(length for _, length in blocks) == run.length
        assert run.end <= geometry.piece_size(piece_index)


@given(st.integers(1, 300_000), st.sampled_from([16_384, 32_768, 65_536]), st.data())
def test_the_stretches_of_a_run_are_its_blocks_piece_by_piece(
    total_length: int, piece_length: int, data: st.DataObject
) -> None:
    geometry = Geometry(total_length, piece_length)
    first = data.draw(st.integers(0, geometry.piece_count - 1))
    count = data.draw(st.integers(1, geometry.piece_count - first))
    for run in (geometry.row(first, count), geometry.whole_piece(first)):
        stretches = [Run(*stretch) for stretch in geometry.stretches(run)]
        assert [name for one in stretches for name in geometry.blocks_of(one)] == (
            geometry.blocks_of(run)
        )
        assert [one.piece_index for one in stretches] == list(run.pieces)


# --- files --------------------------------------------------------------------------------------


def test_a_stretch_over_three_files_has_three_spans_and_no_empty_one() -> None:
    files = FileMap([10, 0, 5, 0, 20])
    assert files.spans(8, 10) == (FileSpan(0, 8, 2), FileSpan(2, 0, 5), FileSpan(4, 0, 3))
    assert files.spans(10, 1) == (FileSpan(2, 0, 1),)
    assert files.spans(35, 0) == ()


def test_a_torrent_without_bytes_has_no_spans() -> None:
    assert FileMap([0, 0]).spans(0, 0) == ()
    assert FileMap([]).total_length == 0


@given(st.data(), st.lists(st.integers(0, 30), max_size=8))
def test_spans_name_every_byte_of_a_stretch_in_order(data: st.DataObject, sizes: list[int]) -> None:
    places = [(index, at) for index, length in enumerate(sizes) for at in range(length)]
    offset = data.draw(st.integers(0, len(places)))
    length = data.draw(st.integers(0, len(places) - offset))
    files = FileMap(sizes)
    spans = files.spans(offset, length)
    found = [(s.file_index, s.file_offset + at) for s in spans for at in range(s.length)]
    assert found == places[offset : offset + length]
    assert files.total_length == len(places)
    for index in range(len(sizes)):
        assert files.start(index) == sum(sizes[:index])
