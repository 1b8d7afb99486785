"""Each scenario of the lab really happens: its traces prove what it is to show."""

from __future__ import annotations

import pytest

from actortorrent.tracing.events import Event
from actortorrent.tracing.reader import TraceFile
from tests.lab.runs import RUNS, Seen


@pytest.mark.parametrize("scenario", RUNS)
def test_three_things_are_worth_looking_at(labs: dict[str, Seen], scenario: str) -> None:
    assert len(labs[scenario].aftermath.highlights) == 3


@pytest.mark.parametrize("scenario", RUNS)
def test_the_content_is_removed_and_the_traces_stay(labs: dict[str, Seen], scenario: str) -> None:
    outcome = labs[scenario].outcome
    left = {path.name for path in outcome.places.folder.iterdir()}
    traces = {f"{name}.trace" for name in outcome.traces}
    assert left == traces | {"swarm.trace", "gallery.torrent"}


def test_leeches_make_up_for_a_slow_seed(labs: dict[str, Seen]) -> None:
    seen = labs["slow-seed"]
    wanted = seen.outcome.plan.size * len(seen.leeches)
    assert seen.sent("leech") > wanted / 4
    assert seen.sent("seed") < 3 * wanted / 4


def test_the_bad_peer_is_banned_and_nobody_else(labs: dict[str, Seen]) -> None:
    seen = labs["bad-peer"]
    banned = [one.banned for one in seen.outcome.members]
    assert ("bad-peer",) in banned
    assert set(banned) <= {(), ("bad-peer",)}
    wasted = sum(one.wasted_bytes for one in seen.outcome.members)
    assert wasted > 0
    for leech in seen.leeches:
        conns = conns_by_name(seen.events(leech), seen)
        for ban in seen.decisions(leech, "ban_peer"):
            assert ban["chosen"] == f"Peer-{conns['bad-peer']}"


def test_the_last_blocks_are_asked_of_several_peers(labs: dict[str, Seen]) -> None:
    seen = labs["endgame"]
    assert any(seen.decisions(leech, "endgame") for leech in seen.leeches)


def test_a_dead_tracker_is_not_missed(labs: dict[str, Seen]) -> None:
    seen = labs["tracker-down"]
    assert seen.outcome.heard == {"started": 4, "completed": 0, "stopped": 0}
    for leech in seen.leeches:
        failed = [one for one in seen.events(leech) if one.name == "bt:announce_failed"]
        assert failed, "it could not say that it was complete"


def test_nobody_serves_more_than_one_where_slots_are_few(labs: dict[str, Seen]) -> None:
    seen = labs["super-choked"]
    waited = 0
    for name in seen.outcome.traces:
        for data in seen.decisions(name, "unchoke"):
            assert len(data["chosen"]) <= 1
            waited += any("wait" in one["reason"] for one in data["candidates"])
    assert waited > 0


def conns_by_name(events: list[Event], seen: Seen) -> dict[str, int]:
    """Return which connection of a trace leads to whom, by the handshakes alone."""
    names = {}
    for name, path in seen.outcome.traces.items():
        with TraceFile(path) as trace:
            names[bytes.fromhex(trace.header.peer_id).decode("ascii")] = name
    return {
        names[event.data["fields"]["peer_id"]]: event.data["conn"]
        for event in events
        if event.name == "bt:message_received" and event.data["type"] == "handshake"
    }
