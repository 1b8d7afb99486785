"""Encrypted streams with real clients: those that insist on it, and those that take none."""

from __future__ import annotations

import os
import socket
from contextlib import closing
from pathlib import Path

import pytest

from actortorrent.lab.tracker import EmbeddedTracker
from actortorrent.wire.encryption import BOTH, RANDOM_BYTES, Initiator, Method, Responder
from actortorrent.wire.handshake import HANDSHAKE_BYTES, Handshake, parse_handshake
from tests.content import Content
from tests.peers.aria2 import aria2_fetch, aria2_seed
from tests.peers.libtorrent import libtorrent_fetch, libtorrent_seed
from tests.peers.own import own_fetch, own_seed

SECONDS = 60.0
OUR_ID = b"-TT0000-encrypted-id"
ARIA2_REQUIRES = ("--bt-require-crypto=true", "--bt-min-crypto-level=arc4")

# What libtorrent is told, and what must come of it where we can do both.
LIBTORRENT_FORCED = [("rc4", Method.RC4), ("plain", Method.PLAIN), ("forced", None)]


def shake_hands(sock: socket.socket, side: Initiator | Responder, content: Content) -> Handshake:
    """Agree with the peer, exchange handshakes, and return the peer's."""
    ours = Handshake(content.info_hash, OUR_ID).encode()
    while side.agreement is None:
        came = sock.recv(4096)
        assert came, "the peer hung up"
        sock.sendall(side.receive(came))
    agreement = side.agreement
    if isinstance(side, Responder):
        sock.sendall(ours if agreement.sending is None else agreement.sending.update(ours))
    theirs = agreement.received
    while len(theirs) < HANDSHAKE_BYTES:
        came = sock.recv(4096)
        assert came, "the peer hung up"
        theirs += came if agreement.receiving is None else agreement.receiving.update(came)
    return parse_handshake(theirs[:HANDSHAKE_BYTES])


@pytest.mark.parametrize(("told", "method"), LIBTORRENT_FORCED)
def test_libtorrent_that_insists_agrees_with_us_when_we_dial(
    content: Content, told: str, method: Method | None
) -> None:
    ours = Handshake(content.info_hash, OUR_ID).encode()
    with (
        libtorrent_seed(content, extra=["--encryption", told]) as seed,
        socket.create_connection(("127.0.0.1", seed.port), timeout=SECONDS) as sock,
    ):
        side = Initiator(content.info_hash, BOTH, ours, os.urandom(RANDOM_BYTES))
        sock.sendall(side.begin())
        theirs = shake_hands(sock, side, content)
        assert side.agreement is not None
        if method is not None:
            assert (side.agreement.sending is not None) == (method is Method.RC4)
    assert theirs.info_hash == content.info_hash
    assert theirs.peer_id.startswith(b"-LT")


@pytest.mark.parametrize(("told", "method"), LIBTORRENT_FORCED)
def test_libtorrent_that_insists_agrees_with_us_when_it_dials(
    content: Content, tmp_path: Path, told: str, method: Method | None
) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        listener.settimeout(SECONDS)
        peers = [f"127.0.0.1:{listener.getsockname()[1]}"]
        extra = ["--encryption", told]
        with libtorrent_fetch(content, tmp_path / "into", peers=peers, extra=extra):
            sock, _ = listener.accept()
            with sock:
                sock.settimeout(SECONDS)
                chance = os.urandom(RANDOM_BYTES)
                side = Responder([content.info_hash], BOTH, chance, takes_plain=False)
                theirs = shake_hands(sock, side, content)
                assert side.agreement is not None
                if method is not None:
                    assert (side.agreement.sending is not None) == (method is Method.RC4)
    assert theirs.info_hash == content.info_hash
    assert theirs.peer_id.startswith(b"-LT")


@pytest.mark.parametrize(
    ("we", "they"),
    [
        ("allow", "forced"),
        ("allow", "rc4"),
        ("allow", "off"),
        ("prefer", "forced"),
        ("prefer", "rc4"),
        ("prefer", "plain"),
        ("require", "rc4"),
        ("prefer", "off"),
        ("off", "off"),
    ],
)
def test_we_fetch_from_libtorrent_and_it_from_us_whatever_either_insists_on(
    content: Content, tmp_path: Path, we: str, they: str
) -> None:
    ours, theirs = ["--encryption", we], ["--encryption", they]
    with libtorrent_seed(content, extra=theirs) as seed:
        peers = [f"127.0.0.1:{seed.port}"]
        with own_fetch(content, tmp_path / "ours", peers=peers, extra=ours) as leech:
            leech.finish()
    content.assert_same_in(tmp_path / "ours")
    with (
        own_seed(content, extra=ours) as our_seed,
        libtorrent_fetch(
            content, tmp_path / "theirs", peers=[our_seed.address], extra=theirs
        ) as their_leech,
    ):
        their_leech.wait_until_done()
    content.assert_same_in(tmp_path / "theirs")


@pytest.mark.parametrize(("we", "they"), [("off", "rc4"), ("require", "off"), ("require", "plain")])
def test_we_do_not_fetch_from_libtorrent_where_one_insists_on_what_the_other_will_not(
    content: Content, tmp_path: Path, we: str, they: str
) -> None:
    with libtorrent_seed(content, extra=["--encryption", they]) as seed:
        extra = ["--encryption", we, "--stall-timeout", "2"]
        peers = [f"127.0.0.1:{seed.port}"]
        with own_fetch(content, tmp_path / "into", peers=peers, extra=extra) as leech:
            assert leech.process.wait(SECONDS) == 4
    assert not any(one["fetched_bytes"] for one in leech.events("progress"))


def test_a_machine_that_has_no_rc4_speaks_plainly(
    content: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRYPTOGRAPHY_OPENSSL_NO_LEGACY", "1")
    with libtorrent_seed(content) as seed:
        peers = [f"127.0.0.1:{seed.port}"]
        with own_fetch(content, tmp_path / "into", peers=peers) as leech:
            leech.finish()
    content.assert_same_in(tmp_path / "into")
    with (
        own_seed(content) as our_seed,
        own_fetch(content, tmp_path / "again", peers=[our_seed.address]) as leech,
    ):
        leech.finish()


@pytest.mark.parametrize("we", ["allow", "prefer", "require"])
def test_we_fetch_from_aria2_that_requires_encryption(
    content: Content, tmp_path: Path, we: str
) -> None:
    with aria2_seed(content, extra=ARIA2_REQUIRES) as port:
        peers, extra = [f"127.0.0.1:{port}"], ["--encryption", we]
        with own_fetch(content, tmp_path / "into", peers=peers, extra=extra) as leech:
            leech.finish()
    content.assert_same_in(tmp_path / "into")


@pytest.mark.parametrize("we", ["allow", "require"])
def test_aria2_that_requires_encryption_fetches_from_us(
    content: Content, tmp_path: Path, we: str
) -> None:
    with EmbeddedTracker() as tracker:
        tracked = content.naming(tracker.url)
        with (
            own_seed(tracked, extra=["--encryption", we]),
            aria2_fetch(tracked, tmp_path / "into", extra=ARIA2_REQUIRES) as leech,
        ):
            leech.wait_for_success()
    content.assert_same_in(tmp_path / "into")
