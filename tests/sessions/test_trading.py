"""Sessions that upload: to each other, within limits, until a goal, and what is right only."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

import actortorrent
from actortorrent.actors import seeder
from actortorrent.errors import ContentMismatchError
from actortorrent.rules.bitfield import from_wire
from actortorrent.tracing.capture import CapturedTrace, capture_trace
from actortorrent.tracing.events import Event
from actortorrent.wire.messages import (
    Bitfield,
    Choke,
    Have,
    Interested,
    NotInterested,
    Request,
    Unchoke,
)
from tests.chance import usually
from tests.conftest import ContentMaker
from tests.content import Content
from tests.sessions.running import fetch, fetching, seeding
from tests.sessions.scripted_peer import (
    Block,
    GoneError,
    Play,
    ScriptedPeer,
    Talk,
    leech,
    requests_of,
    take_block,
)

BLOCK = 16 * 1024
PIECE = 64 * 1024
SETTLING_SECONDS = 0.4  # until the burst is over that a limit allows at first


@pytest.fixture
def content(content_maker: ContentMaker) -> Content:
    return content_maker(20 * PIECE + 777, piece_length=PIECE)


def unchokes(trace: CapturedTrace) -> list[Event]:
    found = [one for one in trace.named("actor:decision") if one.data["what"] == "unchoke"]
    return sorted(found, key=lambda one: one.time_ns)


def reviews_of_givers(trace: CapturedTrace) -> list[Event]:
    """Return the decisions for which somebody had sent something."""
    reviews = [one for one in unchokes(trace) if one.data["rule"] == "tit-for-tat"]
    return [
        review
        for review in reviews
        if any(one["recent_downloaded_bytes"] for one in review.data["candidates"])
    ]


# --- with each other ---------------------------------------------------------------------------------


@usually
def test_leeches_of_one_slow_seed_trade_with_each_other(
    content_maker: ContentMaker, tmp_path: Path
) -> None:
    content = content_maker(1_000_000, piece_length=BLOCK)
    with (
        seeding(content, upload_limit=1_000_000) as seed,
        fetching(content, tmp_path / "a", [seed], seed=3, keep_seeding=True) as a,
        fetching(content, tmp_path / "b", [seed, a], seed=4, keep_seeding=True) as b,
    ):
        for one in (a, b):
            one.wait_until(lambda progress: progress.is_complete, "all of it")
        sums = [one.stop().progress for one in (a, b)]
        content.assert_same_in(tmp_path / "a")
        content.assert_same_in(tmp_path / "b")
        assert all(progress.uploaded_bytes > 50_000 for progress in sums)
        # What they gave each other they did not need from the seed.
        assert seed.stop().progress.uploaded_bytes < 1.5 * content.total_length


def test_whoever_gives_most_is_unchoked_and_who_gives_nothing_takes_its_lot(
    content: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seeder, "REVIEW_SECONDS", 0.6)
    reviewed = threading.Event()

    def give_and_take(talk: Talk) -> None:
        talk.greet()
        talk.say(Interested())
        talk.serve(4)
        reviewed.wait(60)
        talk.serve()

    def only_take(talk: Talk) -> None:
        talk.greet(0, unchoke=False)
        talk.say(Interested())
        talk.listen()

    with ExitStack() as stack:
        giver = stack.enter_context(ScriptedPeer(content, give_and_take))
        takers = [stack.enter_context(ScriptedPeer(content, only_take)) for _ in range(3)]
        stack.callback(reviewed.set)
        trace = stack.enter_context(capture_trace())
        monkeypatch.setattr(seeder, "default_slot_count", lambda _limit: 2)
        session = stack.enter_context(fetching(content, tmp_path / "into", [giver, *takers]))
        session.wait_until(lambda _: reviews_of_givers(trace), "a review")
    (review, *_) = reviews_of_givers(trace)
    reasons = {one["peer"]: one["reason"] for one in review.data["candidates"]}
    giver_name = next(
        f"Peer-{event.data['conn']}"
        for event in trace.named("bt:connection_begun")
        if event.data["address"] == str(giver.address)
    )
    assert reasons[giver_name] == "sends us most"
    assert giver_name in review.data["chosen"]
    assert len(review.data["chosen"]) == 2
    others = sorted(reason for name, reason in reasons.items() if name != giver_name)
    assert others.count("others send us more") == 2
    assert set(others) <= {"others send us more", "drawn by lot", "its draw still holds"}


# --- within limits --------------------------------------------------------------------------------------


@pytest.mark.parametrize("taker_count", [1, 2])
@usually
def test_the_upload_limit_holds_and_is_shared_evenly(
    content_maker: ContentMaker, taker_count: int
) -> None:
    limit = 800_000
    content = content_maker(4_000_000, piece_length=PIECE)
    taken = dict.fromkeys(range(taker_count), 0)

    def taker(number: int) -> Play:
        def take(talk: Talk) -> None:
            talk.shake_hands()
            talk.say(Interested())
            talk.hear(Unchoke)
            for index in range(content.piece_count):
                talk.say(*requests_of(content, index))
            take_block(talk)
            both_are_served.wait()
            began = time.monotonic() + SETTLING_SECONDS
            while (now := time.monotonic()) < began + 1:
                length = len(talk.hear(Block).data)
                taken[number] += length if now >= began else 0

        return take

    both_are_served = threading.Barrier(taker_count, timeout=60)
    with seeding(content, upload_limit=limit) as seed, ExitStack() as stack:
        takers = [
            stack.enter_context(ScriptedPeer(content, taker(number)))
            for number in range(taker_count)
        ]
        for one in takers:
            one.dial(seed.address.port)
        for one in takers:
            one.wait_for_end()
    assert sum(taken.values()) == pytest.approx(limit, rel=0.15)
    assert max(taken.values()) == pytest.approx(min(taken.values()), rel=0.15)


@usually
def test_the_download_limit_holds_and_is_shared_evenly(
    content_maker: ContentMaker, tmp_path: Path
) -> None:
    limit = 1_500_000
    content = content_maker(8_000_000, piece_length=PIECE)
    with (
        ScriptedPeer(content) as one,
        ScriptedPeer(content) as other,
        capture_trace("block") as trace,
        fetching(content, tmp_path / "into", [one, other], download_limit=limit) as session,
    ):
        session.wait_until(lambda progress: progress.fetched_bytes > 2 * limit, "enough")
    blocks = sorted(
        (event.time_ns / 1e9, event.data["conn"], event.data["length"])
        for event in trace.named("bt:message_received")
        if event.data["type"] == "piece"
    )
    begin = blocks[0][0] + SETTLING_SECONDS
    came = {1: 0, 2: 0}
    for moment, conn, length in blocks:
        if begin <= moment < begin + 1:
            came[conn] += length
    assert sum(came.values()) == pytest.approx(limit, rel=0.15)
    assert came[1] == pytest.approx(came[2], rel=0.2)


# --- until a goal -----------------------------------------------------------------------------------------


def test_seeding_ends_when_the_ratio_is_reached(content: Content) -> None:
    with seeding(content, seed_ratio=2.0) as seed, ExitStack() as stack:
        for _ in range(2):
            taker = stack.enter_context(ScriptedPeer(content, leech))
            taker.dial(seed.address.port)
        summary = seed.finish()
    assert not summary.was_interrupted
    assert summary.progress.ratio == pytest.approx(2.0)
    assert summary.progress.uploaded_bytes == 2 * content.total_length


def test_seeding_ends_when_its_time_is_over(content: Content, tmp_path: Path) -> None:
    with seeding(content, seed_seconds=0.3) as seed:
        summary = seed.finish()
    assert not summary.was_interrupted
    assert 0.3 <= summary.elapsed_seconds < 10
    with ScriptedPeer(content) as peer:
        summary = fetch(content, tmp_path / "into", [peer], seed_seconds=0.3)
    assert 0.3 <= summary.elapsed_seconds < 10


def test_who_has_fetched_stays_and_serves_until_asked_to_stop(
    content: Content, tmp_path: Path
) -> None:
    with (
        ScriptedPeer(content) as peer,
        ScriptedPeer(content, leech) as taker,
        fetching(content, tmp_path / "into", [peer], keep_seeding=True) as session,
    ):
        session.wait_until(lambda progress: progress.phase == "seeding", "the content")
        taker.dial(session.address.port)
        taker.wait_for_end()
        summary = session.stop()
    assert summary.was_interrupted
    assert summary.is_complete
    assert summary.progress.uploaded_bytes == content.total_length
    assert summary.progress.ratio == pytest.approx(1.0)


# --- what is right only -------------------------------------------------------------------------------------


def damage(content: Content, *pieces: int) -> None:
    path = content.folder / content.files[0][0]
    with path.open("r+b") as file:
        for index in pieces:
            file.seek(index * PIECE + 100)
            file.write(b"damaged!")


def test_content_that_is_partly_wrong_is_served_as_far_as_it_is_right(
    content: Content,
) -> None:
    offered = []
    right: dict[int, bytes] = {}

    def look_and_take(talk: Talk) -> None:
        talk.shake_hands()
        bits = talk.hear(Bitfield).bits
        offered.append(from_wire(bits, content.piece_count))
        talk.say(Interested())
        talk.hear(Unchoke)
        for index in (0, 19, 20):
            talk.say(*requests_of(content, index))
            for _ in requests_of(content, index):
                take_block(talk)
        right.update(talk.pieces)

    taker = ScriptedPeer(content, look_and_take)
    damage(content, 3, 7)
    with taker, seeding(content) as seed:
        taker.dial(seed.address.port)
        taker.wait_for_end()
        assert seed.progress.verified_pieces == content.piece_count - 2
    assert offered == [taker.everything & ~(1 << 3 | 1 << 7)]
    assert right == {index: taker.piece(index) for index in (0, 19, 20)}


def test_a_piece_that_was_never_offered_is_not_served_and_who_asks_for_it_goes(
    content: Content,
) -> None:
    def ask_for_what_is_wrong(talk: Talk) -> None:
        talk.shake_hands()
        talk.say(Interested())
        talk.hear(Unchoke)
        talk.say(Request(3, 0, BLOCK))
        with pytest.raises(GoneError):
            talk.hear(Block)

    damage(content, 3)
    with (
        ScriptedPeer(content, ask_for_what_is_wrong) as taker,
        capture_trace() as trace,
        seeding(content) as seed,
    ):
        taker.dial(seed.address.port)
        taker.wait_for_end()
    (closed,) = trace.named("bt:connection_closed")
    assert closed.data["why"] == (
        f"expected a piece that we have, found request piece 3, offset 0, length {BLOCK}"
    )


def test_who_fetches_serves_the_pieces_it_has_as_soon_as_it_has_said_so(
    content: Content, tmp_path: Path
) -> None:
    got: dict[int, bytes] = {}

    def serve_one_piece(talk: Talk) -> None:
        talk.greet()
        talk.serve(4)
        talk.listen()

    def take_one_piece(talk: Talk) -> None:
        talk.shake_hands()
        index = talk.hear(Have).piece_index
        talk.say(Interested())
        talk.hear(Unchoke)
        talk.say(*requests_of(content, index))
        for _ in requests_of(content, index):
            take_block(talk)
        got.update(talk.pieces)

    with (
        ScriptedPeer(content, serve_one_piece) as giver,
        ScriptedPeer(content, take_one_piece) as taker,
        fetching(content, tmp_path / "into", [taker]) as session,
    ):
        session.wait_until(lambda progress: progress.peers_connected, "the taker")
        session.session._crew.swarm.peers_found.defer((giver.address,), "a tracker")
        taker.wait_for_end()
    ((index, data),) = got.items()
    assert data == giver.piece(index)


def test_content_that_does_not_match_at_all_is_told_as_such(content: Content) -> None:
    damage(content, *range(21))
    with pytest.raises(ContentMismatchError):
        actortorrent.seed(
            content.folder, content.torrent, use_trackers=False, port=0, bind="127.0.0.1"
        )


# --- chokes of ours -----------------------------------------------------------------------------------------


def test_a_peer_that_is_no_longer_interested_is_choked_and_another_gets_its_slot(
    content: Content, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seeder, "default_slot_count", lambda _limit: 1)
    has_slot = threading.Event()
    waits = threading.Event()

    def hold_then_let_go(talk: Talk) -> None:
        talk.shake_hands()
        talk.say(Interested())
        talk.hear(Unchoke)
        has_slot.set()
        assert waits.wait(60)
        talk.say(NotInterested())
        talk.hear(Choke)

    def wait_for_it(talk: Talk) -> None:
        assert has_slot.wait(60)
        talk.shake_hands()
        talk.say(Interested())
        assert talk.hears_nothing(Unchoke, seconds=0.1)
        waits.set()
        talk.hear(Unchoke)

    with (
        ScriptedPeer(content, hold_then_let_go) as holder,
        ScriptedPeer(content, wait_for_it) as waiter,
        seeding(content) as seed,
    ):
        holder.dial(seed.address.port)
        waiter.dial(seed.address.port)
        holder.wait_for_end()
        waiter.wait_for_end()
