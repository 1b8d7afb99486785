"""What chapter 4 says of interest and choking is true in a new run."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from actortorrent.cli.main import cli
from actortorrent.tracing.events import SPAWNED
from tests.learn.claims import connections, decisions, events_of, wire
from tests.learn.running import in_most_runs_of

LEECHES = ("leech-1", "leech-2")
AT_FIRST = {
    "am_choking": True,
    "am_interested": False,
    "peer_choking": True,
    "peer_interested": False,
}


def test_at_first_everybody_chokes_and_nobody_is_interested(fresh: Path) -> None:
    for event in events_of(fresh / "choking/leech-2.trace"):
        if event.name == SPAWNED and event.data["class"] == "PeerActor":
            assert event.data["state"] == AT_FIRST


@pytest.mark.parametrize("name", ["seed-1", *LEECHES])
def test_nobody_serves_more_than_one(fresh: Path, name: str) -> None:
    made = decisions(fresh / f"choking/{name}.trace", "unchoke")
    assert made
    assert all(len(one["chosen"]) <= 1 for one in made)


@in_most_runs_of(4)
def test_at_the_seed_one_waits_until_the_turn_of_the_other_is_over(fresh: Path) -> None:
    made = decisions(fresh / "choking/seed-1.trace", "unchoke")
    assert made[0]["rule"] == "fill free slots"
    reasons = {verdict["reason"] for one in made for verdict in one["candidates"]}
    assert {"in its turn", "waits for its turn", "waited longest"} <= reasons
    assert reasons & {"turn over", "takes nothing"}


@in_most_runs_of(4)
def test_interest_follows_a_have_and_ends_with_the_piece(fresh: Path) -> None:
    """Between the leeches, who begin with nothing: no interest before a `have`."""
    followed = 0
    for name in LEECHES:
        path = fresh / f"choking/{name}.trace"
        for actor in connections(path):
            said = [(way, kind) for way, kind, _ in wire(path, actor)]
            if ("received", "bitfield") in said or ("received", "have all") in said:
                continue  # the seed, or a leech that was met late
            for number, one in enumerate(said):
                if one == ("sent", "interested"):
                    assert ("received", "have") in said[:number]
                    followed += 1
    assert followed > 0


def test_nobody_asks_while_choked_nor_for_what_is_not_there(fresh: Path) -> None:
    found = CliRunner().invoke(cli, ["trace", "lint", str(fresh / "choking/swarm.trace")])
    assert found.exit_code == 0, found.output
