"""How sessions end: done, given up, asked to, or by a failure; always in order."""

from __future__ import annotations

import threading
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

import actortorrent
from actortorrent.actors import peer, piece_manager, reporter, seeder, storage, swarm, tracker
from actortorrent.actors.base import Actor
from actortorrent.errors import ActorTorrentError, ExitCode, NoProgressError, TrackersRefusedError
from actortorrent.rules import address_book
from actortorrent.rules.progress import Progress
from actortorrent.tracing.capture import capture_trace
from actortorrent.wire.messages import Request
from tests.actors.playing_trackers import PlayedHttpTracker
from tests.chance import usually
from tests.conftest import ContentMaker
from tests.content import Content
from tests.sessions.running import error_of, fetch, fetching, seeding
from tests.sessions.scripted_peer import ScriptedPeer, Talk, never_unchoke
from tests.sessions.test_connections import dead_address

PIECE = 32 * 1024


@pytest.fixture
def content(content_maker: ContentMaker) -> Content:
    return content_maker(20 * PIECE, piece_length=PIECE)


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address_book, "FIRST_RETRY_SECONDS", 0.05)


# --- nobody there --------------------------------------------------------------------------------------


def test_without_peers_and_trackers_it_gives_up_at_once(content: Content, tmp_path: Path) -> None:
    error = error_of(fetching(content, tmp_path / "into"))
    assert isinstance(error, NoProgressError)
    assert error.exit_code is ExitCode.NO_PROGRESS


@pytest.mark.usefixtures("quick_retries")
def test_when_all_peers_are_dead_it_gives_up_after_a_second_try(
    content: Content, tmp_path: Path
) -> None:
    dead = [dead_address() for _ in range(5)]
    with capture_trace() as trace:
        error = error_of(fetching(content, tmp_path / "into", dead))
    assert isinstance(error, NoProgressError)
    assert "refused" in str(error).lower()
    assert error.hint
    assert len(trace.named("bt:connection_begun")) >= 2 * len(dead)


@usually  # if they are connected by then
def test_a_stall_is_given_up_after_the_time_that_was_set_and_says_what_it_waited_for(
    content: Content, tmp_path: Path
) -> None:
    with ScriptedPeer(content, never_unchoke) as choker:
        error = error_of(fetching(content, tmp_path / "into", [choker], stall_timeout_seconds=0.5))
    assert isinstance(error, NoProgressError)
    assert str(error) == "nothing came for 0.5 s; at the end: 1 peer, all choking us"


def test_a_peer_that_sends_what_nobody_asked_for_does_not_hide_a_stall(
    content: Content, tmp_path: Path
) -> None:
    def babble(talk: Talk) -> None:
        talk.greet(unchoke=False)
        block = talk.peer.block(Request(0, 0, 16 * 1024)).encode()
        while True:
            talk.send(block)
            threading.Event().wait(0.02)  # it is no hurry

    with ScriptedPeer(content, babble) as babbler:
        error = error_of(fetching(content, tmp_path / "into", [babbler], stall_timeout_seconds=0.5))
    assert isinstance(error, NoProgressError)


def test_when_every_tracker_refuses_and_nobody_else_is_known_it_says_what_each_said(
    content: Content, tmp_path: Path
) -> None:
    def refuse(talk: Any) -> None:
        talk.send_reply({b"failure reason": b"this torrent is not for you"})

    with PlayedHttpTracker(refuse) as one, PlayedHttpTracker(refuse) as other:
        tracked = content.naming(one.url, other.url)
        error = error_of(fetching(tracked, tmp_path / "into"))
    assert isinstance(error, TrackersRefusedError)
    assert error.exit_code is ExitCode.TRACKERS_REFUSED
    assert str(error).count("this torrent is not for you") == 2


def test_refusing_trackers_do_not_matter_while_a_peer_serves(
    content: Content, tmp_path: Path
) -> None:
    def refuse(talk: Any) -> None:
        talk.send_reply({b"failure reason": b"go away"})

    with PlayedHttpTracker(refuse) as one, ScriptedPeer(content) as peer_of_ours:
        fetch(content.naming(one.url), tmp_path / "into", [peer_of_ours])


@pytest.mark.usefixtures("quick_retries")
def test_a_hundred_dead_addresses_do_not_keep_three_live_ones_from_serving(
    content_maker: ContentMaker, tmp_path: Path
) -> None:
    content = content_maker(2_000_000, piece_length=PIECE)
    dead = [dead_address() for _ in range(100)]
    with ExitStack() as stack:
        live = [stack.enter_context(ScriptedPeer(content)) for _ in range(3)]
        summary = fetch(content, tmp_path / "into", [*dead, *live])
    assert summary.elapsed_seconds < 5


# --- asked to -------------------------------------------------------------------------------------------


def test_asked_to_stop_it_says_so_and_goes_on_next_time_where_it_was(
    content: Content, tmp_path: Path
) -> None:
    def serve_half(talk: Talk) -> None:
        talk.greet()
        talk.serve(20)
        talk.listen()

    with ScriptedPeer(content, serve_half) as half:
        with fetching(content, tmp_path / "into", [half]) as session:
            half.wait_until(lambda: half.served_bytes >= 20 * 16 * 1024, "half of it")
            summary = session.stop()
        assert summary.was_interrupted
        assert not summary.is_complete
        assert summary.progress.fetched_bytes <= 20 * 16 * 1024
    with ScriptedPeer(content) as whole:
        summary = fetch(content, tmp_path / "into", [whole])
        came_before = content.total_length - summary.progress.fetched_bytes
        assert whole.served_bytes == summary.progress.fetched_bytes
        assert came_before >= 8 * PIECE


def test_what_came_just_before_the_stop_is_in_the_summary(content: Content, tmp_path: Path) -> None:
    def serve_ten_blocks(talk: Talk) -> None:
        talk.greet()
        talk.serve(10)
        talk.listen()

    with (
        ScriptedPeer(content, serve_ten_blocks) as some,
        fetching(content, tmp_path / "into", [some]) as session,
    ):
        session.wait_until(lambda progress: progress.fetched_bytes == 10 * 16 * 1024, "it")
        progress = session.stop().progress
    assert progress.fetched_bytes == 10 * 16 * 1024
    assert progress.verified_pieces >= 4
    assert progress.verified_bytes == progress.verified_pieces * PIECE


def test_asked_to_stop_before_it_begins_it_stops(content: Content, tmp_path: Path) -> None:
    running = fetching(content, tmp_path / "into")
    running.session.request_stop()
    running.session.request_stop()
    assert running.session.run().was_interrupted


def test_content_that_is_there_already_is_recognised_and_nobody_is_dialled(
    content: Content, tmp_path: Path
) -> None:
    with ScriptedPeer(content) as peer_of_ours:
        fetch(content, tmp_path / "into", [peer_of_ours])
        connections = peer_of_ours.connections
        summary = fetch(content, tmp_path / "into", [peer_of_ours])
        assert peer_of_ours.connections == connections
    assert summary.progress.fetched_bytes == 0


# --- by a failure -----------------------------------------------------------------------------------------


class SomethingBadError(Exception):
    """Stand for a bug of ours."""


def fail(*_: Any, **__: Any) -> None:
    raise SomethingBadError("a bug")


# An actor, one of its handlers that a fetch surely calls, and when.
FAILURES = [
    (storage.Storage, "store_runs"),
    (storage.Storage, "check_content"),
    (piece_manager.PieceManager, "peer_joined"),
    (piece_manager.PieceManager, "runs_stored"),
    (swarm.Swarm, "peer_handshaken"),
    (swarm.Swarm, "begin"),
    (seeder.Seeder, "peer_joined"),
    (seeder.Seeder, "_report"),
    (reporter.Reporter, "swarm_changed"),
    (reporter.Reporter, "_tick"),
    (tracker.Tracker, "progress_changed"),
]


@pytest.mark.parametrize(
    ("actor", "handler"), FAILURES, ids=[f"{one.__name__}.{name}" for one, name in FAILURES]
)
def test_when_an_actor_fails_the_session_ends_in_order_with_one_clear_error(
    content: Content,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    actor: type[Actor],
    handler: str,
) -> None:
    monkeypatch.setattr(actor, handler, fail)

    def serve_slowly(talk: Talk) -> None:
        talk.greet()
        talk.serve(10)
        talk.listen()

    tracked = content.naming("http://127.0.0.1:1/announce")
    with ScriptedPeer(content, serve_slowly) as one, ScriptedPeer(content, never_unchoke) as two:
        running = fetching(tracked, tmp_path / "into", [one, two])
        error = error_of(running)
    assert str(error) == f"{actor.__name__} failed: SomethingBadError: a bug"
    assert error.exit_code is ExitCode.BUG
    assert isinstance(error.__cause__, SomethingBadError)
    assert "bug" in error.hint


@pytest.mark.parametrize("actor", [storage.Storage, seeder.Seeder, tracker.Tracker])
@pytest.mark.parametrize("hook", ["on_start", "on_end"])
def test_an_actor_that_fails_as_it_starts_or_ends_is_told_of_as_well(
    content: Content,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    actor: type[Actor],
    hook: str,
) -> None:
    end = actor.on_end

    def fail_at_the_end(self: Actor, error: BaseException | None) -> None:
        end(self, error)  # or it would leave descriptors open
        fail()

    begins_to_fail = hook == "on_start"
    monkeypatch.setattr(actor, hook, fail if begins_to_fail else fail_at_the_end)
    tracked = content.naming("http://127.0.0.1:1/announce")
    with (
        ScriptedPeer(content, never_unchoke if begins_to_fail else None) as one,
        suppress(ActorTorrentError),
        fetching(tracked, tmp_path / "into", [one]) as running,
    ):
        running.finish()
    if begins_to_fail:
        assert str(running.error) == f"{actor.__name__} failed: SomethingBadError: a bug"
    else:
        content.assert_same_in(tmp_path / "into")


def test_after_a_failure_what_was_verified_is_kept(
    content: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = piece_manager.PieceManager.runs_stored
    count = 0

    def fail_at_the_tenth(self: Any, conn: int, stored: Any, verified: tuple[int, ...]) -> None:
        nonlocal count
        count += len(verified)
        if count >= 10:
            fail()
        note(self, conn, stored, verified)

    with ScriptedPeer(content) as one:
        with monkeypatch.context() as patch:
            patch.setattr(piece_manager.PieceManager, "runs_stored", fail_at_the_tenth)
            error_of(fetching(content, tmp_path / "into", [one]))
        summary = fetch(content, tmp_path / "into", [one])
    assert summary.progress.fetched_bytes <= content.total_length - 10 * PIECE


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize(
    "handler", ["_bitfield_came", "_blocks_came", "lease", "_look_after", "on_start", "welcome"]
)
def test_a_peers_actor_that_fails_is_nobody_elses_end(
    content: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, handler: str
) -> None:
    whole = getattr(peer.PeerActor, handler)
    has_failed = threading.Event()

    def fail_once(self: Any, *args: Any) -> Any:
        if self._conn == 1 and not has_failed.is_set():
            has_failed.set()
            fail()
        return whole(self, *args)

    monkeypatch.setattr(peer.PeerActor, handler, fail_once)

    def serve_after_that(talk: Talk) -> None:
        talk.greet(unchoke=handler != "_look_after")
        if handler == "_look_after":
            talk.listen()
        talk.serve()

    with ScriptedPeer(content, serve_after_that) as one, ScriptedPeer(content) as other:

        def hold(talk: Talk) -> None:
            assert has_failed.wait(60)
            talk.greet()
            talk.serve()

        other._play = hold
        with fetching(content, tmp_path / "into", [one]) as session:
            session.wait_until(lambda _: has_failed.is_set(), "the failure")
            assert has_failed.wait(60)
            session.session._crew.swarm.peers_found.defer((other.address,), "a tracker")
            session.finish_whole()
        assert sum("a bug of ours" in notice for notice in session.notices) == 1


# --- by the caller's own doing ------------------------------------------------------------------------------


def test_what_on_progress_raises_comes_out_after_an_orderly_stop(
    content: Content, tmp_path: Path
) -> None:
    def raise_at_half(progress: Progress) -> None:
        if progress.fetched_bytes >= 5 * PIECE:
            raise KeyError("mine")

    def serve_some(talk: Talk) -> None:
        talk.greet()
        talk.serve(12)
        talk.listen()

    with (
        ScriptedPeer(content, serve_some) as one,
        pytest.raises(KeyError, match="mine"),
        fetching(content, tmp_path / "into", [one], on_progress=raise_at_half) as session,
    ):
        session.finish()
    with ScriptedPeer(content) as one:
        assert fetch(content, tmp_path / "into", [one]).progress.fetched_bytes < 16 * PIECE


def test_sessions_follow_each_other_in_one_process_also_after_errors(
    content: Content, tmp_path: Path
) -> None:
    with ScriptedPeer(content) as one:
        for number in range(3):
            output = tmp_path / str(number)
            with pytest.raises(NoProgressError):
                actortorrent.fetch(content.torrent, output=output, port=0, bind="127.0.0.1")
            summary = actortorrent.fetch(
                content.torrent,
                output=output,
                peers=[one.address],
                port=0,
                bind="127.0.0.1",
                encryption=actortorrent.Encryption.OFF,
            )
            assert summary.is_complete
            content.assert_same_in(output)


def test_two_sessions_at_a_time_do_not_disturb_each_other(
    content_maker: ContentMaker, tmp_path: Path
) -> None:
    first = content_maker(500_000, name="first", seed=1)
    second = content_maker(600_000, name="second", seed=2)
    with (
        ScriptedPeer(first) as one,
        ScriptedPeer(second) as other,
        fetching(first, tmp_path / "into", [one]) as a,
        fetching(second, tmp_path / "into", [other]) as b,
    ):
        a.finish_whole()
        b.finish_whole()


def test_a_port_that_is_taken_is_told_and_nothing_is_left(content: Content, tmp_path: Path) -> None:
    with seeding(content) as other:
        error = error_of(fetching(content, tmp_path / "into", port=other.address.port))
    assert isinstance(error, actortorrent.errors.UsageError)
    assert str(other.address.port) in str(error)
