from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.rules.geometry import BLOCK_BYTES
from actortorrent.rules.pipeline import (
    FIRST_DEPTH_BYTES,
    LEAST_DEPTH_BYTES,
    LIMITED_DEPTH_BYTES,
    MOST_DEPTH_BYTES,
    QUEUE_SECONDS,
    Pipeline,
)

MIB = 1024 * 1024


def fetch_at(pipeline: Pipeline, rate: float, began: float, seconds: float) -> None:
    """Let blocks come at a steady rate."""
    now, end = began, began + seconds
    while now < end:
        now += BLOCK_BYTES / rate
        pipeline.received(BLOCK_BYTES, now)


@pytest.mark.parametrize(("told", "blocks"), [(1, 1), (0, 1), (100, 100), (10**6, 512)])
def test_what_a_peer_lets_wait_bounds_it(told: int, blocks: int) -> None:
    pipeline = Pipeline(0.0)
    pipeline.peer_queues(told)
    assert pipeline.depth_bytes == min(FIRST_DEPTH_BYTES, blocks * BLOCK_BYTES)
    fetch_at(pipeline, 1000 * MIB, 0.0, 3.0)
    assert pipeline.depth_bytes == blocks * BLOCK_BYTES


def test_it_starts_small() -> None:
    assert Pipeline(0.0).depth_bytes == FIRST_DEPTH_BYTES


def test_where_we_limit_the_rate_a_choke_waits_behind_little() -> None:
    pipeline = Pipeline(0.0, is_limited=True)
    assert pipeline.depth_bytes == LIMITED_DEPTH_BYTES < LEAST_DEPTH_BYTES
    fetch_at(pipeline, 20_000, 0.0, 10.0)
    assert pipeline.depth_bytes == LIMITED_DEPTH_BYTES
    fetch_at(pipeline, 1_000_000, 10.0, 20.0)
    assert pipeline.depth_bytes == pytest.approx(QUEUE_SECONDS * 1_000_000, rel=0.2)


def test_at_first_each_round_trip_doubles_it() -> None:
    pipeline = Pipeline(0.0)
    depths = []
    for round_trip in range(4):
        pipeline.received(pipeline.depth_bytes, 0.1 * round_trip)
        depths.append(pipeline.depth_bytes // FIRST_DEPTH_BYTES)
    assert depths == [2, 4, 8, 16]


@pytest.mark.parametrize("rate", [500_000, 1_000_000, 5_000_000])
def test_then_it_holds_what_comes_in_a_short_time(rate: float) -> None:
    pipeline = Pipeline(0.0)
    fetch_at(pipeline, rate, 0.0, 10.0)
    assert pipeline.rate == pytest.approx(rate, rel=0.2)
    assert pipeline.depth_bytes == pytest.approx(QUEUE_SECONDS * rate, rel=0.2)


@dataclass
class Way:
    """A peer that sends so many bytes a second, and is so many seconds away, there and back."""

    rate: float
    round_trip: float
    now: float = 0.0
    sent_at: float = 0.0  # when the last block left the peer
    came_bytes: int = 0
    in_flight: deque[float] = field(default_factory=deque)  # when each block will be here

    def fetch(self, pipeline: Pipeline, seconds: float) -> float:
        """Ask by quarters of the depth, as peers' actors do; return the rate reached."""
        end, before = self.now + seconds, self.came_bytes
        while self.now < end:
            self._ask(pipeline)
            self.now = max(self.now, self.in_flight.popleft())
            self.came_bytes += BLOCK_BYTES
            pipeline.received(BLOCK_BYTES, self.now)
        return (self.came_bytes - before) / seconds

    def _ask(self, pipeline: Pipeline) -> None:
        asked_for = len(self.in_flight) * BLOCK_BYTES
        room = pipeline.depth_bytes - asked_for
        if self.in_flight and room < pipeline.least_to_ask_for:
            return
        pipeline.asked(asked_for, self.now)
        for _ in range(max(1, room // BLOCK_BYTES)):
            may_leave = max(self.sent_at, self.now + self.round_trip / 2)
            self.sent_at = may_leave + BLOCK_BYTES / self.rate
            self.in_flight.append(self.sent_at + self.round_trip / 2)

    @property
    def queue_seconds(self) -> float:
        """Return how long what is asked for waits at the peer."""
        return len(self.in_flight) * BLOCK_BYTES / self.rate - self.round_trip


@pytest.mark.parametrize("round_trip", [0.0, 0.02, 0.2, 0.6, 1.0, 1.5])
@pytest.mark.parametrize("rate", [200_000, 1_000_000])
def test_however_far_away_a_peer_is_it_is_kept_busy(rate: float, round_trip: float) -> None:
    way, pipeline = Way(rate, round_trip), Pipeline(0.0)
    way.fetch(pipeline, 30.0)
    assert way.fetch(pipeline, 20.0) >= 0.9 * rate


@pytest.mark.parametrize("round_trip", [0.0, 0.02])
def test_near_by_its_queue_is_short_from_the_beginning(round_trip: float) -> None:
    way, pipeline = Way(1_250_000, round_trip), Pipeline(0.0)
    for _ in range(20):
        way.fetch(pipeline, 0.5)
        assert way.queue_seconds <= 0.75


@pytest.mark.parametrize("round_trip", [0.0, 0.02, 0.2, 0.6, 1.0])
def test_its_queue_is_soon_short(round_trip: float) -> None:
    way, pipeline = Way(1_250_000, round_trip), Pipeline(0.0)
    way.fetch(pipeline, 15.0)
    for _ in range(10):
        way.fetch(pipeline, 0.5)
        assert way.queue_seconds <= 0.5 + 0.5 * round_trip


@pytest.mark.parametrize("longer", [0.2, 0.4, 0.6, 1.0])
def test_when_the_way_becomes_longer_it_is_kept_busy_again(longer: float) -> None:
    way, pipeline = Way(1_000_000, 0.02), Pipeline(0.0)
    way.fetch(pipeline, 10.0)
    way.round_trip = longer
    way.fetch(pipeline, 20.0)
    assert way.fetch(pipeline, 20.0) >= 0.9 * way.rate


def test_a_peer_that_becomes_slow_sits_on_little() -> None:
    pipeline = Pipeline(0.0)
    fetch_at(pipeline, 20 * MIB, 0.0, 5.0)
    assert pipeline.depth_bytes == MOST_DEPTH_BYTES
    fetch_at(pipeline, 50_000, 5.0, 3.0)
    assert pipeline.depth_bytes == LEAST_DEPTH_BYTES


def test_a_slow_peer_is_not_taken_for_one_that_is_far_away() -> None:
    way, pipeline = Way(1_000_000, 0.02), Pipeline(0.0)
    way.fetch(pipeline, 10.0)
    way.rate = 20_000
    way.fetch(pipeline, 60.0)
    assert pipeline.depth_bytes <= 2 * LEAST_DEPTH_BYTES


def test_no_answer_is_timed_by_what_was_cancelled() -> None:
    pipeline = Pipeline(0.0)
    pipeline.asked(0, 0.0)
    pipeline.dropped()
    pipeline.received(BLOCK_BYTES, 2.0)
    assert pipeline.answer_seconds == 0


def test_a_peer_that_rested_is_soon_asked_for_as_much_as_before() -> None:
    pipeline = Pipeline(0.0)
    fetch_at(pipeline, MIB, 0.0, 5.0)
    pipeline.received(BLOCK_BYTES, 600.0)
    assert pipeline.depth_bytes == LEAST_DEPTH_BYTES
    fetch_at(pipeline, MIB, 600.0, 3.0)
    assert pipeline.depth_bytes == pytest.approx(QUEUE_SECONDS * MIB, rel=0.2)


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
