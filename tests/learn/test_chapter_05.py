"""What chapter 5 says of rarest first is true in a new run."""

from __future__ import annotations

from pathlib import Path

import pytest

from actortorrent.tracing.events import WIRE_RECEIVED
from tests.learn.claims import by_time, connections, decisions, events_of, wire
from tests.learn.running import in_most_runs_of

PIECES = 32
WANTED_BLOCKS = 2 * PIECES  # of one block a piece, by two leeches
LEECHES = ("leech-1", "leech-2")


def seed_of(path: Path) -> str:
    """Return the connection on which all pieces were first offered at once."""
    offers = [
        event
        for event in events_of(path)
        if event.name == WIRE_RECEIVED and event.data["type"] == "have all"
    ]
    return min(offers, key=by_time).actor  # a leech that is complete may say so later


def sent_by_the_seed(fresh: Path, run: str) -> list[int]:
    path = fresh / run / "seed-1.trace"
    return [
        data["fields"]["piece_index"]
        for actor in connections(path)
        for way, kind, data in wire(path, actor)
        if (way, kind) == ("sent", "piece")
    ]


@in_most_runs_of(5)
def test_with_rarest_first_the_seed_sends_most_pieces_once(fresh: Path) -> None:
    sent = sent_by_the_seed(fresh, "rarest")
    assert set(sent) == set(range(PIECES))
    assert len(sent) < 0.8 * WANTED_BLOCKS
    by_luck = 4  # leeches that begin apart differ in what they lack, in whatever order they pick
    assert len(sent) <= len(sent_by_the_seed(fresh, "inorder")) + by_luck


@pytest.mark.parametrize("leech", LEECHES)
def test_of_what_the_seed_has_the_rarest_is_picked(fresh: Path, leech: str) -> None:
    path = fresh / f"rarest/{leech}.trace"
    picks = [one for one in decisions(path, "pick_piece") if one["rule"] == "rarest first"]
    seed = seed_of(path)
    counts = [one["peers_having_it"] for one in picks if one["peer"] == seed]
    assert counts[0] == 1
    assert counts.count(1) > 0.8 * len(counts)
    others = [one["peers_having_it"] for one in picks if one["peer"] != seed]
    assert all(count >= 2 for count in others), "the seed has it, too"


@pytest.mark.parametrize("leech", LEECHES)
def test_the_first_pieces_are_picked_at_random(fresh: Path, leech: str) -> None:
    of_manager = sorted(
        (one for one in events_of(fresh / f"rarest/{leech}.trace") if one.actor == "PieceManager"),
        key=lambda one: one.lc,
    )
    verified = 0
    rules = set()
    for event in of_manager:
        verified += event.name == "bt:piece_verified"
        if event.data.get("what") == "pick_piece" and verified < 4:
            rules.add(event.data["rule"])
    assert rules == {"random first piece"}


def test_in_order_is_what_the_other_run_did(fresh: Path) -> None:
    for leech in LEECHES:
        made = decisions(fresh / f"inorder/{leech}.trace", "pick_piece")
        assert "InOrder" in {one["rule"] for one in made}
