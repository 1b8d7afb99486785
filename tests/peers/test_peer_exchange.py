"""Peers that tell each other of others: BEP 11."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from actortorrent.tracing.events import WIRE_RECEIVED, WIRE_SENT
from actortorrent.tracing.reader import TraceFile
from tests.conftest import ContentMaker
from tests.content import Content
from tests.peers.libtorrent import libtorrent_fetch, libtorrent_seed
from tests.peers.own import own_fetch, own_seed

SLOW = ["--down", "100K"]


@pytest.fixture
def content(content_maker: ContentMaker) -> Content:
    return content_maker(5_000_000)


def at(port: int) -> str:
    return f"127.0.0.1:{port}"


def test_of_three_of_libtorrent_we_are_told_one_and_meet_all(
    content: Content, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        limited = ["--up", "100000", "--slots", "8"]
        first = stack.enter_context(libtorrent_seed(content, extra=limited))
        for name in ("b", "c"):
            other = libtorrent_fetch(content, tmp_path / name, peers=[at(first.port)])
            stack.enter_context(other)
        ours = stack.enter_context(
            own_fetch(content, tmp_path / "ours", peers=[at(first.port)], extra=SLOW)
        )
        ours.process.wait_for_line(r'"peers_connected": 3')
        ours.interrupt()


def test_libtorrent_fetches_from_one_that_only_we_know_of(content: Content, tmp_path: Path) -> None:
    with ExitStack() as stack:
        seed = stack.enter_context(libtorrent_seed(content))
        leech = stack.enter_context(libtorrent_fetch(content, tmp_path / "theirs"))
        stack.enter_context(
            own_fetch(
                content,
                tmp_path / "ours",
                peers=[at(seed.port), at(leech.port)],
                extra=[*SLOW, "--upload-slots", "0"],
            )
        )
        leech.wait_until_done()
    content.assert_same_in(tmp_path / "theirs")


@pytest.mark.parametrize("is_private", [True, False])
def test_of_a_private_torrent_it_is_not_even_offered(
    content_maker: ContentMaker, tmp_path: Path, is_private: bool
) -> None:
    content = content_maker(300_000)
    torrent = content.made_private() if is_private else content
    trace = tmp_path / "own.trace"
    with (
        own_seed(torrent) as seed,
        own_fetch(
            torrent, tmp_path / "into", peers=[seed.address], extra=["--trace", trace]
        ) as leech,
    ):
        leech.finish()
    greetings = [one for one in extended(trace) if "handshake of" in one]
    assert len(greetings) == 2
    assert all(("ut_pex" in one) is not is_private for one in greetings)
    assert not (is_private and any("exchange of peers" in one for one in extended(trace)))


def extended(trace: Path) -> list[str]:
    """Return what the messages of extensions said, both ways."""
    with TraceFile(trace) as file:
        return [
            event.data["fields"]["says"]
            for event in file.events()
            if event.name in (WIRE_SENT, WIRE_RECEIVED) and event.data["type"] == "extended"
        ]
