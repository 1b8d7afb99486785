"""Each scenario of the lab really happens: its traces prove what it is to show."""

from __future__ import annotations

import pytest

from tests.lab.runs import RUNS, Seen, in_most_runs_of


@pytest.mark.parametrize("scenario", RUNS)
def test_three_things_are_worth_looking_at(labs: dict[str, Seen], scenario: str) -> None:
    assert len(labs[scenario].aftermath.highlights) == 3


@pytest.mark.parametrize("scenario", RUNS)
def test_the_content_is_removed_and_the_traces_stay(labs: dict[str, Seen], scenario: str) -> None:
    outcome = labs[scenario].outcome
    left = {path.name for path in outcome.places.folder.iterdir()}
    traces = {f"{name}.trace" for name in outcome.traces}
    assert left == traces | {"swarm.trace", "gallery.torrent"}


@in_most_runs_of("slow-seed")
def test_leeches_make_up_for_a_slow_seed(labs: dict[str, Seen]) -> None:
    seen = labs["slow-seed"]
    wanted = seen.outcome.plan.size * len(seen.leeches)
    assert seen.sent("leech") > wanted / 4
    assert seen.sent("seed") < 3 * wanted / 4


@in_most_runs_of("endgame")
def test_the_last_blocks_are_asked_of_several_peers(labs: dict[str, Seen]) -> None:
    seen = labs["endgame"]
    assert any(seen.decisions(leech, "endgame") for leech in seen.leeches)


@in_most_runs_of("tracker-down")
def test_a_dead_tracker_is_not_missed(labs: dict[str, Seen]) -> None:
    seen = labs["tracker-down"]
    assert seen.outcome.heard == {"started": 4, "completed": 0, "stopped": 0}
    for leech in seen.leeches:
        failed = [one for one in seen.events(leech) if one.name == "bt:announce_failed"]
        assert failed, "it could not say that it was complete"


@in_most_runs_of("super-choked")
def test_nobody_serves_more_than_one_where_slots_are_few(labs: dict[str, Seen]) -> None:
    seen = labs["super-choked"]
    waited = 0
    for name in seen.outcome.traces:
        for data in seen.decisions(name, "unchoke"):
            assert len(data["chosen"]) <= 1
            waited += any("wait" in one["reason"] for one in data["candidates"])
    assert waited > 0
