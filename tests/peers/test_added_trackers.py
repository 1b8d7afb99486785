"""Trackers that the user adds, real ones: to a link that names none, and to a torrent of the dead."""

from __future__ import annotations

from pathlib import Path

import pytest

from actortorrent import Magnet
from tests.content import Content
from tests.peers.libtorrent import libtorrent_seed
from tests.peers.opentracker import opentracker
from tests.peers.own import own_fetch, own_seed
from tests.peers.processes import free_port


@pytest.mark.parametrize("scheme", ["http", "udp"])
def test_a_link_without_trackers_is_fetched_by_one_that_is_added(
    content: Content, tmp_path: Path, scheme: str
) -> None:
    with opentracker(tmp_path / "tracker", [content.info_hash]) as tracker:
        tracked = content.naming(tracker.http_url)
        url = tracker.http_url if scheme == "http" else tracker.udp_url
        link = Magnet(content.info_hash).link
        with libtorrent_seed(tracked, extra=["--trackers"]) as seed:
            tracker.wait_until_it_knows(content.info_hash, seed.process)
            added = ["--tracker", url]
            with own_fetch(content, tmp_path / "into", source=link, extra=added) as leech:
                leech.finish()
    content.assert_same_in(tmp_path / "into")


def test_of_a_torrent_whose_trackers_are_dead_two_of_ours_meet_at_one_that_both_add(
    content: Content, tmp_path: Path
) -> None:
    dead = content.naming(f"http://127.0.0.1:{free_port()}/announce")
    with opentracker(tmp_path / "tracker", [content.info_hash]) as tracker:
        added = ["--tracker", tracker.http_url]
        with own_seed(dead, extra=added) as seed:
            tracker.wait_until_it_knows(content.info_hash, seed.process)
            with own_fetch(dead, tmp_path / "into", extra=[*added, "--no-trackers"]) as leech:
                leech.finish()
    content.assert_same_in(tmp_path / "into")


def test_a_private_torrent_gets_none(content: Content, tmp_path: Path) -> None:
    added = ["--tracker", f"http://127.0.0.1:{free_port()}/announce"]
    with own_fetch(content.made_private(), tmp_path / "into", extra=added) as leech:
        assert leech.process.wait() == 2
    assert any("it is private" in line for line in leech.process.lines)
