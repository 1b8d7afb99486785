"""The traces of every scenario fit together, message by message, and keep the laws of causality."""

from __future__ import annotations

from collections import Counter

import pytest

from actortorrent.tracing.events import MESSAGE, WIRE_SENT
from actortorrent.tracing.graph import Graph
from actortorrent.tracing.reader import TraceFile
from tests.chance import Fixtures, tried_again
from tests.lab.runs import RUNS, Seen, run_again
from tests.tracing.streams import broken_streams
from tests.tracing.traces import broken_laws

LEAST_MESSAGES = 10_000  # between actors, and between peers


@pytest.mark.parametrize("scenario", RUNS)
def test_happens_before_holds_over_ten_thousand_messages(
    labs: dict[str, Seen], scenario: str
) -> None:
    seen = labs[scenario]
    with TraceFile(seen.aftermath.merged) as trace:
        header, events = trace.header, list(trace.events())
    kinds = Counter(event.name for event in events)
    assert kinds[MESSAGE] + kinds[WIRE_SENT] >= LEAST_MESSAGES
    assert {node.name for node in header.nodes} == set(seen.outcome.traces)
    assert Graph(events).problems() == []
    assert broken_laws(events) == []
    assert broken_streams(header, events) == []


@pytest.mark.parametrize("scenario", RUNS)
def test_every_message_between_two_members_is_matched_at_both_ends(
    labs: dict[str, Seen], scenario: str
) -> None:
    fit = labs[scenario].aftermath.fit
    assert fit.matched > 1000
    assert fit.from_nowhere == fit.summed == 0
    under_way = fit.matched / 100  # an endgame leaves some blocks and cancels on their way
    assert fit.never_arrived < under_way, "what was on its way when a connection ended"


def _run_anew(fixtures: Fixtures, number: int) -> Fixtures:
    if number == 1:
        return fixtures
    return fixtures | {"labs": run_again(fixtures["scenario"], fixtures["labs"])}


@pytest.mark.parametrize("scenario", RUNS)
@tried_again(_run_anew)  # two processors' clocks may be some microseconds apart
def test_no_arrow_has_to_be_bent_on_one_machine(labs: dict[str, Seen], scenario: str) -> None:
    assert labs[scenario].aftermath.fit.held_back == 0
