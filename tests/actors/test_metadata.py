"""`Metadata` between fakes: whom it asks, whom it drops, and what it tells."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from typing import Any

import pytest

from actortorrent.actors.base import Runtime
from actortorrent.actors.metadata import A_LIE, Metadata
from actortorrent.actors.peer_values import Parting
from actortorrent.rules.metadata_fetching import PARTS_AT_ONCE
from actortorrent.rules.statuses import MetadataStatus
from actortorrent.wire.metadata_exchange import (
    MAX_METADATA_BYTES,
    PART_BYTES,
    MetadataKind,
    MetadataMessage,
)

WHOLE = random.Random(2).randbytes(2 * PART_BYTES + 9)  # 3 parts
SIZE = len(WHOLE)


class FakeProxy:
    """Keep what it is told: the name of each message, and what it says."""

    def __init__(self) -> None:
        self.told: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> FakeMessage:
        return FakeMessage(lambda *args: self.told.append((name, args)))

    def all_told(self, name: str) -> list[tuple[Any, ...]]:
        return [args for told, args in self.told if told == name]


class FakeMessage:
    def __init__(self, defer: Callable[..., None]) -> None:
        self.defer = defer


class Stage:
    """The actor, not started, and its neighbours."""

    def __init__(self) -> None:
        self.swarm, self.reporter = FakeProxy(), FakeProxy()
        info_hash = hashlib.sha1(WHOLE).digest()
        swarm: Any = self.swarm
        reporter: Any = self.reporter
        self.actor = Metadata(Runtime(), info_hash, swarm, reporter)

    def offer(self, conn: int, size: int = SIZE) -> FakeProxy:
        peer: Any = FakeProxy()
        self.actor.peer_offers(conn, peer, size)
        return peer  # type: ignore[no-any-return]

    def answer(self, conn: int, part: int, whole: bytes = WHOLE) -> None:
        data = whole[part * PART_BYTES : (part + 1) * PART_BYTES]
        self.actor.answer_came(conn, MetadataMessage(MetadataKind.DATA, part, SIZE, data))


@pytest.fixture
def stage() -> Stage:
    return Stage()


def asked(peer: FakeProxy) -> list[int]:
    return [part for (part,) in peer.all_told("ask_part")]


def test_who_offers_metadata_is_asked_for_some_of_it_at_once(stage: Stage) -> None:
    peer = stage.offer(1)
    assert asked(peer) == list(range(3))
    assert len(asked(peer)) <= PARTS_AT_ONCE
    assert stage.reporter.told[-1] == (
        "metadata_changed",
        (MetadataStatus(parts=0, part_count=3, peers=1),),
    )


def test_the_whole_is_told_to_the_reporter_once(stage: Stage) -> None:
    stage.offer(1)
    for part in range(3):
        stage.answer(1, part)
    assert stage.reporter.all_told("metadata_known") == [(WHOLE,)]
    assert stage.reporter.told[-1][0] == "metadata_known"
    stage.actor.peer_left(1)
    assert stage.reporter.told[-1][0] == "metadata_known", "nothing is told behind it"


def test_what_one_that_left_was_asked_for_is_asked_of_another(stage: Stage) -> None:
    stage.offer(1)
    stage.answer(1, 0)
    other = stage.offer(2)
    before = len(asked(other))
    stage.actor.peer_left(1)
    assert set(asked(other)) >= {1, 2}
    assert len(asked(other)) >= before


def test_who_offers_more_than_any_torrent_needs_is_let_go(stage: Stage) -> None:
    peer = stage.offer(1, MAX_METADATA_BYTES + 1)
    ((parting, why),) = peer.all_told("leave")
    assert parting is Parting.MISBEHAVED
    assert str(MAX_METADATA_BYTES + 1) in why
    assert asked(peer) == []


def test_what_is_not_what_was_asked_for_ends_the_connection(stage: Stage) -> None:
    peer = stage.offer(1)
    stage.actor.answer_came(1, MetadataMessage(MetadataKind.DATA, 0, SIZE, b"short"))
    ((parting, _),) = peer.all_told("leave")
    assert parting is Parting.MISBEHAVED
    other = stage.offer(2)
    assert asked(other) == [0, 1, 2]


def test_a_liar_is_told_to_the_swarm_and_asked_no_more(stage: Stage) -> None:
    liar = stage.offer(1)
    for part in range(3):
        stage.answer(1, part, WHOLE[::-1])
    assert stage.swarm.all_told("peer_misbehaved") == [(1, A_LIE)]
    assert asked(liar) == [0, 1, 2]
    stage.actor.peer_left(1)
    assert asked(stage.offer(2)) == [0, 1, 2]
