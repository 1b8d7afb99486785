"""What a peer was lent and does not bring comes back, and another brings it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from actortorrent.actors import peer_downloads
from actortorrent.rules import address_book
from actortorrent.rules.bitfield import mask_of
from actortorrent.tracing.capture import CapturedTrace, capture_trace
from actortorrent.tracing.events import Event
from actortorrent.wire.messages import Cancel, Choke, Have, Request, Unchoke
from tests.chance import usually
from tests.conftest import ContentMaker
from tests.content import Content
from tests.sessions.running import fetch, fetching
from tests.sessions.scripted_peer import ScriptedPeer, Talk, never_answer

BLOCK = 16 * 1024
PIECE = 16 * BLOCK


@pytest.fixture
def content(content_maker: ContentMaker) -> Content:
    return content_maker(6 * PIECE + 5000, piece_length=PIECE)


@pytest.fixture
def quick_snubs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer_downloads, "SNUB_SECONDS", 0.3)


def decisions(trace: CapturedTrace, what: str) -> list[Event]:
    return [one for one in trace.named("actor:decision") if one.data["what"] == what]


def asked_twice(peer: ScriptedPeer) -> set[Request]:
    """Return what a peer was asked for again, though it had been asked before."""
    requests = peer.all_heard(Request)
    return {one for one in requests if requests.count(one) > 1}


# Blocks, by the download limit: where there is one, a choke must not wait behind much.
ASKED_AT_FIRST = [(None, 8), (100_000_000, 2)]


# --- snubs ---------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("quick_snubs")
@pytest.mark.parametrize(("download_limit", "asked"), ASKED_AT_FIRST)
def test_what_a_snubbing_peer_owes_is_fetched_from_another(
    content: Content, tmp_path: Path, download_limit: int | None, asked: int
) -> None:
    with ScriptedPeer(content, never_answer) as snubber:

        def serve_later(talk: Talk) -> None:
            talk.greet(unchoke=False)
            snubber.wait_to_hear(Request, asked)
            talk.say(Unchoke())
            talk.serve()

        with ScriptedPeer(content, serve_later) as other, capture_trace() as trace:
            peers = [snubber, other]
            fetch(content, tmp_path / "into", peers, download_limit=download_limit)
        snubber.wait_to_hear(Cancel, asked)
        assert set(snubber.all_heard(Request)) <= set(other.all_heard(Request))
        assert trace.named("bt:peer_snubbed") or decisions(trace, "endgame")


@pytest.mark.usefixtures("quick_snubs")
@pytest.mark.parametrize(("download_limit", "asked"), ASKED_AT_FIRST)
@usually  # for as long as it brings the next in time
def test_a_peer_that_snubbed_us_is_asked_for_one_block_and_trusted_again_when_it_brings_it(
    content: Content, tmp_path: Path, download_limit: int | None, asked: int
) -> None:
    def dawdle(talk: Talk) -> None:
        talk.greet()
        first = talk.hear_all(Request, asked)
        cancelled = talk.hear_all(Cancel, asked)
        assert [str(one)[7:] for one in cancelled] == [str(one)[8:] for one in first]
        again = talk.hear(Request)
        assert talk.hears_nothing(Request, seconds=0.1)
        talk.answer(again)
        talk.serve()

    with ScriptedPeer(content, dawdle) as peer, capture_trace() as trace:
        fetch(content, tmp_path / "into", [peer], download_limit=download_limit)
    assert len(trace.named("bt:peer_snubbed")) == 1


@pytest.mark.usefixtures("quick_snubs")
@usually  # for as long as the peers answer in time
def test_a_download_limit_that_lets_little_through_makes_nobody_a_snubber(
    content_maker: ContentMaker, tmp_path: Path
) -> None:
    content = content_maker(32_000, piece_length=BLOCK)
    with ScriptedPeer(content) as one, ScriptedPeer(content) as other, capture_trace() as trace:
        fetch(content, tmp_path / "into", [one, other], download_limit=40_000)
    assert not trace.named("bt:peer_snubbed")


# --- chokes --------------------------------------------------------------------------------------------


@usually  # if we hear of the choke before the other has been lent all the rest
def test_a_choke_in_the_middle_of_a_lease_keeps_what_came_and_returns_the_rest(
    content: Content, tmp_path: Path
) -> None:
    served: list[Request] = []
    has_choked = threading.Event()

    def choke_soon(talk: Talk) -> None:
        talk.greet()
        for _ in range(5):
            served.append(talk.hear(Request))
            talk.answer(served[-1])
        talk.say(Choke())
        has_choked.set()
        talk.listen()

    def serve_then(talk: Talk) -> None:
        talk.greet(unchoke=False)
        assert has_choked.wait(60)
        talk.say(Unchoke())
        talk.serve()

    with (
        ScriptedPeer(content, choke_soon) as choker,
        ScriptedPeer(content, serve_then) as other,
    ):
        summary = fetch(content, tmp_path / "into", [choker, other])
        # The other may be asked before the choke is heard, but for nothing of what came.
        assert not set(served) & set(other.all_heard(Request))
        assert not choker.all_heard(Cancel)
    assert summary.progress.wasted_bytes == 0


def test_chokes_and_unchokes_in_turn_lose_nothing(content: Content, tmp_path: Path) -> None:
    def flap(talk: Talk) -> None:
        talk.greet(unchoke=False)
        while True:
            talk.say(Unchoke())
            talk.serve(3)
            talk.say(Choke())

    with ScriptedPeer(content, flap) as peer:
        progress = fetch(content, tmp_path / "into", [peer]).progress
        assert peer.connections == 1
        # Requests that cross a choke may be served when unchoked, though they were made anew.
        assert progress.fetched_bytes == content.total_length + progress.wasted_bytes


def test_blocks_that_come_after_the_choke_do_no_harm(content: Content, tmp_path: Path) -> None:
    def choke_but_send(talk: Talk) -> None:
        talk.greet()
        asked = talk.hear_all(Request, 4)
        blocks = b"".join(talk.peer.block(one).encode() for one in asked)
        talk.say(Choke())
        talk.send(blocks)
        talk.say(Unchoke())
        talk.serve()

    with ScriptedPeer(content, choke_but_send) as peer:
        summary = fetch(content, tmp_path / "into", [peer])
        assert peer.connections == 1
        progress = summary.progress
        assert progress.wasted_bytes <= 8 * BLOCK  # what was asked for before the choke
        assert progress.fetched_bytes == content.total_length + progress.wasted_bytes


# --- peers that go -------------------------------------------------------------------------------------


@pytest.mark.parametrize("sent_bytes", [0, 5, 13, 14, 9000])
@usually  # if we hear of the end before the other has been lent all the rest, and these blocks again
def test_the_blocks_of_a_peer_that_dies_in_the_middle_of_one_come_from_another(
    content: Content, tmp_path: Path, sent_bytes: int
) -> None:
    served: list[Request] = []

    def die(talk: Talk) -> None:
        talk.greet()
        asked = talk.hear_all(Request, 4)
        served.extend(asked[:2])
        for one in asked[:2]:
            talk.answer(one)
        talk.send(talk.peer.block(asked[2]).encode()[:sent_bytes])

    with ScriptedPeer(content, die) as mortal:

        def serve_then(talk: Talk) -> None:
            talk.greet(unchoke=False)
            mortal.wait_for_end()
            talk.say(Unchoke())
            talk.serve()

        with ScriptedPeer(content, serve_then) as heir:
            summary = fetch(content, tmp_path / "into", [mortal, heir])
        # The two whole blocks it had sent were kept.
        assert summary.progress.wasted_bytes == 0
        assert not set(served) & set(heir.all_heard(Request))


def test_a_peer_that_comes_again_goes_on_where_it_stopped(
    content: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(address_book, "FIRST_RETRY_SECONDS", 0.02)

    def serve_a_few(talk: Talk) -> None:
        talk.greet()
        talk.serve(20)
        talk.finish()

    with ScriptedPeer(content, serve_a_few) as peer:
        summary = fetch(content, tmp_path / "into", [peer])
        assert peer.connections >= 4
        assert peer.served_bytes == content.total_length
        assert summary.progress.wasted_bytes == 0


# --- the endgame ----------------------------------------------------------------------------------------


def test_in_the_endgame_the_last_blocks_are_asked_for_twice_and_cancelled_where_they_are_late(
    content_maker: ContentMaker, tmp_path: Path
) -> None:
    content = content_maker(4 * BLOCK, piece_length=4 * BLOCK)

    def send_late(talk: Talk) -> None:
        talk.greet()
        asked = talk.hear_all(Request, 4)
        cancelled = talk.hear_all(Cancel, 4)
        assert [(c.piece_index, c.block_offset) for c in cancelled] == [
            (r.piece_index, r.block_offset) for r in asked
        ]
        for one in asked:  # they had crossed
            talk.answer(one)
        talk.listen()

    with ScriptedPeer(content, send_late) as slow:

        def serve_then(talk: Talk) -> None:
            talk.greet(unchoke=False)
            slow.wait_to_hear(Request, 4)
            talk.say(Unchoke())
            talk.serve()

        with (
            ScriptedPeer(content, serve_then) as quick,
            capture_trace() as trace,
            fetching(content, tmp_path / "into", [slow, quick], keep_seeding=True) as session,
        ):
            session.wait_until(lambda progress: progress.is_complete, "the content")
            slow.wait_to_hear(Cancel, 4)
            slow.wait_for_end()
            progress = session.stop().progress
        assert [one.data["rule"] for one in decisions(trace, "pick_piece")][-1] == "endgame"
        assert len(decisions(trace, "endgame")) == 1
        assert progress.fetched_bytes == content.total_length + progress.wasted_bytes
        assert slow.served_bytes <= content.total_length


def test_in_the_endgame_no_block_is_asked_of_more_than_three(
    content_maker: ContentMaker, tmp_path: Path
) -> None:
    content = content_maker(BLOCK, piece_length=BLOCK)
    with (
        ScriptedPeer(content, never_answer) as a,
        ScriptedPeer(content, never_answer) as b,
        ScriptedPeer(content, never_answer) as c,
        ScriptedPeer(content, never_answer) as d,
        fetching(content, tmp_path / "into", [a, b, c, d]) as session,
    ):
        session.wait_until(lambda progress: progress.peers_unchoking_us == 4, "four unchokes")
        assert sum(len(peer.all_heard(Request)) for peer in (a, b, c, d)) == 3


def test_a_slow_peer_does_not_hold_up_the_end(content: Content, tmp_path: Path) -> None:
    with ScriptedPeer(content, never_answer) as stuck:

        def serve_then(talk: Talk) -> None:
            talk.greet(unchoke=False)
            stuck.wait_to_hear(Request, 8)
            talk.say(Unchoke())
            talk.serve()

        with ScriptedPeer(content, serve_then) as good:
            summary = fetch(content, tmp_path / "into", [stuck, good])
        assert summary.elapsed_seconds < 3
        assert good.served_bytes == content.total_length


def test_a_peer_that_gets_pieces_one_by_one_is_asked_for_each_as_it_gets_it(
    content: Content, tmp_path: Path
) -> None:
    def have_more_and_more(talk: Talk) -> None:
        talk.greet(pieces=mask_of([0]))
        for index in range(content.piece_count):
            if index:
                talk.say(Have(index))
            size = min(PIECE, content.total_length - index * PIECE)
            for _ in range(-(-size // BLOCK)):
                request = talk.hear(Request)
                assert request.piece_index == index
                talk.answer(request)
        talk.listen()

    with ScriptedPeer(content, have_more_and_more) as peer:
        fetch(content, tmp_path / "into", [peer])
