from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.rules.geometry import BLOCK_BYTES
from actortorrent.rules.pipeline import (
    FIRST_DEPTH_BYTES,
    LEAST_DEPTH_BYTES,
    MOST_DEPTH_BYTES,
    Pipeline,
)

MIB = 1024 * 1024


def fetch_at(pipeline: Pipeline, rate: float, began: float, seconds: float) -> None:
    """Let blocks come at a steady rate."""
    now, end = began, began + seconds
    while now < end:
        now += BLOCK_BYTES / rate
        pipeline.received(BLOCK_BYTES, now)


def test_it_starts_small() -> None:
    assert Pipeline(0.0).depth_bytes == FIRST_DEPTH_BYTES


def test_at_first_each_round_trip_doubles_it() -> None:
    pipeline = Pipeline(0.0)
    depths = []
    for round_trip in range(4):
        pipeline.received(pipeline.depth_bytes, 0.1 * round_trip)
        depths.append(pipeline.depth_bytes // FIRST_DEPTH_BYTES)
    assert depths == [2, 4, 8, 16]


@pytest.mark.parametrize("rate", [100_000, 500_000, 1_000_000])
def test_then_it_holds_about_two_seconds_worth(rate: float) -> None:
    pipeline = Pipeline(0.0)
    fetch_at(pipeline, rate, 0.0, 10.0)
    assert pipeline.rate == pytest.approx(rate, rel=0.2)
    assert pipeline.depth_bytes == pytest.approx(2 * rate, rel=0.2)


def test_a_peer_that_becomes_slow_sits_on_little() -> None:
    pipeline = Pipeline(0.0)
    fetch_at(pipeline, 4 * MIB, 0.0, 5.0)
    assert pipeline.depth_bytes == MOST_DEPTH_BYTES
    fetch_at(pipeline, 50_000, 5.0, 3.0)
    assert pipeline.depth_bytes <= 2 * LEAST_DEPTH_BYTES


def test_a_peer_that_rested_is_soon_asked_for_as_much_as_before() -> None:
    pipeline = Pipeline(0.0)
    fetch_at(pipeline, MIB, 0.0, 5.0)
    pipeline.received(BLOCK_BYTES, 600.0)
    assert pipeline.depth_bytes == LEAST_DEPTH_BYTES
    fetch_at(pipeline, MIB, 600.0, 3.0)
    assert pipeline.depth_bytes == pytest.approx(2 * MIB, rel=0.2)


def test_a_snubbed_peer_is_asked_for_one_block_until_it_comes() -> None:
    pipeline = Pipeline(0.0)
    fetch_at(pipeline, MIB, 0.0, 5.0)
    pipeline.snubbed()
    assert pipeline.depth_bytes == BLOCK_BYTES
    pipeline.received(BLOCK_BYTES, 30.0)
    assert pipeline.depth_bytes >= LEAST_DEPTH_BYTES


@given(st.lists(st.tuples(st.integers(1, 64 * BLOCK_BYTES), st.floats(0, 30)), max_size=40))
def test_it_never_leaves_its_bounds(arrivals: list[tuple[int, float]]) -> None:
    pipeline, now = Pipeline(0.0), 0.0
    for byte_count, seconds in arrivals:
        now += seconds
        pipeline.received(byte_count, now)
        assert LEAST_DEPTH_BYTES <= pipeline.depth_bytes <= MOST_DEPTH_BYTES
        assert pipeline.rate >= 0
