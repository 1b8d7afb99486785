from __future__ import annotations

import threading

from actortorrent.actors.causes import Clock, adopt_clock, current_clock


def test_a_clock_counts_and_names_its_events() -> None:
    clock = Clock("Swarm")
    assert [clock.tick(), clock.tick()] == [1, 2]
    assert clock.event_id(2) == "Swarm#2"


def test_what_arrives_is_later_than_what_was_sent_and_than_all_before() -> None:
    clock = Clock("Swarm")
    assert clock.tick_after(41) == 42
    assert clock.tick_after(7) == 43


def test_a_thread_that_is_no_actor_has_a_clock_of_its_name() -> None:
    clocks = []
    thread = threading.Thread(
        target=lambda: clocks.extend([current_clock(), current_clock()]), name="Helper"
    )
    thread.start()
    thread.join()
    assert clocks[0] is clocks[1]
    assert clocks[0].name == "Helper"
    assert clocks[0] is not current_clock()


def test_an_actors_thread_adopts_the_actors_clock() -> None:
    clock, seen = Clock("Peer-1"), []

    def run() -> None:
        adopt_clock(clock)
        seen.append(current_clock())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [clock]
