"""Why the free rider is choked, as `trace why choke` tells it and as the bytes on the wire have it."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import pytest
from click.testing import CliRunner

from actortorrent.cli.main import cli
from actortorrent.tracing.events import Event
from actortorrent.tracing.reader import TraceFile
from tests.chance import TRIES
from tests.lab.choking import Review, reviews_of
from tests.lab.runs import Seen, in_most_runs_of, run_again

REFUSED = "others send us more"
BY_LOT = {"drawn by lot", "its draw still holds"}


@pytest.fixture(scope="module")
def seen(labs: dict[str, Seen]) -> Seen:
    """Return a run in which those who earned slots kept the free rider out, as in nearly all."""
    for _ in range(1, TRIES):
        answers = answers_about(labs["free-rider"])
        if answers and all(earned_in(answer) for answer in answers):
            break
        labs = run_again("free-rider", labs)
    return labs["free-rider"]


@pytest.fixture(scope="module")
def merged(seen: Seen) -> list[Event]:
    with TraceFile(seen.aftermath.merged) as trace:
        return list(trace.events())


@pytest.fixture(scope="module")
def reviews(seen: Seen, merged: list[Event]) -> dict[str, list[Review]]:
    return {leech: list(reviews_of(merged, leech)) for leech in seen.leeches}


@pytest.fixture(scope="module")
def answers(seen: Seen) -> list[dict[str, Any]]:
    return answers_about(seen)


def answers_about(seen: Seen) -> list[dict[str, Any]]:
    """Return what `trace why choke` says of the free rider, a leech each."""
    asked = ["trace", "why", "choke", str(seen.aftermath.merged), "--peer", "free-rider", "--json"]
    result = CliRunner().invoke(cli, asked)
    assert result.exit_code == 0, result.output
    return [one for one in json.loads(result.output)["answers"] if one["rule"] == "tit-for-tat"]


def earned_in(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Return those who were served instead because of what they sent."""
    return [one for one in answer["chosen"] if one["reason"] == "sends us most"]


def test_each_figure_compared_is_what_the_bytes_say(reviews: dict[str, list[Review]]) -> None:
    compared = 0
    for review in (one for of_leech in reviews.values() for one in of_leech):
        for peer, one in review.candidates.items():
            told = review.told[peer]
            figures = (one["recent_downloaded_bytes"], one["recent_download_seconds"])
            assert figures == (told.byte_count, told.seconds)
            assert one["download_rate"] == round(told.rate)
            compared += told.byte_count > 0
    assert compared > 50


def test_who_earns_a_slot_is_who_sent_most(reviews: dict[str, list[Review]]) -> None:
    contested = 0
    for review in (one for of_leech in reviews.values() for one in of_leech):
        givers, earners = review.givers(), review.earners()
        slots = max(1, review.event.data["slots"] - 1)
        assert len(earners) == min(slots, len(givers))
        assert earners <= set(givers)
        rates = {peer: review.told[peer].rate for peer in givers}
        # Who sent exactly as much as the last that earned one may be on either side.
        best = [rates[peer] for peer in givers[:slots]]
        assert sorted(rates[peer] for peer in earners) == sorted(best)
        contested += len(givers) > slots
    assert contested > 0


def test_why_the_free_rider_is_choked_and_who_is_served_instead_is_as_the_bytes_say(
    answers: list[dict[str, Any]], reviews: dict[str, list[Review]]
) -> None:
    assert answers
    for answer in answers:
        by_id = {review.event.id: review for review in reviews[answer["node"]]}
        review = by_id[answer["decision"]]
        rider = f"Peer-{answer['conn']}"
        verdict = answer["verdict"]
        assert (verdict["is_unchoked"], verdict["reason"]) == (False, REFUSED)
        assert review.told[rider].byte_count == verdict["recent_downloaded_bytes"] == 0
        assert rider not in review.givers()
        assert {f"Peer-{one['conn']}" for one in answer["chosen"]} == set(
            review.event.data["chosen"]
        )
        earned = earned_in(answer)
        assert {f"Peer-{one['conn']}" for one in earned} == review.earners() != set()
        for one in earned:
            told = review.told[f"Peer-{one['conn']}"]
            assert one["recent_downloaded_bytes"] == told.byte_count > 0
            assert one["download_rate"] == round(told.rate)


def test_a_free_rider_is_served_only_when_the_lot_falls_on_it(
    answers: list[dict[str, Any]], reviews: dict[str, list[Review]]
) -> None:
    reasons = defaultdict(set)
    for answer in answers:
        for review in reviews[answer["node"]]:
            for peer, one in review.candidates.items():
                is_rider = peer == f"Peer-{answer['conn']}"
                reasons["rider" if is_rider else "honest"].add(one["reason"])
    assert "sends us most" in reasons["honest"]
    assert REFUSED in reasons["rider"]
    assert reasons["rider"] <= {REFUSED, "not interested", *BY_LOT}


@in_most_runs_of("free-rider")
def test_a_free_rider_gets_less_while_the_others_trade(labs: dict[str, Seen]) -> None:
    seen = labs["free-rider"]
    assert seen.before is not None
    parts = {one.member.name: one.part or 0.0 for one in seen.before.members}
    honest = [part for name, part in parts.items() if name.startswith("leech")]
    assert parts["free-rider"] < sum(honest) / len(honest)
    assert seen.sent("free-rider") == 0
