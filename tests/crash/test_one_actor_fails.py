"""One handler of one actor fails: the session ends in order, or does without that actor.

Here fails a part of all handlers, of each actor some; `make crash` goes through all of them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.crash import failing_case
from tests.crash.failing_case import CALLS, TOLD_OF
from tests.crash.failing_seed import ServingCase
from tests.crash.failing_stage import Stage
from tests.crash.handlers import Handler, actor_classes, all_handlers

HANDLERS = all_handlers()
OF_EACH = 2
DICE = random.Random(6)
ONCE_BAD = [  # one hung, of the others nobody was told
    Handler("Swarm", "end_connections"),
    Handler("Storage", "on_end"),
    Handler("Tracker", "_leave"),
    Handler("TraceWriter", "_write_some"),
]


def some_of_each() -> list[Handler]:
    """Return handlers of every actor."""
    of = {name: [one for one in HANDLERS if one.actor == name] for name in actor_classes()}
    drawn = [one for handlers in of.values() for one in DICE.sample(handlers, OF_EACH)]
    return sorted({*drawn, *ONCE_BAD})


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Stage(tmp_path_factory.mktemp("stage")) as stage:
        yield stage


@pytest.mark.parametrize("handler", some_of_each(), ids=str)
def test_who_fails_is_told_of_and_nothing_hangs_or_is_lost(stage: Stage, handler: Handler) -> None:
    outcome = stage.fail(handler)
    assert outcome.was_planted
    assert outcome.faults == []


@pytest.mark.parametrize(
    "name", ["Storage.piece_unreadable", "Seeder.peer_rates", "PeerActor.unchoke"]
)
def test_so_it_is_where_one_serves(stage: Stage, name: str) -> None:
    outcome = stage.fail(Handler(*name.split(".")), kind=ServingCase)
    assert outcome.was_planted
    assert outcome.faults == []


def test_every_actor_and_every_message_is_known() -> None:
    names = {str(one) for one in HANDLERS}
    assert {"Storage.store_runs", "PeerActor.lease", "PeerActor.welcome"} <= names  # messages
    assert {
        "Reporter._tick",
        "Seeder._accept",
        "PeerActor._socket_ready",
    } <= names  # timers, sockets
    assert {"Dht.on_start", "WebSeed.on_end"} <= names
    assert set(actor_classes()) > TOLD_OF | CALLS


def test_a_failure_that_nobody_is_told_of_is_noticed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failing_case, "PATIENCE_SECONDS", 0.5)
    monkeypatch.setattr("actortorrent.session.Session._actor_failed", lambda *_: None)
    assert stage.fail(Handler("PieceManager", "runs_stored")).faults
