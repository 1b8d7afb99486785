from __future__ import annotations

import random

from actortorrent.tracing.order import in_order
from tests.tracing.traces import event, message


def test_a_message_stands_before_what_its_handling_brought_about() -> None:
    decision = event("actor:decision", "B", 3, cause="B#2", ms=2)
    caught = message("A", "B", "catch", (1, 2, 4), ms=1)
    assert list(in_order([decision, caught])) == [caught, decision]


def test_at_one_moment_the_actors_clock_decides() -> None:
    first, second = event("x", "A", 1), event("x", "A", 2)
    assert list(in_order([second, first])) == [first, second]


def test_no_event_is_lost_whatever_the_window() -> None:
    events = [event("x", "A", lc, ms=lc) for lc in range(100)]
    shuffled = random.Random(1).sample(events, len(events))
    assert list(in_order(shuffled, window=100)) == events
    assert {one.lc for one in in_order(shuffled, window=3)} == set(range(100))
