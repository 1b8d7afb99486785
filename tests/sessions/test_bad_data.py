"""Peers that send wrong bytes are found out and banned; those who sent right ones are not."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path

import pytest

from actortorrent.errors import NoProgressError
from actortorrent.rules import piece_ledger, pipeline
from actortorrent.tracing.capture import CapturedTrace, capture_trace
from actortorrent.wire.messages import Request, Unchoke
from tests.conftest import ContentMaker
from tests.sessions.running import Running, error_of, fetch, fetching
from tests.sessions.scripted_peer import Play, ScriptedPeer, Talk

PIECE = 256 * 1024
BLOCK = 16 * 1024


def banned_by(session: Running) -> set[str]:
    """Return the addresses that a session said it had banned."""
    notices = [one for one in session.notices if one.startswith("banned ")]
    return {notice.removeprefix("banned ").split(": it sent")[0] for notice in notices}


def finish_and_hear_of_bans(session: Running) -> None:
    """Wait until all is there, and what that says of its senders is known."""
    session.wait_until(lambda progress: progress.is_complete, "the end of fetching")
    session.wait_for_notice("banned")
    session.stop()
    session.content.assert_same_in(session.output)


def most_failures_of_a_piece(trace: CapturedTrace) -> int:
    """Return how often that piece failed its hash which did so most often."""
    return max(Counter(one.data["piece"] for one in trace.named("bt:piece_failed")).values())


def together(count: int) -> Play:
    """Play a seed that answers only once so many of its kind have been asked for something."""
    barrier = threading.Barrier(count, timeout=60)

    def serve_when_all_are_asked(talk: Talk) -> None:
        talk.greet()
        first = talk.hear(Request)
        barrier.wait()
        talk.answer(first)
        talk.serve()

    return serve_when_all_are_asked


@pytest.mark.parametrize("piece_length", [BLOCK, PIECE, 2 * 1024 * 1024])
def test_one_of_three_corrupts_all_it_sends_and_it_alone_is_banned(
    content_maker: ContentMaker, tmp_path: Path, piece_length: int
) -> None:
    content = content_maker(8 * 1024 * 1024 + 5000, piece_length=piece_length)
    with (
        ScriptedPeer(content) as one,
        ScriptedPeer(content) as other,
        ScriptedPeer(content, spoils=lambda _: True) as liar,
        capture_trace() as trace,
        fetching(content, tmp_path / "into", [one, other, liar], keep_seeding=True) as session,
    ):
        finish_and_hear_of_bans(session)
        assert banned_by(session) == {str(liar.address)}
        assert liar.connections == 1
    bans = [one for one in trace.named("actor:decision") if one.data["what"] == "ban_peer"]
    assert len(bans) == 1, "what is found out of it later bans it no further"
    # Once by all three, perhaps once by the liar alone, and once with what was on its way.
    assert most_failures_of_a_piece(trace) <= 3


@pytest.mark.parametrize("bad_block", [0, 7, 15])
def test_one_bad_block_in_a_piece_from_three_peers_tells_on_its_sender(
    content_maker: ContentMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bad_block: int
) -> None:
    monkeypatch.setattr(pipeline, "FIRST_DEPTH_BYTES", 2 * BLOCK)  # so that all three share it
    monkeypatch.setattr(piece_ledger, "MOST_HOLDERS", 1)  # or good blocks might overtake bad ones
    content = content_maker(PIECE, piece_length=PIECE)
    liars = []

    def lies_once(number: int, request: Request) -> bool:
        is_first = request.block_offset == bad_block * BLOCK and not liars
        if is_first:
            liars.append(number)
        return is_first

    # Whoever is asked for that block first lies, and keeps to the truth from then on.
    play = together(3)
    with (
        ScriptedPeer(content, play, spoils=lambda request: lies_once(0, request)) as a,
        ScriptedPeer(content, play, spoils=lambda request: lies_once(1, request)) as b,
        ScriptedPeer(content, play, spoils=lambda request: lies_once(2, request)) as c,
        capture_trace() as trace,
        fetching(content, tmp_path / "into", [a, b, c], keep_seeding=True) as session,
    ):
        finish_and_hear_of_bans(session)
        assert banned_by(session) == {str((a, b, c)[liars[0]].address)}
    assert most_failures_of_a_piece(trace) == 1
    (ban,) = [one for one in trace.named("actor:decision") if one.data["what"] == "ban_peer"]
    assert ban.data["piece"] == 0


def test_a_failed_piece_of_several_is_fetched_again_from_one(
    content_maker: ContentMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "FIRST_DEPTH_BYTES", 2 * BLOCK)
    monkeypatch.setattr(piece_ledger, "MOST_HOLDERS", 1)
    content = content_maker(PIECE, piece_length=PIECE)
    lies = threading.Semaphore(1)  # one in all
    play = together(3)
    with (
        ScriptedPeer(content, play, spoils=lambda _: lies.acquire(blocking=False)) as a,
        ScriptedPeer(content, play, spoils=lambda _: lies.acquire(blocking=False)) as b,
        ScriptedPeer(content, play, spoils=lambda _: lies.acquire(blocking=False)) as c,
        capture_trace() as trace,
    ):
        fetch(content, tmp_path / "into", [a, b, c])
    (failed,) = trace.named("bt:piece_failed")
    lent_to = {
        event.data["peer"]
        for event in trace.named("actor:decision")
        if event.data["what"] == "pick_piece" and event.time_ns > failed.time_ns
    }
    assert len(lent_to) == 1


def test_a_liar_all_alone_is_banned_after_one_piece_and_the_session_says_so(
    content_maker: ContentMaker, tmp_path: Path
) -> None:
    content = content_maker(4 * PIECE, piece_length=PIECE)
    with ScriptedPeer(content, spoils=lambda _: True) as liar:
        session = fetching(content, tmp_path / "into", [liar])
        error = error_of(session)
        assert isinstance(error, NoProgressError)
        assert f"{liar.address}: sent bad data for piece" in str(error)
        assert banned_by(session) == {str(liar.address)}
        assert liar.connections == 1


def test_a_liar_that_has_left_is_found_out_all_the_same(
    content_maker: ContentMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(piece_ledger, "MOST_HOLDERS", 1)
    content = content_maker(PIECE, piece_length=PIECE)

    def lie_and_go(talk: Talk) -> None:
        talk.greet()
        talk.serve(4)

    with ScriptedPeer(content, lie_and_go, spoils=lambda _: True) as liar:

        def serve_after_it(talk: Talk) -> None:
            talk.greet(unchoke=False)
            liar.wait_for_end()
            talk.say(Unchoke())
            talk.serve()

        with (
            ScriptedPeer(content, serve_after_it) as honest,
            fetching(content, tmp_path / "into", [liar, honest], keep_seeding=True) as session,
        ):
            finish_and_hear_of_bans(session)
            assert banned_by(session) == {str(liar.address)}


def test_all_that_came_is_either_content_or_counted_as_wasted(
    content_maker: ContentMaker, tmp_path: Path
) -> None:
    content = content_maker(4 * PIECE, piece_length=PIECE)
    lies = threading.Semaphore(1)
    play = together(2)
    with (
        ScriptedPeer(content, play, spoils=lambda _: lies.acquire(blocking=False)) as liar,
        ScriptedPeer(content, play) as honest,
        fetching(content, tmp_path / "into", [liar, honest]) as session,
    ):
        progress = session.finish_whole().progress
    assert progress.fetched_bytes == content.total_length + progress.wasted_bytes
