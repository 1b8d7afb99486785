"""The explanations hold to what they explain: everything said has one, every handler exists."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import pytest

from actortorrent.actors.base import Actor, Proxy
from actortorrent.actors.dht import Dht, DhtProxy
from actortorrent.actors.dht_endpoint import DhtEndpoint
from actortorrent.actors.local_discovery import LocalDiscovery, LocalDiscoveryProxy
from actortorrent.actors.metadata import Metadata, MetadataProxy
from actortorrent.actors.metadata_peer import MetadataPeerActor, MetadataPeerProxy
from actortorrent.actors.peer import PeerActor, PeerProxy
from actortorrent.actors.peer_connection import PeerConnection
from actortorrent.actors.piece_manager import PieceManager, PieceManagerProxy
from actortorrent.actors.port_mapping import PortMapper, PortMapperProxy
from actortorrent.actors.reporter import Reporter, ReporterProxy
from actortorrent.actors.seeder import Seeder, SeederProxy
from actortorrent.actors.storage import Storage, StorageProxy
from actortorrent.actors.swarm import Swarm, SwarmProxy
from actortorrent.actors.tracker import Tracker, TrackerProxy
from actortorrent.actors.web_seed import WebSeed, WebSeedProxy
from actortorrent.actors.web_seeds import WebSeeds, WebSeedsProxy
from actortorrent.tracing.explained_actors import ACTOR_MESSAGES, EVERY_ACTOR
from actortorrent.tracing.explained_facts import DECISIONS, FACTS
from actortorrent.tracing.explained_wire import WIRE
from actortorrent.tracing.explanations import explain, explanation_key
from actortorrent.wire import messages
from actortorrent.wire.handshake import Handshake
from tests.documents import ROOT
from tests.tracing.traces import event, message

ACTORS: tuple[tuple[type[Actor], type[Proxy]], ...] = (
    (Dht, DhtProxy),
    (Metadata, MetadataProxy),
    (MetadataPeerActor, MetadataPeerProxy),
    (LocalDiscovery, LocalDiscoveryProxy),
    (PeerActor, PeerProxy),
    (PieceManager, PieceManagerProxy),
    (PortMapper, PortMapperProxy),
    (Reporter, ReporterProxy),
    (Seeder, SeederProxy),
    (Storage, StorageProxy),
    (Swarm, SwarmProxy),
    (Tracker, TrackerProxy),
    (WebSeed, WebSeedProxy),
    (WebSeeds, WebSeedsProxy),
)
EVENT_NAME = re.compile(r'"((?:bt|actor|dht|trace):[a-z]+(?:_[a-z]+)*)"')
DECISION = re.compile(r'_decide\(\s*"(\w+)"')
OWNERS: tuple[type[Actor], ...] = (
    Actor,
    DhtEndpoint,
    PeerConnection,
    *(actor for actor, _ in ACTORS),
)
CLASSES = {one.__name__: one for one in OWNERS}


def messages_of(proxy: type[Proxy]) -> list[str]:
    return [name for name in vars(proxy) if not name.startswith("_")]


def test_every_message_of_the_wire_is_explained_with_its_bytes() -> None:
    names = {kind.name for kind in messages.Message.__args__} | {Handshake.name}
    assert set(WIRE) == names
    for name, one in WIRE.items():
        assert one.meaning, name
        assert one.duty, name
        assert one.source, name
        assert one.fields, name


@pytest.mark.parametrize(
    "written",
    [
        messages.Have(7),
        messages.Request(1, 2, 3),
        messages.Cancel(1, 2, 3),
        messages.Port(9),
        messages.Choke(),
        messages.KeepAlive(),
    ],
)
def test_the_fields_add_up_to_what_is_written(written: messages.Message) -> None:
    assert sum(field.size for field in WIRE[written.name].fields) == len(written.encode())


@pytest.mark.parametrize(("actor", "proxy"), ACTORS)
def test_every_message_of_an_actor_is_explained(actor: type[Actor], proxy: type[Proxy]) -> None:
    for name in messages_of(proxy):
        assert explain(f"{actor.__name__}.{name}") is not None, name


def test_no_explanation_is_of_a_message_that_is_gone() -> None:
    known = {f"{actor.__name__}.{name}" for actor, proxy in ACTORS for name in messages_of(proxy)}
    assert set(ACTOR_MESSAGES) <= known


def test_every_handler_named_exists() -> None:
    for one in (
        *WIRE.values(),
        *ACTOR_MESSAGES.values(),
        *DECISIONS.values(),
        *EVERY_ACTOR.values(),
    ):
        if one.handler:
            owner, _, method = one.handler.partition(".")
            assert inspect.isfunction(getattr(CLASSES[owner], method)), one.handler


def decisions_and_facts() -> Iterator[tuple[str, str]]:
    """Yield what the sources record: `_decide("what")` and the names of events."""
    for path in (ROOT / "actortorrent").rglob("*.py"):
        if "explain" in path.name or "report" in path.parts:
            continue
        text = path.read_text("utf-8")
        yield from (("decision", name) for name in DECISION.findall(text))
        yield from (("fact", name) for name in EVENT_NAME.findall(text))


def test_every_decision_and_fact_is_explained() -> None:
    told_apart = {"actor:message", "actor:decision", "bt:message_sent", "bt:message_received"}
    for kind, name in decisions_and_facts():
        if kind == "decision":
            assert name in DECISIONS
        elif name not in told_apart:
            assert name in FACTS, name


def test_an_event_finds_its_explanation_by_whom_it_reached() -> None:
    lease = message("a/PieceManager", "a/Peer-3", "lease", (1, 2, 3))
    assert explanation_key(lease, {}) == "PeerActor.lease"
    have = event("bt:message_received", "Peer-1", 1, type="have")
    assert explain(explanation_key(have, {})) is WIRE["have"]
    to_web_seed = message("a/PieceManager", "a/WebSeed-1", "lease", (1, 2, 3))
    assert explanation_key(to_web_seed, {}) == "WebSeed.lease"
    assert explain("Nobody.knows") is None
