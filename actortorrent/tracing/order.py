"""A trace in the order in which things began, for reading.

A file has its events in the order in which they were finished: a message stands behind
all that its handling brought about. This puts it in front.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator

from actortorrent.tracing.events import Event

WINDOW_EVENTS = 20_000  # how far behind its effects an event may stand in the file


def in_order(events: Iterable[Event], window: int = WINDOW_EVENTS) -> Iterator[Event]:
    """Yield events by the time they began, looking ahead `window` events at most."""
    waiting: list[tuple[int, int, int, Event]] = []
    for number, event in enumerate(events):
        # At the same nanosecond, an actor's own clock decides.
        heapq.heappush(waiting, (event.time_ns, event.lc, number, event))
        if len(waiting) > window:
            yield heapq.heappop(waiting)[-1]
    while waiting:
        yield heapq.heappop(waiting)[-1]
