"""Peers that break the protocol go, the trace says why, and the fetch finishes."""

from __future__ import annotations

import itertools
import re
import struct
from pathlib import Path

import pytest

from actortorrent.actors import peer_opening, peer_uploads
from actortorrent.rules import address_book
from actortorrent.tracing.capture import CapturedTrace, capture_trace
from actortorrent.wire.handshake import HANDSHAKE_BYTES, PROTOCOL_NAME, Handshake
from actortorrent.wire.messages import (
    BLOCK_NAME,
    Bitfield,
    Have,
    Interested,
    Kind,
    PieceHeader,
    Request,
    Unchoke,
    Unknown,
)
from tests.conftest import ContentMaker
from tests.content import Content
from tests.sessions.running import fetching, seeding
from tests.sessions.scripted_peer import (
    Play,
    ScriptedPeer,
    Talk,
    leech,
    never_speak,
    requests_of,
    take_block,
)

BLOCK = 16 * 1024
PIECE = 2 * BLOCK


@pytest.fixture
def content(content_maker: ContentMaker) -> Content:
    return content_maker(10 * PIECE + 99, piece_length=PIECE)


def reasons(trace: CapturedTrace) -> list[str]:
    return [event.data["why"] for event in trace.named("bt:connection_closed")]


def saying(data: bytes) -> Play:
    """Play a peer that greets well and then sends these bytes."""

    def play(talk: Talk) -> None:
        talk.greet()
        talk.send(data)
        talk.listen()

    return play


def raw(data: bytes) -> Play:
    """Play a peer that sends these bytes in place of a handshake."""

    def play(talk: Talk) -> None:
        talk.send(data)
        talk.listen()

    return play


def message(kind: int, body: bytes = b"", *, length: int | None = None) -> bytes:
    return struct.pack(">IB", 1 + len(body) if length is None else length, kind) + body


HOSTILITIES: dict[str, tuple[Play, str]] = {
    "HTTP": (raw(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "expected a BitTorrent handshake"),
    "noise": (raw(bytes(range(256)) * 8), "expected a BitTorrent handshake"),
    "another torrent": (
        raw(PROTOCOL_NAME + bytes(8) + b"x" * 20 + b"-XX0000-aaaaaaaaaaaa"),
        "expected info-hash",
    ),
    "an oversized message": (saying(message(20, length=2**31)), "found 2147483648"),
    "a block too long": (saying(message(7, bytes(8), length=9 + 2**20)), "expected at most"),
    "a second handshake": (saying(PROTOCOL_NAME + bytes(HANDSHAKE_BYTES)), "expected at most"),
    "a piece that is none": (saying(Have(11).encode()), "expected a piece index under 11"),
    "a bitfield too long": (saying(Bitfield(bytes(3)).encode()), "expected a bitfield of 2"),
    "spare bits": (saying(Bitfield(b"\xff\xff").encode()), "spare bits"),
    "a have of no length": (saying(message(4)), "found"),
    "a request out of range": (
        saying(Request(0, 0, PIECE + 1).encode() + Request(10, 99, 1).encode()),
        "expected an end within",
    ),
    "a block of nothing": (saying(message(7, bytes(8))), "found"),
}


@pytest.mark.parametrize(
    ("play", "why"), HOSTILITIES.values(), ids=[name.replace(" ", "_") for name in HOSTILITIES]
)
def test_who_breaks_the_protocol_goes_the_trace_says_why_and_the_fetch_finishes(
    content: Content, tmp_path: Path, play: Play, why: str
) -> None:
    with ScriptedPeer(content, play) as hostile:

        def serve_after_it(talk: Talk) -> None:
            talk.greet(unchoke=False)
            hostile.wait_for_end()
            talk.say(Unchoke())
            talk.serve()

        with (
            ScriptedPeer(content, serve_after_it) as good,
            capture_trace() as trace,
            fetching(content, tmp_path / "into", [hostile, good]) as session,
        ):
            session.finish_whole()
            assert not [one for one in session.notices if "bug" in one]
        assert hostile.connections == 1
    assert [one for one in reasons(trace) if why in one], reasons(trace)


def test_what_is_odd_but_harmless_is_borne(content: Content, tmp_path: Path) -> None:
    def odd(talk: Talk) -> None:
        talk.greet(pieces=0)
        talk.say(Unknown(99, b"future"), Bitfield(b"\xf0\x00"), Bitfield(b"\x0f\xe0"))
        talk.say(Unchoke(), Unchoke(), Have(0), Have(0), Interested(), Interested())
        talk.serve()

    with (
        ScriptedPeer(content, odd) as peer,
        fetching(content, tmp_path / "into", [peer]) as session,
    ):
        session.finish_whole()
        assert peer.connections == 1


# --- those who take ------------------------------------------------------------------------------------


def test_who_asks_without_reading_goes_and_others_are_served_meanwhile(
    content_maker: ContentMaker,
) -> None:
    content = content_maker(4_000_000, piece_length=64 * 1024)

    def flood(talk: Talk) -> None:
        talk.shake_hands()
        talk.say(Interested())
        talk.hear(Unchoke)
        request = BLOCK_NAME.pack(13, Kind.REQUEST, 0, 0, BLOCK)
        while True:  # until the other side hangs up
            talk.send(request * 500)

    with (
        ScriptedPeer(content, flood) as flooder,
        ScriptedPeer(content, leech) as taker,
        capture_trace() as trace,
        seeding(content) as seed,
    ):
        flooder.dial(seed.address.port)
        taker.dial(seed.address.port)
        taker.wait_for_end()
        flooder.wait_for_end()
        assert seed.progress.phase == "seeding"
    limit = peer_uploads.MAX_QUEUED_REQUESTS
    told = re.compile(rf"expected at most {limit} requests waiting, found (\d+)")
    (found,) = [int(match[1]) for why in reasons(trace) if (match := told.fullmatch(why))]
    assert found > limit


def test_who_asks_while_choked_gets_nothing_and_may_stay(content: Content) -> None:
    def ask_at_once(talk: Talk) -> None:
        talk.shake_hands()
        talk.say(Interested())
        bare = b"".join(one.encode() for one in requests_of(content, 0))
        talk.send(bare)
        talk.hear(Unchoke)
        talk.send(bare)
        while len(talk.pieces.get(0, b"")) < PIECE:
            take_block(talk)

    with ScriptedPeer(content, ask_at_once) as taker, seeding(content) as seed:
        taker.dial(seed.address.port)
        taker.wait_for_end()


def test_a_crowd_of_connections_that_say_nothing_leave_room_for_one_that_does(
    content: Content, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peer_opening, "HANDSHAKE_SECONDS", 0.3)

    with (
        ScriptedPeer(content, never_speak) as crowd,
        ScriptedPeer(content, leech) as taker,
        seeding(content, max_peers=20) as seed,
    ):
        for _ in range(60):
            crowd.dial(seed.address.port)
        crowd.wait_for_end(60)
        taker.dial(seed.address.port)
        taker.wait_for_end()
        assert seed.stop().progress.uploaded_bytes == content.total_length


def test_who_sends_unasked_blocks_wastes_only_its_own_breath(
    content: Content, tmp_path: Path
) -> None:
    fake = PieceHeader(3, 0, BLOCK).encode() + bytes(BLOCK)

    def push(talk: Talk) -> None:
        talk.greet(unchoke=False)
        for _ in range(50):
            talk.send(fake)
        talk.say(Unchoke())
        talk.serve()

    with (
        ScriptedPeer(content, push) as pusher,
        fetching(content, tmp_path / "into", [pusher]) as session,
    ):
        progress = session.finish_whole().progress
    assert progress.wasted_bytes == 50 * BLOCK
    assert progress.fetched_bytes == content.total_length + progress.wasted_bytes


def test_whoever_hangs_up_in_every_possible_place_harms_nobody(
    content: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(address_book, "FIRST_RETRY_SECONDS", 0.01)
    monkeypatch.setattr(address_book, "MOST_RETRY_SECONDS", 0.02)
    monkeypatch.setattr(address_book, "MOST_FAILURES", 100)
    greeting = Bitfield(b"\xff\xe0").encode() + Unchoke().encode()
    block = PieceHeader(0, 0, BLOCK).encode() + bytes(100)
    tries = itertools.count()

    def hang_up(talk: Talk) -> None:
        handshake = Handshake(content.info_hash, talk.peer.peer_id).encode()
        talk.send((handshake + greeting + block)[: 9 * next(tries)])

    with ScriptedPeer(content, hang_up) as fickle:

        def serve_after_them(talk: Talk) -> None:
            talk.greet(unchoke=False)
            fickle.wait_for_end(15)
            talk.say(Unchoke())
            talk.serve()

        with (
            ScriptedPeer(content, serve_after_them) as good,
            fetching(content, tmp_path / "into", [fickle, good]) as session,
        ):
            session.finish_whole()
            assert not [one for one in session.notices if "bug" in one]
