"""Messages out of a stream's bytes, also where some of these are missing."""

from __future__ import annotations

import random
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.captures.decoding import Heard, Malformed, MessageReader
from actortorrent.captures.streams import Budget, Run
from actortorrent.wire.messages import Bitfield, Extended, Have, KeepAlive, PieceHeader, Request
from tests.captures.frames import BLOCK, block, handshake

NOISE = random.Random(7).randbytes(BLOCK)
MESSAGES = [
    handshake(),
    Bitfield(bytes(500)).encode(),
    KeepAlive().encode(),
    block(1, NOISE),
    *(Have(piece).encode() for piece in range(4)),
    block(2, NOISE),
    *(Request(piece, 0, BLOCK).encode() for piece in range(4)),
    Extended(1, b"x" * 300).encode(),
]
STREAM = b"".join(MESSAGES)
OFFSETS = [0, *accumulate(map(len, MESSAGES))]
NAMES = ["handshake", "bitfield", "keep-alive", "piece", *["have"] * 4, "piece"]
NAMES += [*["request"] * 4, "extended"]


def heard_of(runs: list[Run], budget: Budget | None = None) -> list[Heard]:
    reader = MessageReader(budget or Budget())
    return [heard for run in runs for heard in reader.take(run)] + reader.end()


def runs_with_hole(start: int, end: int, segment: int = 1000) -> list[Run]:
    """Return the stream in segments, of which the bytes from start to end are lost."""
    before = [Run(at, STREAM[at : min(at + segment, start)]) for at in range(0, start, segment)]
    behind = range(end, len(STREAM), segment)
    return [
        *before,
        Run(start, b"", end - start),
        *(Run(at, STREAM[at : at + segment]) for at in behind),
    ]


@given(st.integers(1, 5000))
def test_messages_are_read_however_the_stream_is_cut(segment: int) -> None:
    runs = [Run(at, STREAM[at : at + segment]) for at in range(0, len(STREAM), segment)]
    heard = heard_of(runs)
    assert [one.offset for one in heard] == OFFSETS[:-1]
    assert [one.message.name for one in heard if one.message] == NAMES
    assert sum(one.length for one in heard) == len(STREAM)


def test_a_hole_within_a_block_costs_nothing() -> None:
    start = OFFSETS[3] + 13
    heard = heard_of(runs_with_hole(start + 1000, start + 15_000))
    assert [one.message.name for one in heard if one.message] == NAMES
    assert heard[3].message == PieceHeader(1, 0, BLOCK)


def test_a_hole_within_another_message_costs_this_one() -> None:
    heard = heard_of(runs_with_hole(OFFSETS[1] + 100, OFFSETS[1] + 200))
    assert heard[1] == Heard(OFFSETS[1], len(MESSAGES[1]), None)
    assert [one.message.name for one in heard if one.message] == NAMES[:1] + NAMES[2:]


def test_behind_a_hole_messages_are_found_where_a_segment_begins() -> None:
    start, end = OFFSETS[3] + 2000, OFFSETS[5]
    heard = heard_of(runs_with_hole(start, end))
    names = [one.message.name if one.message else "lost" for one in heard]
    assert names == [*NAMES[:4], "lost", *NAMES[5:]]
    assert heard[4] == Heard(OFFSETS[4], OFFSETS[5] - OFFSETS[4], None)


@given(st.data())
def test_whatever_is_missing_what_is_read_stands_in_the_stream(data: st.DataObject) -> None:
    start = data.draw(st.integers(68, len(STREAM) - 1))
    end = data.draw(st.integers(start + 1, len(STREAM)))
    segment = data.draw(st.integers(20, 3000))
    true = dict(zip(OFFSETS, NAMES, strict=False))
    for one in heard_of(runs_with_hole(start, end, segment)):
        assert one.message is None or true[one.offset] == one.message.name


def test_a_length_beyond_all_measure_loses_track_and_does_no_harm() -> None:
    bad = handshake() + b"\xff\xff\xff\xff\x07"
    good = Have(1).encode() + Have(2).encode()
    heard = heard_of([Run(0, bad), Run(len(bad), good)])
    assert heard[1] == Heard(68, len(bad) - 68, None)
    assert [one.message for one in heard[2:]] == [Have(1), Have(2)]


def test_a_message_that_breaks_the_form_of_its_kind_is_told_as_such() -> None:
    heard = heard_of([Run(0, handshake() + b"\0\0\0\2\4\0" + Have(7).encode())])
    assert isinstance(heard[1].message, Malformed)
    assert heard[2].message == Have(7)


def test_a_stream_that_is_none_of_bittorrents_is_lost() -> None:
    heard = heard_of([Run(0, b"HTTP/1.1 200 OK\r\n" * 10)])
    assert heard == [Heard(0, 170, None)]


def test_zeros_are_not_taken_for_messages() -> None:
    zeros = [Run(1068 + at, bytes(1000)) for at in range(0, 5000, 1000)]
    heard = heard_of([Run(0, handshake()), Run(68, b"", 1000), *zeros])
    assert [one.message.name for one in heard if one.message] == ["handshake"]
    assert heard[1] == Heard(68, 6000, None)


@pytest.mark.parametrize("size", [1, 700])
def test_no_more_is_held_than_the_budget_allows(size: int) -> None:
    budget = Budget(limit_bytes=5000)
    long = Extended(1, bytes(20_000)).encode()
    stream = handshake() + long
    heard = heard_of(
        [Run(at, stream[at : at + size]) for at in range(0, len(stream), size)], budget
    )
    assert heard[0].message is not None
    assert budget.held_bytes == 0
