from __future__ import annotations

import pytest

from actortorrent.tracing.events import Event
from actortorrent.tracing.graph import Graph
from tests.tracing.traces import event, message

UNCHOKE = event("bt:message_received", "Peer-1", 1, ms=1, conn=1, type="unchoke")
WANTS = message("Peer-1", "PieceManager", "wants_work", (2, 3, 9), cause="Peer-1#1", ms=2)
PICK = event("actor:decision", "PieceManager", 4, cause="PieceManager#3", ms=3, chosen=7)
LEASE = message("PieceManager", "Peer-1", "lease", (5, 6, 7), cause="PieceManager#3", ms=4)
LATER = event("x", "PieceManager", 10, ms=9)
OTHER = event("x", "Swarm", 1, ms=5)
ALL = [WANTS, LEASE, LATER, UNCHOKE, PICK, OTHER]


def test_events_stand_in_the_order_in_which_they_began() -> None:
    assert Graph(ALL).events == [UNCHOKE, WANTS, PICK, LEASE, OTHER, LATER]


def test_an_event_is_found_by_its_id_and_a_message_also_by_its_sendings() -> None:
    graph = Graph(ALL)
    assert graph["PieceManager#4"] is PICK
    assert graph["Peer-1#6"] is graph["PieceManager#5"] is LEASE
    assert graph.get("Nobody#1") is None
    with pytest.raises(KeyError):
        graph["Nobody#1"]


def test_causes_lead_from_actor_to_actor_back_to_the_first() -> None:
    assert Graph(ALL).causes(LEASE) == [UNCHOKE, WANTS, LEASE]


def test_effects_stand_each_below_their_cause() -> None:
    graph = Graph(ALL)
    assert list(graph.effects(UNCHOKE)) == [(0, UNCHOKE), (1, WANTS), (2, PICK), (2, LEASE)]
    assert graph.direct_effects(WANTS) == [PICK, LEASE]
    assert len(list(graph.effects(UNCHOKE, limit=2))) == 2


def test_what_an_actor_did_before_happened_before_though_it_is_no_cause() -> None:
    graph = Graph(ALL)
    assert graph.happened_before(PICK, LATER)
    assert graph.happened_before(UNCHOKE, LATER)
    assert not graph.happened_before(LATER, UNCHOKE)
    assert not graph.happened_before(OTHER, LATER)
    assert LATER not in [one for _, one in graph.effects(UNCHOKE)]


def test_a_good_trace_has_no_problems() -> None:
    assert Graph(ALL).problems() == []


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ([event("x", "A", 1), event("y", "A", 1)], "A#1 happened twice"),
        ([message("A", "B", "go", (5, 4, 6))], "is not past A#5"),
        ([event("x", "A", 5, ms=1), event("y", "B", 5, cause="A#5", ms=2)], "not past that of its"),
        ([event("x", "A", 1, ms=2), event("y", "B", 5, cause="A#1", ms=1)], "began before its"),
        (
            [message("A", "B", "go", (2, 1, 3)), message("B", "A", "go", (2, 1, 3))],
            "happened before themselves",
        ),
    ],
)
def test_what_breaks_happens_before_is_told(wrong: list[Event], told: str) -> None:
    assert told in " ".join(Graph(wrong).problems())


def test_causes_that_run_in_a_circle_come_to_an_end() -> None:
    first = event("x", "A", 1, cause="B#1")
    second = event("y", "B", 1, cause="A#1")
    graph = Graph([first, second])
    assert len(graph.causes(first)) == 2
    assert len(list(graph.effects(first))) == 2
