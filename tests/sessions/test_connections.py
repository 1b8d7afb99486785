"""Whom a session connects to, how often, and when it lets go."""

from __future__ import annotations

import errno
import os
import socket
import threading
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from actortorrent.actors import peer_connection, peer_opening, swarm, swarm_dialling
from actortorrent.actors.peer import PeerProxy
from actortorrent.actors.peer_values import Connection
from actortorrent.crew import Crew
from actortorrent.errors import NoProgressError
from actortorrent.rules import address_book
from actortorrent.tracing.capture import CapturedTrace, capture_trace
from actortorrent.wire.addresses import Address
from actortorrent.wire.handshake import HANDSHAKE_BYTES, PROTOCOL_NAME
from actortorrent.wire.messages import Bitfield, Have, KeepAlive, Unchoke
from tests.chance import usually
from tests.conftest import ContentMaker
from tests.content import Content
from tests.peers.processes import free_port
from tests.sessions.running import error_of, fetch, fetching, seeding
from tests.sessions.scripted_peer import (
    ScriptedPeer,
    Talk,
    never_speak,
    never_unchoke,
)

RETRY_SECONDS = 0.05
NOBODYS_ADDRESS = "127.0.0.77"  # at 127.0.0.1 another test may listen on the same port


@pytest.fixture
def content(content_maker: ContentMaker) -> Content:
    return content_maker(300_000, piece_length=32 * 1024)


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address_book, "FIRST_RETRY_SECONDS", RETRY_SECONDS)


def reasons(trace: CapturedTrace) -> list[str]:
    """Return why each connection was closed."""
    return [event.data["why"] for event in trace.named("bt:connection_closed")]


def dead_address() -> Address:
    """Return an address where nobody listens."""
    return Address("127.0.0.1", free_port())


def assert_growing(pauses: list[int]) -> None:
    """Fail unless each pause before a dial, in nanoseconds, was at least as long as due."""
    assert len(pauses) >= 3
    for count, pause in enumerate(pauses[:4]):
        assert pause >= 0.9 * 2**count * RETRY_SECONDS * 1e9


# --- ourselves, and the same peer twice ---------------------------------------------------------


@pytest.mark.usefixtures("quick_retries")
def test_who_dials_itself_notices_on_both_ends_and_never_does_it_again(
    content: Content, tmp_path: Path
) -> None:
    with ScriptedPeer(content, never_unchoke) as peer, capture_trace() as trace:
        with fetching(content, tmp_path / "into", [peer]) as session:
            peer.wait_until(lambda: peer.connections, "the dial")
            ourselves = session.address
            session.session._crew.swarm.peers_found.defer((ourselves,), "a mirror")
            session.wait_until(lambda _: len(reasons(trace)) == 2, "both ends")
            session.session._crew.swarm.peers_found.defer((ourselves,), "a mirror")
            session.session._crew.swarm.ping().get()
        assert reasons(trace).count("the other end is ourselves") == 2
        assert len(trace.named("bt:connection_begun")) == 3


@pytest.mark.parametrize("seed_of_dice", range(3))
@pytest.mark.usefixtures("quick_retries")
def test_two_sessions_that_dial_each_other_keep_one_connection(
    content: Content, tmp_path: Path, seed_of_dice: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As long as a peer has not said where it takes connections, it may be dialled there.
    monkeypatch.setattr(swarm.Swarm, "peer_introduced", lambda *_: None)
    with (
        capture_trace() as trace,
        seeding(content, upload_limit=400_000, seed=seed_of_dice) as seed,
        fetching(content, tmp_path / "into", [seed], seed=seed_of_dice + 1) as leech,
    ):
        seed.session._crew.swarm.peers_found.defer((leech.address,), "a tracker")
        leech.finish_whole()
    assert "connected to it already" in reasons(trace)
    # Each side dialled once, and neither tried again while they were connected; but one
    # may see its dial end before it has heard who it was that had dialled it.
    assert 2 <= sum(one.data["we_dialled"] for one in trace.named("bt:connection_begun")) <= 3


def test_a_peer_with_two_addresses_is_connected_to_once(content: Content, tmp_path: Path) -> None:
    name = b"-SC0000-the-same-one"
    has_two = threading.Event()

    def wait_then_serve(talk: Talk) -> None:
        talk.greet(unchoke=False)
        if not has_two.wait(60):
            raise AssertionError
        talk.say(Unchoke())
        talk.serve()

    with (
        ScriptedPeer(content, wait_then_serve, peer_id=name) as one,
        ScriptedPeer(content, wait_then_serve, peer_id=name) as other,
        capture_trace() as trace,
        fetching(content, tmp_path / "into", [one, other]) as session,
    ):
        session.wait_until(lambda _: "connected to it already" in reasons(trace), "the drop")
        has_two.set()
        session.finish_whole()
        assert sorted([one.served_bytes, other.served_bytes]) == [0, content.total_length]


# --- how many ---------------------------------------------------------------------------------------


def test_no_more_peers_are_connected_than_allowed_whoever_dials(
    content: Content, tmp_path: Path
) -> None:
    with (
        ScriptedPeer(content, never_unchoke) as one,
        ScriptedPeer(content, never_unchoke) as other,
        ScriptedPeer(content, never_unchoke) as third,
        fetching(content, tmp_path / "into", [one, other, third], max_peers=2) as session,
    ):
        session.wait_until(lambda progress: progress.peers_connected == 2, "two peers")
        assert one.connections + other.connections + third.connections == 2
        with ScriptedPeer(content, never_unchoke) as caller:
            caller.dial(session.session.port)
            caller.wait_for_end()
            assert not caller.heard
        assert session.progress.peers_connected == 2


def test_only_so_many_dials_are_half_open_at_a_time(
    content: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(swarm_dialling, "MAX_HALF_OPEN", 2)
    monkeypatch.setattr(peer_opening, "HANDSHAKE_SECONDS", 0.2)
    peers = [ScriptedPeer(content, never_speak) for _ in range(5)]
    for peer in peers:
        peer.__enter__()
    try:
        with ScriptedPeer(content) as seed, capture_trace() as trace:
            fetch(content, tmp_path / "into", [*peers, seed])
        most = now = 0
        for event in sorted(trace.events, key=lambda event: event.time_ns):
            if event.name == "bt:connection_begun":
                now += 1
            elif event.name == "bt:connection_closed":
                now -= 1
            most = max(most, now)
        assert most <= 3  # two half open, and the seed
    finally:
        for peer in peers:
            peer.__exit__(None, None, None)


# --- again and never again --------------------------------------------------------------------------


@pytest.mark.usefixtures("quick_retries")
def test_a_peer_that_appears_later_is_found(content: Content, tmp_path: Path) -> None:
    tries = 0

    def hang_up_twice(talk: Talk) -> None:
        nonlocal tries
        tries += 1
        if tries > 2:
            talk.greet()
            talk.serve()

    with (
        ScriptedPeer(content, hang_up_twice) as peer,
        ScriptedPeer(content, never_unchoke) as choker,
    ):
        fetch(content, tmp_path / "into", [peer, choker])
    assert tries == 3


@pytest.mark.usefixtures("quick_retries")
def test_dials_of_a_dead_address_become_rarer(content: Content, tmp_path: Path) -> None:
    with ScriptedPeer(content, never_unchoke) as peer, capture_trace() as trace:
        with fetching(content, tmp_path / "into", [peer, dead_address()]) as session:
            session.wait_until(lambda _: len(reasons(trace)) >= 4, "four failures")
        began = [
            event.time_ns
            for event in sorted(trace.named("bt:connection_begun"), key=lambda one: one.time_ns)
            if event.data["address"] != str(peer.address)
        ]
    pauses = [after - before for before, after in pairwise(began)]
    assert_growing(pauses)


@pytest.mark.usefixtures("quick_retries")
def test_a_peer_that_shakes_hands_and_hangs_up_is_dialled_rarely_as_well(
    content: Content, tmp_path: Path
) -> None:
    with (
        ScriptedPeer(content, lambda talk: talk.greet()) as peer,
        ScriptedPeer(content, never_unchoke) as choker,
        capture_trace() as trace,
    ):
        with fetching(content, tmp_path / "into", [peer, choker]):
            peer.wait_for_end(4)
        began = sorted(
            event.time_ns
            for event in trace.named("bt:connection_begun")
            if event.data["address"] == str(peer.address)
        )
    pauses = [after - before for before, after in pairwise(began)]
    assert_growing(pauses)


@pytest.mark.usefixtures("quick_retries")
def test_a_banned_peer_is_not_dialled_again_nor_let_in(content: Content, tmp_path: Path) -> None:
    with (
        ScriptedPeer(content, spoils=lambda _: True) as liar,
        ScriptedPeer(content, never_unchoke) as choker,
        capture_trace() as trace,
        fetching(content, tmp_path / "into", [liar, choker]) as session,
    ):
        session.wait_for_notice(f"banned {liar.address}")
        liar.wait_for_end()
        liar.dial(session.session.port)
        liar.wait_for_end(2)
        session.session._crew.swarm.peers_found.defer((liar.address,), "a tracker")
        session.session._crew.swarm.ping().get()
        assert liar.connections == 2  # its own dial among them
        session.wait_until(lambda _: "banned: it sent bad data before" in reasons(trace), "it")


@pytest.mark.usefixtures("quick_retries")
def test_a_banned_peer_at_a_new_address_is_known_by_its_id(
    content: Content, tmp_path: Path
) -> None:
    name = b"-SC0000-wolf-in-wool"
    with (
        ScriptedPeer(content, spoils=lambda _: True, peer_id=name) as liar,
        ScriptedPeer(content, peer_id=name) as again,
        ScriptedPeer(content, never_unchoke) as choker,
        fetching(content, tmp_path / "into", [liar, choker]) as session,
    ):
        session.wait_for_notice("banned")
        tell = session.session._crew.swarm.peers_found.defer
        tell((again.address,), "a tracker")
        again.wait_for_end()
        choker.wait_until(lambda: True, "")
        tell((again.address,), "a tracker")
        session.session._crew.swarm.ping().get()
        assert again.connections == 1
        assert again.served_bytes == 0


@pytest.mark.usefixtures("quick_retries")
def test_a_connection_for_which_no_descriptor_is_left_is_tried_again_later(
    content: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts: list[int] = []
    start_peer = Crew._start_peer

    def start_late(crew: Crew, connection: Connection) -> PeerProxy:
        attempts.append(connection.conn)
        if len(attempts) <= 2:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return start_peer(crew, connection)

    monkeypatch.setattr(Crew, "_start_peer", start_late)
    with ScriptedPeer(content) as honest:
        fetch(content, tmp_path / "into", [honest, dead_address()])
    assert len(attempts) > 2


# --- addresses ---------------------------------------------------------------------------------------


def test_ipv6_is_spoken_both_ways(content: Content, tmp_path: Path) -> None:
    with ScriptedPeer(content, host="::1") as peer:
        fetch(content, tmp_path / "from", [peer], bind=None)
        with (
            seeding(content, bind="::1") as seed,
            fetching(content, tmp_path / "into", [seed], bind="::1") as leech,
        ):
            assert seed.address.is_ipv6
            leech.finish_whole()


def test_it_dials_from_the_address_it_is_bound_to_and_listens_there_only(
    content: Content, tmp_path: Path
) -> None:
    came_from = []

    def note_and_serve(talk: Talk) -> None:
        came_from.append(talk.sock.getpeername()[0])
        talk.greet()
        talk.serve()

    with (
        ScriptedPeer(content, note_and_serve) as peer,
        fetching(content, tmp_path / "into", [peer], bind="127.0.0.2") as session,
    ):
        port = session.session.port
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((NOBODYS_ADDRESS, port))
        session.finish_whole()
    assert came_from == ["127.0.0.2"]


def test_a_host_of_several_addresses_is_tried_at_each(
    content: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = socket.getaddrinfo

    def both(host: str, port: int, family: int = 0, *args: Any, **kwargs: Any) -> list[Any]:
        if host != "peer.example":
            return ask(host, port, family, *args, **kwargs)
        found = ask("::1", port, 0, *args, **kwargs) + ask("127.0.0.1", port, 0, *args, **kwargs)
        return [one for one in found if family in {0, one[0]}]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    with ScriptedPeer(content) as peer:
        named = Address("peer.example", peer.address.port)
        fetch(content, tmp_path / "into", [named], bind=None)
        fetch(content, tmp_path / "bound", [named], bind="127.0.0.1")


@pytest.mark.parametrize("host", ["a..b", "x" * 64 + ".example", "nowhere.invalid"])
@pytest.mark.usefixtures("quick_retries")
def test_a_host_that_is_none_is_a_peer_that_cannot_be_reached(
    content: Content, tmp_path: Path, host: str
) -> None:
    session = fetching(content, tmp_path / "into", [Address(host, 6881)])
    error = error_of(session)
    assert isinstance(error, NoProgressError)
    assert host in str(error)
    assert not session.notices


# --- time ----------------------------------------------------------------------------------------------


def test_keep_alives_are_sent_when_there_is_nothing_to_say_and_heard_as_signs_of_life(
    content: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peer_connection, "KEEP_ALIVE_SECONDS", 0.05)
    monkeypatch.setattr(peer_connection, "SILENCE_SECONDS", 0.6)
    with (
        seeding(content) as seed,
        ScriptedPeer(content, never_unchoke) as idler,
        capture_trace() as trace,
        fetching(content, tmp_path / "into", [idler]) as leech,
    ):
        idler.wait_to_hear(KeepAlive, 3)
        leech.wait_until(lambda _: reasons(trace), "its end")
        assert reasons(trace) == ["silent for 1 s"]
        assert seed.progress.phase == "seeding"


@usually  # for as long as it answers each within a second
def test_a_peer_that_only_sends_keep_alives_is_not_silent(
    content: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peer_connection, "SILENCE_SECONDS", 1.0)
    monkeypatch.setattr(peer_connection, "KEEP_ALIVE_SECONDS", 0.1)

    def echo(talk: Talk) -> None:
        talk.greet(unchoke=False)
        for _ in range(12):
            talk.hear(KeepAlive)
            talk.say(KeepAlive())
        talk.say(Unchoke())
        talk.serve()

    with ScriptedPeer(content, echo) as peer:
        fetch(content, tmp_path / "into", [peer])


@pytest.mark.parametrize("we_dial", [True, False])
def test_the_handshake_must_be_there_in_time_however_it_drips(
    content: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, we_dial: bool
) -> None:
    monkeypatch.setattr(peer_opening, "HANDSHAKE_SECONDS", 0.4)
    never = threading.Event()

    def drip(talk: Talk) -> None:
        for byte in (PROTOCOL_NAME + bytes(HANDSHAKE_BYTES))[:60]:
            talk.send(bytes([byte]))
            never.wait(0.02)  # the pause of a slow sender, not a wait for anything
        talk.listen()

    with (
        ScriptedPeer(content, drip) as slow,
        ScriptedPeer(content, never_unchoke) as choker,
        capture_trace() as trace,
        fetching(content, tmp_path / "into", [slow, choker] if we_dial else [choker]) as session,
    ):
        if not we_dial:
            slow.dial(session.session.port)
        session.wait_until(lambda _: reasons(trace), "its end")
        assert reasons(trace) == ["no handshake came"]


# --- when nothing is left to trade ------------------------------------------------------------------------


def test_when_complete_peers_that_have_everything_are_let_go_and_others_hear_of_each_piece(
    content: Content, tmp_path: Path
) -> None:
    def has_nothing(talk: Talk) -> None:
        talk.shake_hands()
        talk.listen()

    with (
        ScriptedPeer(content) as seed,
        ScriptedPeer(content, has_nothing) as other,
        capture_trace() as trace,
        fetching(content, tmp_path / "into", [other], keep_seeding=True) as session,
    ):
        session.wait_until(lambda progress: progress.peers_connected == 1, "the other")
        session.session._crew.swarm.peers_found.defer((seed.address,), "a tracker")
        seed.wait_for_end()
        other.wait_to_hear(Have, content.piece_count)
        assert not other.all_heard(Bitfield)
        assert {have.piece_index for have in other.all_heard(Have)} == set(
            range(content.piece_count)
        )
        assert not seed.all_heard(Have)
        assert "both have everything" in reasons(trace)
        assert other.ended == 0
        # Nor are they dialled again.
        session.session._crew.swarm.peers_found.defer((seed.address,), "a tracker")
        session.session._crew.swarm.ping().get()
        assert seed.connections == 1
