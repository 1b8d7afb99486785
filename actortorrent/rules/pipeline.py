"""How many bytes to have asked for at any time: enough that the peer never waits for us.

What is asked of one peer, no other is asked for; and until it has come, the others of the
swarm do not see that we will have it, and ask the same source for the same piece. So the
queue is short: what comes in `QUEUE_SECONDS` at the peer's rate. That a request takes a
while to get there must not make it run dry, so what comes in the time in which it answered
quickest is asked for on top. If it answers late again and again although little is asked
for, the way has become longer: then that is the time to reckon with.

The depth starts small and, as TCP does, grows by what arrives, which doubles it each round
trip, until the rate no longer grows or answers come late: requests then wait in a queue.
"""

from __future__ import annotations

from collections import deque

from actortorrent.rules.geometry import BLOCK_BYTES

FIRST_DEPTH_BYTES = 8 * BLOCK_BYTES
LEAST_DEPTH_BYTES = 4 * BLOCK_BYTES
LIMITED_DEPTH_BYTES = 2 * BLOCK_BYTES  # first and least where we limit what we read
MOST_DEPTH_BYTES = 250 * BLOCK_BYTES  # what a peer must queue for us if it does not say (BEP 10)
MOST_TOLD_REQUESTS = 512  # of those that a peer says it queues: more help nobody
QUEUE_SECONDS = 0.3
MOST_ANSWER_SECONDS = 3.0  # a peer that takes longer is slow, not far away
SPARE = 1.5  # asked by quarters of the depth, at times no more is on its way than three of four
LATE = 0.85  # of the seconds that are asked for: no queue of ours makes an answer wait so long
LATE_ROUNDS = 5  # one after the other: the way is longer than thought
WINDOW_SECONDS = 1.0


class Pipeline:
    """Measure one peer's rate, and say how deep its queue of requests should be.

    Args:
        now: in seconds.
        is_limited: whether we read no more than a limit allows.

    Attributes:
        answer_seconds: from a request to its first bytes, when it was quickest.
    """

    __slots__ = (
        "_asked",
        "_came_bytes",
        "_in_window",
        "_late",
        "_late_at",
        "_least_depth_bytes",
        "_most_depth_bytes",
        "_window_began",
        "answer_seconds",
        "depth_bytes",
        "is_growing",
        "rate",
    )

    def __init__(self, now: float, *, is_limited: bool = False) -> None:
        self.depth_bytes = LIMITED_DEPTH_BYTES if is_limited else FIRST_DEPTH_BYTES
        self._least_depth_bytes = LIMITED_DEPTH_BYTES if is_limited else LEAST_DEPTH_BYTES
        self._most_depth_bytes = MOST_DEPTH_BYTES
        self.is_growing = True  # slow start
        self.rate = 0.0
        self.answer_seconds = 0.0
        self._asked: deque[tuple[float, int]] = deque()  # when, and bytes that come before
        self._late: list[float] = []  # seconds of late answers, each asked for after the last came
        self._late_at = now
        self._came_bytes = self._in_window = 0
        self._window_began = now

    @property
    def seconds_to_ask_for(self) -> float:
        """Return how long the peer should be busy with what it is asked for."""
        return QUEUE_SECONDS + SPARE * self.answer_seconds

    @property
    def least_to_ask_for(self) -> int:
        """Return how many bytes must be free before more are asked for, so that questions are few.

        A quarter of the depth; half of it of a peer that is quick and near.
        """
        is_near = (
            self.depth_bytes == self._most_depth_bytes and self.answer_seconds <= QUEUE_SECONDS / 2
        )
        return max(BLOCK_BYTES, self.depth_bytes // (2 if is_near else 4))

    def peer_queues(self, request_count: int) -> None:
        """Note how many requests the peer says it lets wait (`reqq`, BEP 10)."""
        told = BLOCK_BYTES * max(1, min(request_count, MOST_TOLD_REQUESTS))
        self._most_depth_bytes = told
        self.depth_bytes = min(self.depth_bytes, told)

    def asked(self, in_flight_bytes: int, now: float) -> None:
        """Note a request behind `in_flight_bytes` of others."""
        self._asked.append((now, self._came_bytes + in_flight_bytes))

    def dropped(self) -> None:
        """Note that some of what was asked for will not come: it cannot be told when the rest."""
        self._asked.clear()

    def received(self, byte_count: int, now: float) -> None:
        """Count blocks that came, at `now` in seconds."""
        self._in_window += byte_count
        self._came_bytes += byte_count
        if self.is_growing:
            self._grow(byte_count, now)
        while self._asked and self._asked[0][1] < self._came_bytes:
            asked_at, _ = self._asked.popleft()
            self._answered(asked_at, now)
        if now - self._window_began >= max(WINDOW_SECONDS, 2 * self.answer_seconds):
            self._measure(now)

    def snubbed(self) -> None:
        """Ask for as little as possible: nothing came for long."""
        self.depth_bytes = BLOCK_BYTES
        self.is_growing = True
        self.dropped()

    def _grow(self, byte_count: int, now: float) -> None:
        is_known = self.answer_seconds and self._asked
        if is_known and now - self._asked[0][0] > self.seconds_to_ask_for:
            self.is_growing = False
        else:
            self._set_depth(self.depth_bytes + byte_count)

    def _answered(self, asked_at: float, now: float) -> None:
        seconds = now - asked_at
        if not self.answer_seconds or seconds <= LATE * self.seconds_to_ask_for:
            self._late.clear()
            self.answer_seconds = min(self.answer_seconds or MOST_ANSWER_SECONDS, seconds)
        elif asked_at >= self._late_at:
            self._late_at = now
            self._late.append(seconds)
        if len(self._late) == LATE_ROUNDS:
            self.answer_seconds = min(MOST_ANSWER_SECONDS, *self._late)
            self.is_growing = True
            self._late.clear()

    def _measure(self, now: float) -> None:
        rate = self._in_window / (now - self._window_began)
        self.is_growing = self.is_growing and rate > 1.2 * self.rate
        self.rate = rate
        self._in_window = 0
        self._window_began = now
        if not self.is_growing:
            self._set_depth(int(rate * self.seconds_to_ask_for))

    def _set_depth(self, depth_bytes: int) -> None:
        self.depth_bytes = min(self._most_depth_bytes, max(self._least_depth_bytes, depth_bytes))
