"""Who is running on this thread, and because of what: the thread-local half of tracing.

Every thread has a `Clock`: an actor's own, or one named after a thread that is no
actor. It is a Lamport clock: it ticks at each local event and jumps past the
sender's time when a message is taken, so that an effect is always later than its
cause. `clock.cause` is the id of the event being handled, the trigger of all that
happens until the next.
"""

from __future__ import annotations

import itertools
import threading
from collections import defaultdict
from collections.abc import Iterator


class Clock:
    """Count the events of one actor (or of one thread that is no actor)."""

    __slots__ = ("cause", "name", "time")

    def __init__(self, name: str) -> None:
        self.name = name
        self.time = 0
        self.cause = ""

    def tick(self) -> int:
        """Count one local event and return its number."""
        self.time += 1
        return self.time

    def tick_after(self, sent_time: int) -> int:
        """Count the arrival of a message sent at `sent_time` and return its number."""
        self.time = max(self.time, sent_time) + 1
        return self.time

    def event_id(self, time: int) -> str:
        """Return the id of this clock's event number `time`, `actor#number`."""
        return f"{self.name}#{time}"


class _Here(threading.local):
    clock: Clock | None = None


_here = _Here()
# How many threads of each name were seen: a second one must not continue the first one's ids.
_numbers: defaultdict[str, Iterator[int]] = defaultdict(lambda: itertools.count(1))


def current_clock() -> Clock:
    """Return the clock of the running thread, named after the thread at first use."""
    clock = _here.clock
    if clock is None:
        clock = _here.clock = Clock(_name_of_thread())
    return clock


def _name_of_thread() -> str:
    name = threading.current_thread().name
    number = next(_numbers[name])
    return name if number == 1 else f"{name}~{number}"


def adopt_clock(clock: Clock) -> None:
    """Make `clock` the running thread's: what an actor's thread does first."""
    _here.clock = clock
