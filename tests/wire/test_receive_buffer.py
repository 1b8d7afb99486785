from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actortorrent.wire.receive_buffer import (
    LIMIT_BYTES,
    SMALL_READS_BEFORE_SHRINKING,
    START_BYTES,
    ReceiveBuffer,
)


def fill(buffer: ReceiveBuffer) -> None:
    """Write all the space there is, and take everything."""
    buffer.filled(len(buffer.space()))
    buffer.start = buffer.end


def test_it_starts_small() -> None:
    assert len(ReceiveBuffer().space()) == START_BYTES


def test_it_doubles_while_reads_fill_it_up_to_its_limit() -> None:
    buffer = ReceiveBuffer()
    sizes = []
    for _ in range(7):
        sizes.append(len(buffer.space()))
        fill(buffer)
    assert sizes == [START_BYTES << doubling for doubling in range(6)] + [LIMIT_BYTES]


def test_it_shrinks_after_many_small_reads_in_a_row() -> None:
    buffer = ReceiveBuffer()
    for _ in range(3):
        fill(buffer)
    size = len(buffer.space())
    for _ in range(SMALL_READS_BEFORE_SHRINKING):
        buffer.space()
        buffer.filled(1)
        buffer.start = buffer.end
    assert len(buffer.space()) == size // 2


def test_a_fair_read_keeps_it_from_shrinking() -> None:
    buffer = ReceiveBuffer()
    for _ in range(3):
        fill(buffer)
    size = len(buffer.space())
    for turn in range(3 * SMALL_READS_BEFORE_SHRINKING):
        buffer.space()
        buffer.filled(1 if turn % 10 else size // 4)
        buffer.start = buffer.end
    assert len(buffer.space()) == size


def test_a_message_that_is_longer_gets_room() -> None:
    buffer = ReceiveBuffer()
    buffer.space()[:3] = b"abc"
    buffer.filled(3)
    buffer.needs(100_000)
    assert len(buffer.space()) == 131_072 - 3
    assert bytes(buffer.view[buffer.start : buffer.end]) == b"abc"


def test_the_limit_may_be_chosen() -> None:
    buffer = ReceiveBuffer(limit_bytes=2 * START_BYTES)
    for _ in range(5):
        fill(buffer)
    assert len(buffer.space()) == 2 * START_BYTES


def test_views_of_one_read_outlive_a_change_of_size() -> None:
    buffer = ReceiveBuffer()
    free = buffer.space()
    free[:] = b"x" * len(free)
    buffer.filled(len(free))
    view = buffer.view[:10]
    buffer.start = buffer.end
    buffer.space()[:10] = b"y" * 10
    assert bytes(view) == b"x" * 10


@given(st.lists(st.tuples(st.binary(max_size=3 * START_BYTES), st.integers(0, 100)), max_size=12))
def test_what_was_not_taken_is_kept_and_offsets_count_the_stream(
    reads: list[tuple[bytes, int]],
) -> None:
    buffer = ReceiveBuffer()
    stream, taken = b"", 0
    for data, percent in reads:
        free = buffer.space()
        count = min(len(free), len(data))
        free[:count] = data[:count]
        buffer.filled(count)
        stream += data[:count]
        assert bytes(buffer.view[buffer.start : buffer.end]) == stream[taken:]
        step = (buffer.end - buffer.start) * percent // 100
        buffer.start += step
        taken += step
        buffer.needs(buffer.end - buffer.start + 1)
        assert buffer.stream_offset + buffer.start == taken
