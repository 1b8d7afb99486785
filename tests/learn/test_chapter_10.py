"""What chapter 10 says of one's own picker is true in a new run, as `trace diff` tells it."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from actortorrent.cli.main import cli
from tests.learn.chapters import COURSE, TRACES
from tests.learn.claims import by_time, decisions, events_of
from tests.learn.running import in_most_runs_of

PIECES = 32
SENT = "bytes sent in blocks"


def differences(fresh: Path, run: str, member: str) -> dict[str, Any]:
    """Return what `trace diff` says of the usual run and of another."""
    traces = [str(fresh / name / f"{member}.trace") for name in ("usual", run)]
    result = CliRunner().invoke(cli, ["trace", "diff", *traces, "--json"])
    assert result.exit_code in {0, 1}, result.output
    told = json.loads(result.stdout)
    (node,) = told["nodes"]
    assert isinstance(node, dict)
    return node


@pytest.mark.parametrize(("run", "rule"), [("ordered", "InOrder"), ("streamer", "Streamer")])
def test_every_piece_is_picked_by_the_class_of_the_file(fresh: Path, run: str, rule: str) -> None:
    picks = decisions(fresh / run / "leech-1.trace", "pick_piece")
    assert {one["rule"] for one in picks} <= {rule, "piece already begun", "endgame"}
    told = differences(fresh, run, "leech-1")
    assert told["pieces_by_another_rule"] == list(range(PIECES))
    counts = {one["what"]: one["counts"] for one in told["counts"]}
    never, often = counts[f"decision pick_piece: {rule}"]
    assert never == 0
    assert often >= PIECES


@in_most_runs_of(10)
def test_in_order_the_seed_has_to_send_much_more(fresh: Path) -> None:
    usual, ordered = differences(fresh, "ordered", "seed-1")["figures"][SENT]
    assert ordered > 1.2 * usual


@in_most_runs_of(10)
def test_the_streamer_costs_the_seed_less_than_in_order(fresh: Path) -> None:
    _, ordered = differences(fresh, "ordered", "seed-1")["figures"][SENT]
    _, streamer = differences(fresh, "streamer", "seed-1")["figures"][SENT]
    assert streamer < ordered


@in_most_runs_of(10)
def test_the_streamer_can_be_watched_earlier_than_the_usual_rule(fresh: Path) -> None:
    usual, streamer = (playable(fresh / run / "leech-1.trace") for run in ("usual", "streamer"))
    assert sum(playable(fresh / "ordered/leech-1.trace")) > sum(streamer) > sum(usual)


def test_the_chapter_and_the_examples_have_the_same_streamer() -> None:
    """But for annotations, and for what the first line says."""
    texts = ((TRACES / "my.py"), COURSE.parent / "examples" / "pickers.py")
    ours, theirs = (method_of(path.read_text("utf-8"), "Streamer") for path in texts)
    assert ours == theirs


def method_of(text: str, name: str) -> str:
    """Return the one method of a class as a syntax tree without annotations."""
    (found,) = (
        one for one in ast.parse(text).body if isinstance(one, ast.ClassDef) and one.name == name
    )
    (method,) = (one for one in found.body if isinstance(one, ast.FunctionDef))
    return "\n".join(map(ast.dump, method.body))


def playable(path: Path) -> list[int]:
    """Return how many pieces could be played after each that came."""
    had: set[int] = set()
    played: list[int] = []
    for event in sorted(events_of(path), key=by_time):
        if event.name == "bt:piece_verified":
            had.add(event.data["piece"])
            played.append(next(piece for piece in range(PIECES + 1) if piece not in had))
    return played
