"""The rule of private torrents, on scripts and on traces of real sessions."""

from __future__ import annotations

from pathlib import Path

import pytest

from actortorrent.rules.private_torrents import OPEN_SOURCES
from actortorrent.tracing.capture import CapturedTrace, capture_trace
from actortorrent.tracing.events import Event
from actortorrent.tracing.linting import lint, private
from actortorrent.tracing.linting.private import UNDER_WAY_NS
from tests.conftest import ContentMaker
from tests.content import Content
from tests.sessions.running import fetching, seeding
from tests.tracing.traces import HEADER, event

LATER_MS = 2 * UNDER_WAY_NS / 1e6
BREACHES = [
    ("dht:message_sent", {"node": "192.0.2.7:1", "txn": "aa", "type": "ping", "bytes": 60}),
    ("bt:called_locally", {"interfaces": 1, "port": 6881}),
    ("bt:peers_found", {"source": "DHT", "new": 3}),
    ("bt:peers_found", {"source": "a peer", "new": 0}),
    ("bt:message_sent", {"type": "extended", "fields": {"says": "handshake of us: ut_pex"}}),
    (
        "bt:message_sent",
        {"type": "extended", "fields": {"says": "exchange of peers: 1 added, 0 dropped"}},
    ),
]
INNOCENT = [
    ("dht:message_received", {"node": "192.0.2.7:1", "txn": "aa", "type": "ping", "bytes": 60}),
    ("bt:peers_found", {"source": "tracker", "new": 3}),
    ("bt:message_sent", {"type": "extended", "fields": {"says": "handshake of us: ut_metadata"}}),
    (
        "bt:message_received",
        {"type": "extended", "fields": {"says": "handshake of ut_pex: ut_pex"}},
    ),
    ("bt:message_sent", {"type": "extended", "fields": None}),
    ("bt:message_sent", {"type": "have", "fields": {"says": 5}}),
]


def is_private(ms: float, **data: object) -> Event:
    return event("bt:torrent_is_private", "Swarm", 1, ms=ms, **data)


def happens(what: tuple[str, dict[str, object]], ms: float) -> Event:
    name, data = what
    return event(name, "Somebody", 2, ms=ms, **data)


def findings(*events: Event) -> list[str]:
    return [one.event_id for one in lint(HEADER, events) if one.rule == "private"]


@pytest.mark.parametrize("breach", BREACHES)
def test_what_a_private_torrent_forbids_is_found(breach: tuple[str, dict[str, object]]) -> None:
    assert findings(is_private(1, was_known=True), happens(breach, 2)) == ["Somebody#2"]
    assert findings(is_private(1, was_known=False), happens(breach, LATER_MS)) == ["Somebody#2"]


@pytest.mark.parametrize("breach", BREACHES)
def test_before_it_was_known_and_what_was_under_way_then_is_no_breach(
    breach: tuple[str, dict[str, object]],
) -> None:
    assert findings(happens(breach, 1), is_private(2, was_known=False)) == []
    assert findings(is_private(1, was_known=False), happens(breach, 2)) == []
    assert findings(happens(breach, LATER_MS)) == []


@pytest.mark.parametrize("deed", INNOCENT)
def test_all_else_is_allowed(deed: tuple[str, dict[str, object]]) -> None:
    assert findings(is_private(1, was_known=True), happens(deed, LATER_MS)) == []


def test_sources_have_the_names_that_the_swarm_knows_them_by() -> None:
    assert private.OPEN_SOURCES == OPEN_SOURCES


def traced_fetch(content: Content, into: Path) -> CapturedTrace:
    with (
        capture_trace() as trace,
        seeding(content) as seed,
        fetching(content, into, [seed]) as leech,
    ):
        leech.finish_whole()
    return trace


def test_two_of_ours_with_a_private_torrent_break_no_rule(
    content_maker: ContentMaker, tmp_path: Path
) -> None:
    trace = traced_fetch(content_maker(100_000).made_private(), tmp_path / "into")
    assert len(list(trace.named("bt:torrent_is_private"))) == 2
    assert findings(*sorted(trace.events, key=lambda one: one.time_ns)) == []


def test_what_they_do_with_any_other_torrent_would(
    content_maker: ContentMaker, tmp_path: Path
) -> None:
    trace = traced_fetch(content_maker(100_000), tmp_path / "into")
    events = sorted(trace.events, key=lambda one: one.time_ns)
    assert findings(is_private(-1, was_known=True), *events)
