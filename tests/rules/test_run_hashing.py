"""What a peer hashes of what it brings: pieces of rows, and chains of parts."""

from __future__ import annotations

import hashlib
import random

from actortorrent.rules.geometry import BLOCK_BYTES, Geometry, Run
from actortorrent.rules.run_hashing import Link, RunHasher

PIECE_BYTES = 4 * BLOCK_BYTES
GEOMETRY = Geometry(3 * PIECE_BYTES + 5, PIECE_BYTES)
CONTENT = random.Random(3).randbytes(GEOMETRY.total_length)


def stretch(run: Run) -> bytearray:
    start = run.piece_index * PIECE_BYTES + run.offset
    return bytearray(CONTENT[start : start + run.length])


def part(piece_index: int, first: int, count: int) -> Run:
    return GEOMETRY.run(piece_index, first, count)


def linked(hasher: RunHasher, run: Run) -> Link:
    link = hasher.hash(run, stretch(run))
    assert isinstance(link, Link)
    return link


def sha1(data: bytes | bytearray) -> bytes:
    return hashlib.sha1(data).digest()


def test_each_piece_of_a_row_gets_its_digest() -> None:
    row = GEOMETRY.row(1, 3)  # the last is of 5 bytes
    expected = tuple(sha1(stretch(GEOMETRY.whole_piece(index))) for index in (1, 2, 3))
    assert RunHasher(GEOMETRY).hash(row, stretch(row)) == expected


def test_parts_that_come_in_order_make_one_chain_each_link_of_all_so_far() -> None:
    hasher = RunHasher(GEOMETRY)
    links = [linked(hasher, part(1, first, 2)) for first in (0, 2)]
    whole = stretch(GEOMETRY.whole_piece(1))
    assert links[0].chain == links[1].chain
    assert links[0].sha1.digest() == sha1(whole[: 2 * BLOCK_BYTES])  # by itself, whatever followed
    assert links[1].sha1.digest() == sha1(whole)


def test_a_part_up_to_which_no_chain_leads_is_not_hashed() -> None:
    hasher = RunHasher(GEOMETRY)
    assert hasher.hash(part(1, 1, 1), stretch(part(1, 1, 1))) is None
    linked(hasher, part(1, 0, 1))
    for elsewhere in (part(1, 2, 1), part(2, 1, 1), part(1, 3, 1)):
        assert hasher.hash(elsewhere, stretch(elsewhere)) is None


def test_who_begins_a_piece_anew_begins_another_chain() -> None:
    hasher = RunHasher(GEOMETRY)
    first, again = linked(hasher, part(1, 0, 1)), linked(hasher, part(1, 0, 1))
    assert first.chain != again.chain
    assert linked(hasher, part(1, 1, 1)).chain == again.chain


def test_a_whole_piece_between_two_parts_does_not_break_the_chain() -> None:
    hasher = RunHasher(GEOMETRY)
    linked(hasher, part(1, 0, 1))
    hasher.hash(GEOMETRY.whole_piece(2), stretch(GEOMETRY.whole_piece(2)))
    assert linked(hasher, part(1, 1, 3)).sha1.digest() == sha1(stretch(GEOMETRY.whole_piece(1)))
