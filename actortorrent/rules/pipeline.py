"""How many bytes to have asked for at any time: enough that the peer never waits for us.

A peer that answers slowly must not sit on blocks that others could bring, and a fast
one must never run dry between our reading and its sending. So the depth follows the
rate: about two seconds' worth. It starts small and, as TCP does, grows by what
arrives, which doubles it each round trip, until the rate itself says how much it needs.
"""

from __future__ import annotations

from actortorrent.rules.geometry import BLOCK_BYTES

FIRST_DEPTH_BYTES = 8 * BLOCK_BYTES
LEAST_DEPTH_BYTES = 4 * BLOCK_BYTES
MOST_DEPTH_BYTES = 250 * BLOCK_BYTES  # what a peer must queue for us if it does not say (BEP 10)
QUEUE_SECONDS = 2.0
WINDOW_SECONDS = 1.0


class Pipeline:
    """Measure one peer's rate, and say how deep its queue of requests should be."""

    __slots__ = ("_in_window", "_window_began", "depth_bytes", "is_growing", "rate")

    def __init__(self, now: float) -> None:
        self.depth_bytes = FIRST_DEPTH_BYTES
        self.is_growing = True  # slow start
        self.rate = 0.0
        self._in_window = 0
        self._window_began = now

    def received(self, byte_count: int, now: float) -> None:
        """Count blocks that came, at `now` in seconds."""
        self._in_window += byte_count
        if self.is_growing:
            self._set_depth(self.depth_bytes + byte_count)
        if now - self._window_began >= WINDOW_SECONDS:
            self._measure(now)

    def snubbed(self) -> None:
        """Ask for as little as possible: nothing came for long."""
        self.depth_bytes = BLOCK_BYTES
        self.is_growing = True

    def _measure(self, now: float) -> None:
        rate = self._in_window / (now - self._window_began)
        self.is_growing = self.is_growing and rate > 1.2 * self.rate
        self.rate = rate
        self._in_window = 0
        self._window_began = now
        if not self.is_growing:
            self._set_depth(int(rate * QUEUE_SECONDS))

    def _set_depth(self, depth_bytes: int) -> None:
        self.depth_bytes = min(MOST_DEPTH_BYTES, max(LEAST_DEPTH_BYTES, depth_bytes))
