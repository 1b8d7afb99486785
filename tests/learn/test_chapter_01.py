"""What chapter 1 says of actors is true in a new run."""

from __future__ import annotations

from pathlib import Path

from actortorrent.tracing.events import MESSAGE, SPAWNED, WIRE_SENT
from actortorrent.tracing.graph import Graph
from tests.learn.claims import events_of
from tests.tracing.traces import broken_laws

EIGHT_KINDS = {
    "Reporter",
    "Storage",
    "PieceManager",
    "Swarm",
    "Seeder",
    "Tracker",
    "PeerActor",
    "HttpCall",
}


def test_eight_kinds_of_actors_make_up_the_leech(fresh: Path) -> None:
    started = [one for one in events_of(fresh / "first/leech-1.trace") if one.name == SPAWNED]
    assert {one.data["class"] for one in started} == EIGHT_KINDS


def test_only_the_main_thread_asks(fresh: Path) -> None:
    messages = [one for one in events_of(fresh / "first/leech-1.trace") if one.name == MESSAGE]
    assert {one.data["from"] for one in messages if one.data["op"] == "ask"} == {"MainThread"}


def test_an_effect_has_a_larger_number_than_its_cause(fresh: Path) -> None:
    assert broken_laws(events_of(fresh / "first/leech-1.trace")) == []


def test_the_causes_of_a_verified_piece_lead_through_both_processes(fresh: Path) -> None:
    events = events_of(fresh / "first/swarm.trace")
    verified = next(
        one
        for one in events
        if one.name == "bt:piece_verified" and one.actor == "leech-1/PieceManager"
    )
    chain = Graph(events).causes(verified)
    assert chain[0].name == "bt:connection_opened"
    crossed = {one.data["type"] for one in chain if one.name == WIRE_SENT}
    assert crossed >= {"handshake", "have all", "interested", "unchoke", "request", "piece"}
