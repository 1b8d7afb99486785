"""The flight recorder keeps the last events, and says what it has not."""

from __future__ import annotations

from actortorrent.tracing.flight_recorder import FlightRecorder


class Storage:
    """Stand for the class of an actor."""

    def hear(self, what: str) -> None: ...


def full_recorder(limit: int, count: int) -> FlightRecorder:
    recorder = FlightRecorder(limit)
    for number in range(1, count + 1):
        recorder.record(
            1000 + number, "bt:piece_verified", "Storage", number, "", {"piece": number}
        )
    return recorder


def test_the_last_events_are_kept_and_the_others_counted() -> None:
    flight = full_recorder(limit=10, count=25).look()
    assert flight.missing == 15
    gap, *kept, end = flight.events(9999, "asked for")
    assert (gap.name, gap.data) == ("trace:gap", {"lost": 15, "why": "flight recorder"})
    assert gap.time_ns == 1016, "it stands at the beginning"
    assert [event.data["piece"] for event in kept] == list(range(16, 26))
    assert (end.name, end.data) == ("trace:end", {"events": 10, "lost": 15, "why": "asked for"})


def test_where_all_are_kept_nothing_is_missing() -> None:
    flight = full_recorder(limit=10, count=10).look()
    assert flight.missing == 0
    assert "trace:gap" not in {event.name for event in flight.events(9999, "asked for")}


def test_it_can_be_looked_at_again_and_counts_on() -> None:
    recorder = full_recorder(limit=10, count=25)
    assert [recorder.look().missing, recorder.look().missing] == [15, 15]
    recorder.record(5000, "bt:piece_verified", "Storage", 26, "", {"piece": 26})
    assert recorder.look().missing == 16


def test_an_empty_one_has_only_its_end() -> None:
    assert [event.name for event in FlightRecorder(10).look().events(5, "asked for")] == [
        "trace:end"
    ]


def test_a_name_is_given_away_once() -> None:
    recorder = FlightRecorder(10)
    assert recorder.claim("Storage", Storage)
    assert not recorder.claim("Storage", Storage)
    assert recorder.claim("Storage~2", Storage)
    assert recorder.kind_of("Storage") is Storage


def test_many_peers_do_not_make_it_grow() -> None:
    recorder = FlightRecorder(10)
    assert all(recorder.claim(f"Peer-{conn}", Storage) for conn in range(1000))
    assert recorder.kind_of("Peer-999") is Storage
    assert recorder.kind_of("Nobody-1") is None
    assert len(recorder._cast._roles) == 1
