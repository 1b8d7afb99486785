"""The real clients work with each other: what fails with ours then is our fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.content import Content
from tests.peers.aria2 import aria2_fetch, aria2_seed
from tests.peers.libtorrent import libtorrent_fetch, libtorrent_seed
from tests.peers.opentracker import opentracker


def test_libtorrent_fetches_from_libtorrent(content: Content, tmp_path: Path) -> None:
    with libtorrent_seed(content) as seed:
        peers = [f"127.0.0.1:{seed.port}"]
        with libtorrent_fetch(content, tmp_path / "into", peers=peers) as leech:
            leech.wait_until_done()
    content.assert_same_in(tmp_path / "into")


def test_libtorrent_fetches_from_aria2(content: Content, tmp_path: Path) -> None:
    with aria2_seed(content) as port:
        peers = [f"127.0.0.1:{port}"]
        with libtorrent_fetch(content, tmp_path / "into", peers=peers) as leech:
            leech.wait_until_done()
    content.assert_same_in(tmp_path / "into")


@pytest.mark.parametrize("scheme", ["http", "udp"])
def test_aria2_fetches_from_libtorrent_through_opentracker(
    content: Content, tmp_path: Path, scheme: str
) -> None:
    with opentracker(tmp_path / "tracker", [content.info_hash]) as tracker:
        tracked = content.naming(tracker.http_url if scheme == "http" else tracker.udp_url)
        with (
            libtorrent_seed(tracked, extra=["--trackers"]),
            aria2_fetch(content.naming(tracker.http_url), tmp_path / "into") as leech,
        ):
            leech.wait_for_success()
    content.assert_same_in(tmp_path / "into")
