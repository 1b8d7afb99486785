"""Sessions that encrypt, those that will not, and what they do with each other."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from actortorrent.actors import peer_opening
from actortorrent.errors import PeerProtocolError
from actortorrent.rules.encryption import Encryption
from actortorrent.tracing.capture import CapturedTrace, capture_trace
from tests.conftest import ContentMaker
from tests.content import Content
from tests.sessions.running import fetch, fetching, seeding
from tests.sessions.scripted_peer import ScriptedPeer, Talk, leech

SIZES = {"a.bin": 200_000, "b.bin": 100_000}
ALLOW, OFF = Encryption.ALLOW, Encryption.OFF
PREFER, REQUIRE = Encryption.PREFER, Encryption.REQUIRE


@pytest.fixture
def content(content_maker: ContentMaker) -> Content:
    return content_maker(SIZES)


def streams(trace: CapturedTrace) -> list[str]:
    """Return how each side says that its stream goes on."""
    agreed = [one for one in trace.events if one.name == "bt:encryption_agreed"]
    return [str(one.data["stream"]) for one in agreed]


def dials(trace: CapturedTrace, what: str) -> list[Any]:
    return [one for one in trace.events if one.data.get("what") == what]


def plain_dials(trace: CapturedTrace) -> list[Any]:
    return dials(trace, "dial_plainly")


def hang_up_on_garbage(talk: Talk) -> None:
    """Serve, as a client that knows no encryption does."""
    with suppress(PeerProtocolError):
        talk.greet()
        talk.serve()


def take_in_silence(talk: Talk) -> None:
    """Take whatever comes, and never say a word."""
    with suppress(OSError):
        while talk.sock.recv(4096):
            pass


@pytest.mark.parametrize(
    ("ours", "theirs", "stream"),
    [
        (PREFER, PREFER, ["RC4", "RC4"]),
        (REQUIRE, PREFER, ["RC4", "RC4"]),
        (PREFER, REQUIRE, ["RC4", "RC4"]),
        (REQUIRE, REQUIRE, ["RC4", "RC4"]),
        (PREFER, OFF, []),
        (OFF, PREFER, []),
        (OFF, OFF, []),
        (ALLOW, PREFER, []),
        (ALLOW, REQUIRE, ["RC4", "RC4"]),
        (PREFER, ALLOW, 2 * ["plain, after an encrypted beginning"]),
        (REQUIRE, ALLOW, ["RC4", "RC4"]),
        (ALLOW, ALLOW, []),
    ],
)
def test_two_of_ours_encrypt_where_both_can(
    content: Content, tmp_path: Path, ours: Encryption, theirs: Encryption, stream: list[str]
) -> None:
    with capture_trace() as trace, seeding(content, encryption=theirs) as seed:
        fetch(content, tmp_path / "into", [seed], encryption=ours)
    assert streams(trace) == stream
    assert bool(dials(trace, "dial_plainly")) == (ours is PREFER and theirs is OFF)
    assert bool(dials(trace, "dial_encrypted")) == (ours is ALLOW and theirs is REQUIRE)
    # What is sent is encrypted as a copy: what is served stays what it is.
    content.assert_same_in(content.folder)


def test_a_trace_shows_what_is_said_on_an_encrypted_stream(
    content: Content, tmp_path: Path
) -> None:
    said: dict[Encryption, list[set[str]]] = {}
    for how in (OFF, REQUIRE):
        with capture_trace() as trace, seeding(content, encryption=how) as seed:
            fetch(content, tmp_path / how, [seed], encryption=how)
        names = ("bt:message_sent", "bt:message_received")
        said[how] = [
            {str(one.data["type"]) for one in trace.events if one.name == name} for name in names
        ]
        offsets = [one.data["offset"] for one in trace.events if one.name == names[1]]
        assert min(offsets) == 0
    for kinds in (*said[OFF], *said[REQUIRE]):
        assert kinds >= {"handshake", "have all", "interested", "unchoke"}


def test_who_knows_no_encryption_is_dialled_once_more_and_spoken_to_plainly(
    content: Content, tmp_path: Path
) -> None:
    with ScriptedPeer(content, hang_up_on_garbage) as peer, capture_trace() as trace:
        fetch(content, tmp_path / "into", [peer], encryption=PREFER)
        assert peer.connections == 2
    assert len(plain_dials(trace)) == 1


def test_who_does_not_answer_an_encrypted_beginning_is_spoken_to_plainly_in_time(
    content: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peer_opening, "ENCRYPTION_SECONDS", 0.2)

    def silent_at_first(talk: Talk) -> None:
        if talk.peer.connections == 1:
            take_in_silence(talk)
        else:
            hang_up_on_garbage(talk)

    with ScriptedPeer(content, silent_at_first) as peer:
        fetch(content, tmp_path / "into", [peer], encryption=PREFER)
        assert peer.connections == 2


def test_who_hangs_up_on_us_is_dialled_once_more_and_no_oftener(
    content: Content, tmp_path: Path
) -> None:
    def hang_up(talk: Talk) -> None:
        talk.sock.recv(68)

    with (
        ScriptedPeer(content, hang_up) as peer,
        capture_trace() as trace,
        fetching(content, tmp_path / "into", [peer], encryption=ALLOW) as session,
    ):
        peer.wait_for_end(2)
        session.stop()
    begun = [one for one in trace.events if one.name == "bt:connection_begun"]
    assert len(dials(trace, "dial_encrypted")) == len(begun) == 1
    assert not plain_dials(trace)


def test_who_knows_no_encryption_is_left_alone_where_it_is_required(
    content: Content, tmp_path: Path
) -> None:
    with (
        ScriptedPeer(content, hang_up_on_garbage) as plain,
        seeding(content, encryption=PREFER) as other,
        capture_trace() as trace,
    ):
        fetch(content, tmp_path / "into", [plain, other], encryption=REQUIRE)
        assert plain.served_bytes == 0
    assert not plain_dials(trace)


def test_who_dials_plainly_is_served_unless_encryption_is_required(content: Content) -> None:
    with ScriptedPeer(content, leech) as taker, seeding(content, encryption=PREFER) as seed:
        taker.dial(seed.address.port)
        taker.wait_for_end()
        assert seed.stop().progress.uploaded_bytes == content.total_length
    with (
        ScriptedPeer(content, leech) as taker,
        capture_trace() as trace,
        seeding(content, encryption=REQUIRE) as seed,
    ):
        taker.dial(seed.address.port)
        taker.wait_for_end()
        assert seed.stop().progress.uploaded_bytes == 0
    whys = [one.data["why"] for one in trace.events if one.name == "bt:connection_closed"]
    assert whys == ["expected an encrypted handshake, found a plain one"]


def test_who_dials_and_says_nothing_is_not_waited_for_for_ever(
    content: Content, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peer_opening, "HANDSHAKE_SECONDS", 0.2)
    with (
        ScriptedPeer(content, take_in_silence) as silent,
        capture_trace() as trace,
        seeding(content, encryption=PREFER) as seed,
    ):
        silent.dial(seed.address.port)
        silent.wait_for_end()
    whys = [one.data["why"] for one in trace.events if one.name == "bt:connection_closed"]
    assert whys == ["no handshake came"]


@pytest.mark.parametrize(
    "garbage", [b"GET / HTTP/1.1\r\n\r\n", b"\xff", b"\x10"], ids=["HTTP", "no key", "no mark"]
)
def test_garbage_is_hung_up_on_where_encryption_is_taken(content: Content, garbage: bytes) -> None:
    def babble(talk: Talk) -> None:
        talk.send((garbage * 5000)[:5000])
        talk.listen()

    with ScriptedPeer(content, babble) as peer, seeding(content, encryption=PREFER) as seed:
        peer.dial(seed.address.port)
        peer.wait_for_end()


def test_leaving_while_it_is_agreed_how_to_encrypt_takes_no_time(
    content: Content, tmp_path: Path
) -> None:
    with (
        ScriptedPeer(content, take_in_silence) as silent,
        fetching(content, tmp_path / "into", [silent], encryption=REQUIRE) as session,
    ):
        session.wait_until(lambda progress: progress.peers_dialling, "the dial")
        session.stop()
