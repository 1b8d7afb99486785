"""What chapter 8 says of the bad peer is true in a new run."""

from __future__ import annotations

from pathlib import Path

from actortorrent.tracing.reader import TraceFile
from tests.learn.claims import by_time, decisions, events_of
from tests.learn.running import in_most_runs_of

LEECH = "bad/leech-1.trace"


def connection_to(path: Path, name: str) -> int:
    """Return the number that leech-1 gave to its connection with somebody."""
    with TraceFile(path) as trace:
        for node, conn, other, other_conn in trace.header.connections:
            for one, number, far in ((node, conn, other), (other, other_conn, node)):
                if (one, far) == ("leech-1", name):
                    return number
    raise AssertionError(f"no connection to {name}")


@in_most_runs_of(8)
def test_a_piece_of_two_fails_and_nobody_is_banned_for_that_alone(fresh: Path) -> None:
    events = sorted(events_of(fresh / LEECH), key=by_time)
    failed = [one for one in events if one.name == "bt:piece_failed"]
    assert 2 in [len(one.data["contributors"]) for one in failed]
    ban = next(one for one in events if one.data.get("what") == "ban_peer")
    assert failed[0].time_ns < ban.time_ns


def test_the_bad_peer_is_banned_and_the_innocent_is_not(fresh: Path) -> None:
    guilty = connection_to(fresh / "bad/swarm.trace", "bad-peer")
    innocent = connection_to(fresh / "bad/swarm.trace", "seed-1")
    (ban,) = decisions(fresh / LEECH, "ban_peer")
    assert ban["chosen"] == f"Peer-{guilty}"
    closed = {
        one.data["conn"]: one.data["why"]
        for one in events_of(fresh / LEECH)
        if one.name == "bt:connection_closed"
    }
    assert closed[guilty] == f"sent bad data for piece {ban['piece']}"
    assert "bad data" not in closed.get(innocent, "")


def test_after_a_failure_of_several_a_piece_is_asked_of_one_alone(fresh: Path) -> None:
    events = sorted(events_of(fresh / LEECH), key=by_time)
    ban = next(one for one in events if one.data.get("what") == "ban_peer")
    lone: dict[int, set[str]] = {}
    for event in events:
        if event.name == "bt:piece_failed":
            lone[event.data["piece"]] = set()
        if event.data.get("what") == "pick_piece" and event.time_ns < ban.time_ns:
            lone.get(event.data["chosen"], set()).add(event.data["peer"])
    assert lone
    assert all(len(peers) <= 1 for peers in lone.values())
