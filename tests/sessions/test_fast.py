"""What two sides that speak the fast extension say to each other: BEP 6."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from actortorrent.actors import peer_uploads
from actortorrent.rules.allowed_fast import allowed_fast_set
from actortorrent.tracing.capture import CapturedTrace, capture_trace
from actortorrent.wire.handshake import reserved_bytes
from actortorrent.wire.messages import (
    AllowedFast,
    Bitfield,
    Cancel,
    Choke,
    HaveAll,
    HaveNone,
    Interested,
    Message,
    Reject,
    Request,
    Suggest,
    Unchoke,
)
from tests.conftest import ContentMaker
from tests.content import Content
from tests.sessions.running import Running, fetching, seeding
from tests.sessions.scripted_peer import Block, Play, ScriptedPeer, Talk, requests_of

BLOCK = 16 * 1024
PIECE = 4 * BLOCK
FAST = reserved_bytes(fast=True)


@pytest.fixture
def content(content_maker: ContentMaker) -> Content:
    return content_maker(10 * PIECE + 777, piece_length=PIECE)


def fast_peer(content: Content, play: Play) -> ScriptedPeer:
    return ScriptedPeer(content, play, reserved=FAST)


def greet(talk: Talk, *more: Message) -> None:
    """Shake hands, and say that this peer has everything."""
    talk.shake_hands()
    talk.say(HaveAll(), *more)


def reject_of(request: Request) -> Reject:
    return Reject(request.piece_index, request.block_offset, request.length)


def reasons(trace: CapturedTrace) -> list[str]:
    return [str(one.data["why"]) for one in trace.named("bt:connection_closed")]


# --- what we fetch ------------------------------------------------------------------------------


def test_what_a_choke_brings_rejects_of_is_asked_of_another_at_once(
    content: Content, tmp_path: Path
) -> None:
    def reject_all(talk: Talk) -> None:
        greet(talk, Unchoke())
        asked = talk.hear_all(Request, 4)
        talk.say(Choke(), *map(reject_of, asked))
        while True:  # those that crossed the choke
            talk.say(reject_of(talk.hear(Request)))

    def serve_late(talk: Talk) -> None:
        greet(talk)
        fickle.wait_to_hear(Request, 4)
        talk.say(Unchoke())
        talk.serve()

    with (
        fast_peer(content, reject_all) as fickle,
        fast_peer(content, serve_late) as good,
        fetching(content, tmp_path / "into", [fickle, good]) as session,
    ):
        assert session.finish_whole().progress.wasted_bytes == 0
        assert fickle.all_heard(HaveNone) == [HaveNone()]


def test_requests_stand_though_the_peer_chokes(content: Content, tmp_path: Path) -> None:
    def answer_in_spite(talk: Talk) -> None:
        greet(talk, Unchoke())
        first = talk.hear_all(Request, 4)
        talk.send(Choke().encode())
        talk.send(b"".join(talk.peer.block(one).encode() for one in first[1:]))
        talk.send(reject_of(first[0]).encode() + Unchoke().encode())
        talk.serve()

    with (
        fast_peer(content, answer_in_spite) as peer,
        fetching(content, tmp_path / "into", [peer]) as session,
    ):
        progress = session.finish_whole().progress
        asked = Counter(map(str, peer.all_heard(Request)))
    assert progress.wasted_bytes == 0
    assert sorted(asked.values())[-2:] == [1, 2], (
        "what was rejected, and nothing else, is asked again"
    )


def test_pieces_that_are_allowed_are_fetched_in_spite_of_a_choke(
    content: Content, tmp_path: Path
) -> None:
    def give_two(talk: Talk) -> None:
        greet(talk, AllowedFast(3), AllowedFast(7), Suggest(1))
        for _ in range(2 * PIECE // BLOCK):
            request = talk.hear(Request)
            talk.send(talk.peer.block(request).encode())
        assert talk.hears_nothing(Request, 0.2)
        talk.say(Unchoke())
        talk.serve()

    with (
        fast_peer(content, give_two) as peer,
        fetching(content, tmp_path / "into", [peer]) as session,
    ):
        assert session.finish_whole().progress.wasted_bytes == 0
        first = peer.all_heard(Request)[: 2 * PIECE // BLOCK]
    assert {one.piece_index for one in first} == {3, 7}


def test_who_rejects_what_was_never_asked_for_is_sent_away(
    content: Content, tmp_path: Path
) -> None:
    def reject_too_much(talk: Talk) -> None:
        greet(talk, Reject(1, 0, BLOCK))
        talk.listen()

    with (
        capture_trace() as trace,
        fast_peer(content, reject_too_much) as peer,
        fetching(content, tmp_path / "into", [peer]),
    ):
        peer.wait_for_end()
    assert "expected a reject of what was asked for" in reasons(trace)[0]


# --- what we serve ------------------------------------------------------------------------------


@contextmanager
def leech(content: Content, play: Play, **settings: Any) -> Iterator[tuple[ScriptedPeer, Running]]:
    """Dial a seed of ours, and play; ends when the talk has."""
    with fast_peer(content, play) as peer, seeding(content, **settings) as seed:
        peer.dial(seed.address.port)
        yield peer, seed
        peer.wait_for_end()


def test_who_asks_while_choked_gets_a_reject_of_each(content: Content) -> None:
    def ask(talk: Talk) -> None:
        talk.shake_hands()
        talk.say(HaveNone())
        talk.hear(HaveAll)
        for request in requests_of(content, 2):
            talk.send(request.encode())
        talk.pieces[0] = b"".join(
            reject.encode() for reject in talk.hear_all(Reject, PIECE // BLOCK)
        )

    with leech(content, ask, upload_slots=0) as (peer, _):
        peer.wait_for_end()
    assert not peer.all_heard(Bitfield)


def test_a_choke_rejects_what_waits(content: Content) -> None:
    wanted = [one for index in range(8) for one in requests_of(content, index)]

    def ask_for_much(talk: Talk) -> None:
        talk.shake_hands()
        talk.say(HaveNone(), Interested())
        talk.hear(Unchoke)
        talk.say(*wanted)
        talk.hear(Block)
        talk.send(b"\0\0\0\1\3")  # not interested: the slot is taken back
        answers = 1
        while answers < len(wanted):
            event = talk.hear(object)
            answers += isinstance(event, (Block, Reject))

    with leech(content, ask_for_much, upload_limit=BLOCK) as (peer, _):
        peer.wait_for_end()
    rejected = {(one.piece_index, one.block_offset) for one in peer.all_heard(Reject)}
    assert rejected
    assert rejected <= {(one.piece_index, one.block_offset) for one in wanted}
    assert peer.all_heard(Choke)


def test_each_request_gets_one_answer_whatever_it_asks_for(
    content: Content, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peer_uploads, "MAX_QUEUED_REQUESTS", 8)
    there = [one for index in range(5) for one in requests_of(content, index)]
    cancelled = there[10:16]

    def ask_for_all_sorts(talk: Talk) -> None:
        talk.shake_hands()
        talk.say(HaveNone(), Interested())
        talk.hear(Unchoke)
        cancels = [Cancel(one.piece_index, one.block_offset, one.length) for one in cancelled]
        talk.say(*there, *cancels)
        while len(answers) < len(there):
            event = talk.hear(object)
            if isinstance(event, (Block, Reject)):
                answers.append((event.piece_index, event.block_offset))

    answers: list[tuple[int, int]] = []
    with leech(content, ask_for_all_sorts, upload_limit=4 * PIECE) as (peer, _):
        peer.wait_for_end()
    assert sorted(answers) == [(one.piece_index, one.block_offset) for one in there]
    assert peer.all_heard(Reject)


def test_of_a_piece_that_cannot_be_read_all_is_rejected(content: Content) -> None:
    (path, _), *_ = content.files

    def ask_for_what_is_gone(talk: Talk) -> None:
        talk.shake_hands()
        talk.say(HaveNone(), Interested())
        talk.hear(Unchoke)
        (content.folder / path).write_bytes(b"")
        talk.say(*requests_of(content, 1))
        talk.hear_all(Reject, PIECE // BLOCK)

    with leech(content, ask_for_what_is_gone):
        pass


def test_who_begins_is_given_a_few_pieces_for_nothing(content_maker: ContentMaker) -> None:
    content = content_maker(300 * BLOCK, piece_length=BLOCK)
    given = allowed_fast_set(content.info_hash, "127.0.0.1", 300, 3)

    def take_them(talk: Talk) -> None:
        talk.shake_hands()
        talk.say(HaveNone(), Interested())
        allowed = [one.piece_index for one in talk.hear_all(AllowedFast, 3)]
        assert tuple(allowed) == given
        other = next(index for index in range(300) if index not in given)
        for index in (*given, other):
            talk.send(Request(index, 0, BLOCK).encode())
        assert {talk.hear(Block).piece_index for _ in given} == set(given)
        assert talk.hear(Reject).piece_index == other

    def take_the_slot(talk: Talk) -> None:
        talk.shake_hands()
        talk.say(HaveNone(), Interested())
        talk.hear(Unchoke)
        unchoked.dial(seed.address.port, take_them)
        talk.listen()

    with fast_peer(content, take_the_slot) as unchoked, seeding(content, upload_slots=1) as seed:
        unchoked.dial(seed.address.port)
        unchoked.wait_for_end()
