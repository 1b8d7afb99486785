"""Torrents of which only a link is known: peers that lie, are silent, or speak no extensions."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from actortorrent.actors import metadata_peer
from actortorrent.errors import MagnetError, StalledError
from actortorrent.options import SessionOptions
from actortorrent.rules.encryption import Encryption
from actortorrent.rules.progress import Progress
from actortorrent.session import Session, Summary
from actortorrent.tracing.linting import lint
from actortorrent.tracing.reader import TraceFile
from actortorrent.wire.extension_handshake import (
    EXTENSION_HANDSHAKE_ID,
    METADATA_ID,
    UT_METADATA,
    ExtensionHandshake,
)
from actortorrent.wire.handshake import reserved_bytes
from actortorrent.wire.magnet import Magnet
from actortorrent.wire.messages import Bitfield, Extended, Request, Unchoke
from actortorrent.wire.metadata_exchange import PART_BYTES, MetadataKind, MetadataMessage
from actortorrent.wire.metainfo import Metainfo
from tests.chance import usually
from tests.conftest import ContentMaker
from tests.content import Content
from tests.sessions.running import Running, seeding
from tests.sessions.scripted_peer import (
    PATIENCE_SECONDS,
    Play,
    ScriptedPeer,
    Talk,
    never_speak,
    seed,
)

EXTENDED = reserved_bytes(extensions=True)
Answer = Callable[[int], MetadataMessage | None]


@pytest.fixture
def content(content_maker: ContentMaker) -> Content:
    """Return content of names more than anything: its info dictionary has three parts."""
    return content_maker({f"{n:03}-{'x' * 80}": 300 for n in range(300)}, piece_length=16 * 1024)


@dataclass
class Fetch:
    """A session that knows an info-hash, and runs in the thread of the test."""

    info_hash: bytes
    output: Path
    peers: tuple[ScriptedPeer | Running, ...] = ()
    file_ranges: tuple[tuple[int, int], ...] = ()
    on_notice: Callable[[str], None] = lambda _text: None
    notices: list[str] = field(default_factory=list)
    seen: list[Progress] = field(default_factory=list)
    at: Callable[[Session, Progress], None] = lambda _session, _progress: None

    def run(self, **settings: Any) -> Summary:
        options: dict[str, Any] = {
            "port": 0,
            "bind": "127.0.0.1",
            "maps_port": False,
            "use_dht": False,
            "encryption": Encryption.OFF,
            "seed": 1,
            "stall_timeout_seconds": PATIENCE_SECONDS,
        }
        magnet = Magnet(
            self.info_hash,
            peers=tuple(peer.address for peer in self.peers),
            file_ranges=self.file_ranges,
        )
        session = Session(
            magnet,
            SessionOptions(output=self.output, **(options | settings)),
            on_progress=lambda progress: self._heard(session, progress),
            on_notice=self._noticed,
        )
        return session.run()

    def _heard(self, session: Session, progress: Progress) -> None:
        self.seen.append(progress)
        self.at(session, progress)

    def _noticed(self, text: str) -> None:
        self.notices.append(text)
        self.on_notice(text)


def raw_info(content: Content) -> bytes:
    return Metainfo.from_file(content.torrent).raw_info


def honest(content: Content) -> Answer:
    whole = raw_info(content)

    def answer(part: int) -> MetadataMessage:
        data = whole[part * PART_BYTES : (part + 1) * PART_BYTES]
        return MetadataMessage(MetadataKind.DATA, part, len(whole), data)

    return answer


def lying(content: Content) -> Answer:
    tell = honest(content)

    def answer(part: int) -> MetadataMessage:
        truth = tell(part)
        assert truth is not None
        return MetadataMessage(MetadataKind.DATA, part, truth.total_size, truth.data[::-1])

    return answer


def never(_part: int) -> None:
    """Answer nothing."""


def offering(
    content: Content, answer: Answer, *, size: int | None = None, trades: bool = True
) -> Play:
    """Offer metadata, answer what is asked for, and serve the content to who asks for that."""
    whole = len(raw_info(content)) if size is None else size

    def play(talk: Talk) -> None:
        talk.shake_hands()
        offer = ExtensionHandshake(((UT_METADATA, 7),), "scripted 1.0", metadata_size=whole)
        talk.say(offer.message())
        if trades:
            every = ((1 << content.piece_count) - 1) << (-content.piece_count % 8)
            talk.say(Bitfield(every.to_bytes(-(-content.piece_count // 8), "big")), Unchoke())
        while True:
            heard: object = talk.hear(object)
            if isinstance(heard, Request):
                talk.answer(heard)
            elif isinstance(heard, Extended) and heard.extended_id == 7:
                asked = MetadataMessage.from_payload(heard.payload)
                assert asked is not None
                reply = answer(asked.part_index)
                if reply is not None:
                    talk.say(Extended(METADATA_ID, reply.encode()))

    return play


def extended_peer(content: Content, play: Play) -> ScriptedPeer:
    return ScriptedPeer(content, play, reserved=EXTENDED)


def test_a_liar_is_banned_and_the_truth_comes_from_another(
    content: Content, tmp_path: Path
) -> None:
    is_banned = threading.Event()
    offer = offering(content, honest(content))

    def late(talk: Talk) -> None:
        assert is_banned.wait(PATIENCE_SECONDS)
        offer(talk)

    def noticed(text: str) -> None:
        if "does not match the info-hash" in text:
            is_banned.set()

    with (
        extended_peer(content, offering(content, lying(content))) as liar,
        extended_peer(content, late) as peer,
    ):
        fetch = Fetch(content.info_hash, tmp_path, (liar, peer), on_notice=noticed)
        assert fetch.run().is_complete
    content.assert_same_in(tmp_path)
    assert fetch.notices[0].startswith(f"banned {liar.address}: ")
    assert liar.connections == 1


def test_parts_that_were_not_asked_for_end_the_connection(content: Content, tmp_path: Path) -> None:
    def push(talk: Talk) -> None:
        talk.shake_hands()
        talk.say(ExtensionHandshake(((UT_METADATA, 7),), metadata_size=10**5).message())
        said = talk.hear(Extended)
        assert said.extended_id == EXTENSION_HANDSHAKE_ID
        talk.say(Extended(METADATA_ID, MetadataMessage(MetadataKind.DATA, 6, 1, b"x").encode()))
        talk.listen()

    with extended_peer(content, push) as peer:
        fetch = Fetch(content.info_hash, tmp_path, (peer,))
        fetch.at = lambda session, _: session.request_stop() if peer.ended else None
        assert fetch.run().was_interrupted
    assert fetch.seen[0].phase == "metadata"


def test_more_metadata_than_any_torrent_needs_is_not_asked_for(
    content: Content, tmp_path: Path
) -> None:
    with extended_peer(content, offering(content, never, size=2**40)) as peer:
        fetch = Fetch(content.info_hash, tmp_path, (peer,))
        fetch.at = lambda session, _: session.request_stop() if peer.ended else None
        assert fetch.run().was_interrupted
    assert all(message.extended_id == 0 for message in peer.all_heard(Extended))


@usually  # if it has said so much by then
def test_silence_ends_by_the_stall_timeout_and_says_where_it_was(
    content: Content, tmp_path: Path
) -> None:
    first = honest(content)
    with extended_peer(content, offering(content, lambda n: None if n else first(n))) as peer:
        fetch = Fetch(content.info_hash, tmp_path / "into", (peer,))
        with pytest.raises(StalledError, match="metadata: 1 of 3 parts, from 1 peer"):
            fetch.run(stall_timeout_seconds=0.5, flight_events=0)
    assert fetch.seen[-1].metadata_part_count == 3
    assert not (tmp_path / "into").exists()


def test_it_can_be_interrupted_before_the_torrent_is_known(
    content: Content, tmp_path: Path
) -> None:
    with extended_peer(content, offering(content, never)) as peer:
        fetch = Fetch(content.info_hash, tmp_path, (peer,))
        fetch.at = lambda session, now: session.request_stop() if now.peers_connected else None
        summary = fetch.run()
    assert summary.was_interrupted
    assert summary.progress.phase == "metadata"
    assert fetch.seen[-1].phase == "stopping"


def test_who_speaks_no_extensions_gives_the_content_once_the_torrent_is_known(
    content: Content, tmp_path: Path
) -> None:
    offer = offering(content, honest(content), trades=False)
    with ScriptedPeer(content) as plain:

        def after(talk: Talk) -> None:
            plain.wait_for_end()  # it was met, and was of no use yet
            offer(talk)

        with extended_peer(content, after) as knowing:
            fetch = Fetch(content.info_hash, tmp_path, (plain, knowing))
            assert fetch.run().is_complete
    content.assert_same_in(tmp_path)
    assert plain.served_bytes == content.total_length


def test_who_offers_nothing_makes_room_for_others(
    content: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata_peer, "USELESS_SECONDS", 0.2)

    def offer_nothing(talk: Talk) -> None:
        talk.shake_hands()
        talk.say(ExtensionHandshake().message())
        talk.listen()

    with (
        extended_peer(content, offer_nothing) as useless,
        extended_peer(content, offer_nothing) as another,
    ):
        fetch = Fetch(content.info_hash, tmp_path, (useless, another))
        fetch.at = lambda session, _: (
            session.request_stop() if useless.ended and another.ended else None
        )
        assert fetch.run(max_peers=1).was_interrupted


def test_files_that_are_not_there_are_an_error(content: Content, tmp_path: Path) -> None:
    with extended_peer(content, offering(content, honest(content))) as peer:
        fetch = Fetch(content.info_hash, tmp_path, (peer,), file_ranges=((400, 500),))
        with pytest.raises(MagnetError, match="file numbers under 300"):
            fetch.run()


def test_who_dials_us_gives_the_torrent_and_is_dialled_for_the_content(
    content: Content, tmp_path: Path
) -> None:
    whole = raw_info(content)
    tell = honest(content)

    def dial(talk: Talk) -> None:
        talk.shake_hands()
        hello = ExtensionHandshake(
            ((UT_METADATA, 7),), listen_port=peer.address.port, metadata_size=len(whole)
        )
        talk.say(hello.message())
        while True:
            message = talk.hear(Extended)
            if message.extended_id == 7:
                asked = MetadataMessage.from_payload(message.payload)
                reply = asked and tell(asked.part_index)
                assert reply
                talk.say(Extended(METADATA_ID, reply.encode()))

    with ScriptedPeer(content, never_speak) as bait, extended_peer(content, seed) as peer:
        fetch = Fetch(content.info_hash, tmp_path, (bait,))
        has_dialled: list[bool] = []

        def at(session: Session, _progress: Progress) -> None:
            if not has_dialled:
                has_dialled.append(True)
                peer.dial(session.port, dial)

        fetch.at = at
        assert fetch.run().is_complete
    content.assert_same_in(tmp_path)


def test_the_trace_tells_all_of_it_and_knows_the_torrent(content: Content, tmp_path: Path) -> None:
    trace = tmp_path / "fetch.trace"
    with seeding(content) as session:
        fetch = Fetch(content.info_hash, tmp_path / "into", (session,))
        assert fetch.run(trace=trace).is_complete
    with TraceFile(trace) as read:
        assert read.header.piece_count == content.piece_count
        assert read.header.total_length == content.total_length
        assert "bt:metadata_verified" in {event.name for event in read.events()}
        assert lint(read.header, read.events()) == []
