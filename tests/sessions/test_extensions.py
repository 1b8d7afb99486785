"""What peers that trade tell each other by the extension protocol: BEP 10, 9 and 21."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from actortorrent.actors.peer_extensions import CLIENT
from actortorrent.wire.extension_handshake import (
    EXTENSION_HANDSHAKE_ID,
    METADATA_ID,
    UT_METADATA,
    ExtensionHandshake,
)
from actortorrent.wire.handshake import reserved_bytes
from actortorrent.wire.messages import Bitfield, Extended, Interested, Request, Unchoke
from actortorrent.wire.metadata_exchange import MetadataKind, MetadataMessage
from actortorrent.wire.metainfo import Metainfo
from tests.conftest import ContentMaker
from tests.content import Content
from tests.sessions.running import fetching, seeding
from tests.sessions.scripted_peer import (
    PATIENCE_SECONDS,
    Play,
    ScriptedPeer,
    Talk,
    never_speak,
    seed,
)

BLOCK = 16 * 1024
SILENCE_SECONDS = 0.05
EXTENDED = reserved_bytes(extensions=True)


@pytest.fixture
def content(content_maker: ContentMaker) -> Content:
    return content_maker(40 * BLOCK, piece_length=4 * BLOCK)


def extended_peer(content: Content, play: Play) -> ScriptedPeer:
    return ScriptedPeer(content, play, reserved=EXTENDED)


def hear_handshake(talk: Talk) -> ExtensionHandshake:
    """Return what the other side says of itself next."""
    while True:
        message = talk.hear(Extended)
        if message.extended_id == EXTENSION_HANDSHAKE_ID:
            return ExtensionHandshake.from_payload(message.payload)


def test_a_seed_says_who_it_is_before_what_it_has_and_gives_the_torrent(content: Content) -> None:
    raw_info = Metainfo.from_file(content.torrent).raw_info
    heard: list[object] = []

    def ask(talk: Talk) -> None:
        talk.shake_hands()
        first: object = talk.hear(object)
        assert isinstance(first, Extended)
        heard.append(ExtensionHandshake.from_payload(first.payload))
        heard.append(talk.hear(Bitfield))
        talk.say(ExtensionHandshake(((UT_METADATA, 5),)).message())
        request = MetadataMessage(MetadataKind.REQUEST, 0)
        talk.say(Extended(METADATA_ID, request.encode()))
        answer = talk.hear(Extended)
        assert answer.extended_id == 5
        heard.append(MetadataMessage.from_payload(answer.payload))

    with (
        extended_peer(content, ask) as peer,
        seeding(content, [peer]) as session,
    ):
        peer.wait_for_end()
        hello, _, part = heard
        assert isinstance(hello, ExtensionHandshake)
        assert hello.listen_port == session.session.port
    assert (hello.client, hello.is_upload_only, hello.your_ip) == (CLIENT, True, "127.0.0.1")
    assert hello.metadata_size == len(raw_info)
    assert part == MetadataMessage(MetadataKind.DATA, 0, len(raw_info), raw_info)


def test_who_fetches_says_so_until_it_is_complete(content: Content, tmp_path: Path) -> None:
    said: list[bool | None] = []

    def watch(talk: Talk) -> None:
        talk.shake_hands()
        said.append(hear_handshake(talk).is_upload_only)
        said.append(hear_handshake(talk).is_upload_only)

    with extended_peer(content, watch) as watcher:

        def after(talk: Talk) -> None:
            watcher.wait_to_hear(Extended)
            seed(talk)

        with (
            ScriptedPeer(content, after) as late,
            fetching(content, tmp_path, [watcher, late], keep_seeding=True),
        ):
            watcher.wait_for_end()
    assert said == [None, True]


@pytest.mark.parametrize("request_queue", [1, 3])
def test_a_peer_is_asked_for_no_more_than_it_lets_wait(
    content: Content, tmp_path: Path, request_queue: int
) -> None:
    waiting: list[int] = []

    def count(talk: Talk) -> None:
        talk.shake_hands()
        talk.say(ExtensionHandshake(request_queue=request_queue).message())
        talk.say(Bitfield(b"\xff\xc0"), Unchoke())
        for _ in range(3):
            asked = hear_all_that_comes(talk)
            waiting.append(len(asked))
            for request in asked:
                talk.answer(request)
        talk.serve()

    with extended_peer(content, count) as peer, fetching(content, tmp_path, [peer]) as session:
        session.finish_whole()
    assert len(waiting) == 3
    assert 1 <= max(waiting) <= request_queue


def hear_all_that_comes(talk: Talk) -> list[Request]:
    """Return a request, and what follows until there is silence."""
    asked = [talk.hear(Request)]
    talk.sock.settimeout(SILENCE_SECONDS)
    with suppress(AssertionError):
        while True:
            asked.append(talk.hear(Request))
    talk.sock.settimeout(PATIENCE_SECONDS)
    return asked


def test_who_speaks_no_extensions_hears_none(content: Content, tmp_path: Path) -> None:
    with ScriptedPeer(content) as peer, fetching(content, tmp_path, [peer]) as session:
        session.finish_whole()
    assert not peer.all_heard(Extended)


def test_a_malformed_handshake_of_the_extensions_ends_the_connection(content: Content) -> None:
    def play(talk: Talk) -> None:
        talk.shake_hands()
        talk.say(Extended(EXTENSION_HANDSHAKE_ID, b"no bencoding"), Interested())
        talk.listen()

    with (
        extended_peer(content, play) as peer,
        ScriptedPeer(content, never_speak) as other,
        seeding(content, [peer, other]),
    ):
        peer.wait_for_end()
        other.wait_until(lambda: other.connections, "the other, who is not harmed")
