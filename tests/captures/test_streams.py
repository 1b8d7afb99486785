"""TCP's bytes in their order, however they came."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actortorrent.captures.streams import MAX_HELD_BYTES, PATIENCE, Budget, Run, Stream

CONTENT = bytes(range(256)) * 2
pieces = st.lists(st.tuples(st.integers(0, 511), st.integers(1, 90)), max_size=40)


def begun(first: int = 0, budget: Budget | None = None) -> Stream:
    stream = Stream(budget or Budget())
    stream.begin(first)
    return stream


def joined(runs: list[Run]) -> bytes:
    """Return what runs hold, which must follow each other; lost bytes as zeros."""
    made = b""
    for run in runs:
        assert run.offset == len(made)
        made += run.data + bytes(run.lost)
    return made


@given(pieces, st.randoms(use_true_random=False), st.integers(0, 2**32 - 1))
def test_segments_late_twice_and_overlapping_give_the_bytes_in_their_order(
    cuts: list[tuple[int, int]], rng: object, first: int
) -> None:
    cover = [(start, 64) for start in range(0, len(CONTENT), 64)]
    segments = [*cover, *cuts]
    rng.shuffle(segments)  # type: ignore[attr-defined]
    stream = begun(first)
    runs: list[Run] = []
    for start, length in segments:
        data = CONTENT[start : start + length]
        runs += stream.take((first + start) % 2**32, data, len(data))
    assert joined(runs) == CONTENT
    assert stream.end() == []


@given(pieces)
def test_what_never_comes_is_told_as_lost(cuts: list[tuple[int, int]]) -> None:
    stream = begun()
    runs: list[Run] = []
    expected = bytearray(max((min(512, start + length) for start, length in cuts), default=0))
    for start, length in cuts:
        data = CONTENT[start : start + length]
        expected[start : start + length] = data
        runs += stream.take(start, data, len(data))
    assert joined([*runs, *stream.end()]) == bytes(expected)


def test_of_a_segment_captured_in_part_the_rest_is_lost() -> None:
    assert begun().take(0, b"abc", 10) == [Run(0, b"abc"), Run(3, b"", 7)]


def test_a_hole_that_the_other_side_has_not_is_given_up_after_some_segments() -> None:
    stream = begun()
    assert stream.take(0, b"a", 1) == [Run(0, b"a")]
    runs: list[Run] = []
    for number in range(PATIENCE + 1):
        stream.acknowledged(2 + number)
        assert runs == []
        runs = stream.take(2 + number, b"x", 1)
    assert runs[0] == Run(1, b"", 1)
    assert joined([Run(0, b"a"), *runs]) == b"a\0" + b"x" * (PATIENCE + 1)


def test_no_more_than_so_much_is_held_behind_a_hole() -> None:
    budget = Budget()
    stream = begun(budget=budget)
    size = MAX_HELD_BYTES // 4
    for number in range(4):
        assert stream.take(1 + number * size, bytes(size), size) == []
    assert budget.held_bytes == MAX_HELD_BYTES
    runs = stream.take(1 + 4 * size, bytes(size), size)
    assert runs[0] == Run(0, b"", 1)
    assert budget.held_bytes == 0


def test_all_streams_together_hold_no_more_than_their_budget() -> None:
    budget = Budget(limit_bytes=1000)
    streams = [begun(budget=budget) for _ in range(20)]
    for stream in streams:
        stream.take(100, bytes(100), 100)
    assert budget.held_bytes <= 1000 + 100
