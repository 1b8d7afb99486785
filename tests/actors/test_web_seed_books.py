from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from actortorrent.actors.web_seed_books import CallBooks, joined
from actortorrent.rules.geometry import Geometry, Run
from actortorrent.rules.leases import Cargo, Lease
from actortorrent.rules.web_seed_ranges import Part

BLOCK = 16 * 1024
GEOMETRY = Geometry(8 * BLOCK, 2 * BLOCK)


def lease(lease_id: int, piece_index: int) -> Lease:
    return Lease(lease_id, GEOMETRY.whole_piece(piece_index), Cargo(bytearray(2 * BLOCK)))


def as_parts(stretches: Iterable[tuple[int, int]]) -> tuple[Part, ...]:
    return tuple(Part(0, *one, GEOMETRY.total_length, "http://a/") for one in joined(stretches))


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 5)), max_size=10))
def test_stretches_that_touch_become_one_and_no_byte_is_lost(gaps: list[tuple[int, int]]) -> None:
    stretches, offset = [], 0
    for gap, length in gaps:
        stretches.append((offset + gap, length))
        offset += gap + length
    found = list(joined(stretches))
    covered = [byte for begin, length in found for byte in range(begin, begin + length)]
    assert covered == [byte for begin, length in stretches for byte in range(begin, begin + length)]
    ends = [begin + length for begin, length in found]
    assert all(end < begin for end, (begin, _) in zip(ends, found[1:], strict=False))


def test_neighbours_are_asked_for_as_one_range_in_the_order_of_the_torrent() -> None:
    books = CallBooks(GEOMETRY)
    books.borrow([lease(1, 3), lease(2, 0), lease(3, 1)])
    call = books.begin_call(-1, as_parts)
    asked = [(one.first_byte, one.length) for one in call.parts]
    assert asked == [(0, 4 * BLOCK), (6 * BLOCK, 2 * BLOCK)]
    assert not books.is_any_waiting
    whole = bytearray(6 * BLOCK)
    assert [piece for piece, *_ in books.stream.cut(whole)] == [0, 0, 1, 1, 3, 3]


def test_a_call_is_of_no_use_when_all_that_it_was_for_is_over() -> None:
    books = CallBooks(GEOMETRY)
    books.borrow([lease(1, 0), lease(2, 1)])
    books.begin_call(-1, as_parts)
    books.borrow([lease(3, 2)])
    assert not books.drop([1, 3])
    assert books.drop([2])
    assert not books.drop([2]), "that was said already"


def test_what_is_not_over_is_given_back_whether_it_was_asked_for_or_not() -> None:
    books = CallBooks(GEOMETRY)
    books.borrow([lease(1, 0), lease(2, 1)])
    books.begin_call(-1, as_parts)
    books.borrow([lease(3, 2)])
    books.drop([2])
    assert [(one.lease_id, one.run) for one in books.clear()] == [
        (1, Run(0, 0, 2 * BLOCK)),
        (3, Run(2, 0, 2 * BLOCK)),
    ]
    assert books.clear() == []
