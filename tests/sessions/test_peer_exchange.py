"""Sessions of ours that tell each other of others: BEP 11."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from actortorrent.actors import swarm
from actortorrent.rules.progress import Progress
from actortorrent.tracing.capture import CapturedTrace, capture_trace
from actortorrent.wire.addresses import Address
from actortorrent.wire.extension_handshake import PEX_ID, UT_PEX, ExtensionHandshake
from actortorrent.wire.handshake import reserved_bytes
from actortorrent.wire.messages import Extended, Unchoke
from actortorrent.wire.peer_exchange import Contact, PeerExchange
from tests.conftest import ContentMaker
from tests.content import Content
from tests.sessions.running import fetching, seeding
from tests.sessions.scripted_peer import Play, ScriptedPeer, Talk

EXTENDED = reserved_bytes(extensions=True)
FIRST_WAIT_SECONDS = 0.05


@pytest.fixture
def content(content_maker: ContentMaker) -> Content:
    return content_maker(500_000)


@pytest.fixture(autouse=True)
def _told_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(swarm, "CONTACTS_SECONDS", FIRST_WAIT_SECONDS)


def exchanging(content: Content, play: Play) -> ScriptedPeer:
    return ScriptedPeer(content, play, reserved=EXTENDED)


def greet(talk: Talk, listen_port: int | None = None) -> ExtensionHandshake:
    """Shake hands, offer everything and the exchange, and hear who the other side is."""
    talk.greet(unchoke=False)
    talk.say(ExtensionHandshake(((UT_PEX, PEX_ID),), listen_port=listen_port).message())
    return ExtensionHandshake.from_payload(talk.hear(Extended).payload)


def sources(trace: CapturedTrace) -> list[tuple[Any, Any]]:
    return [(one.data["source"], one.data["new"]) for one in trace.named("bt:peers_found")]


def test_two_that_know_only_the_seed_meet(content_maker: ContentMaker, tmp_path: Path) -> None:
    content = content_maker(250_000)
    connected: set[int] = set()

    def watch(progress: Progress) -> None:
        connected.add(progress.peers_connected)

    with (
        seeding(content, upload_limit=150_000) as seed,
        fetching(content, tmp_path / "a", [seed], seed=3, on_progress=watch) as first,
        fetching(content, tmp_path / "b", [seed], seed=4, on_progress=watch) as second,
    ):
        first.finish_whole()
        second.finish_whole()
    assert 2 in connected


def test_whom_a_peer_tells_of_is_dialled(content: Content, tmp_path: Path) -> None:
    def tell(talk: Talk) -> None:
        theirs = greet(talk)
        told = PeerExchange((Contact(other.address),))
        talk.say(Extended(theirs.id_of(UT_PEX), told.encode()))
        talk.listen()

    with (
        exchanging(content, lambda talk: (talk.greet(), talk.serve())[1]) as other,
        exchanging(content, tell) as teller,
        fetching(content, tmp_path / "into", [teller]) as session,
    ):
        session.finish_whole()


def test_who_is_here_already_is_not_dialled_again(content: Content, tmp_path: Path) -> None:
    def come_and_be_told_of(talk: Talk) -> None:
        theirs = greet(talk, listen_port=visitor.address.port)
        talk.hear(Extended)  # of the teller: so it is known who we are
        told = PeerExchange((Contact(visitor.address),))
        talk.say(Extended(theirs.id_of(UT_PEX), told.encode()), Unchoke())
        talk.serve()

    def listen(talk: Talk) -> None:
        greet(talk)
        talk.listen()

    with (
        capture_trace() as trace,
        exchanging(content, listen) as teller,
        exchanging(content, come_and_be_told_of) as visitor,
        fetching(content, tmp_path / "into", [teller]) as session,
    ):
        teller.wait_until(lambda: teller.connections, "the dial")
        visitor.dial(session.address.port)
        session.finish_whole()
        assert visitor.connections == 1
    assert ("a peer", 0) in sources(trace)


def test_who_floods_us_with_contacts_is_sent_away(content: Content, tmp_path: Path) -> None:
    def flood(talk: Talk) -> None:
        number = greet(talk).id_of(UT_PEX)
        while True:
            told = PeerExchange((Contact(Address("192.0.2.7", 6881)),))
            talk.say(Extended(number, told.encode()))
            if talk.hears_nothing(object, 0.01):
                continue

    with (
        capture_trace() as trace,
        exchanging(content, flood) as flooder,
        fetching(content, tmp_path / "into", [flooder]),
    ):
        flooder.wait_for_end()
    reasons = [one.data["why"] for one in trace.named("bt:connection_closed")]
    assert any("exchanges of peers" in why for why in reasons)
