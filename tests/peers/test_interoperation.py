"""Our client fetches from real clients, and they from ours; every byte is compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from actortorrent.lab.tracker import EmbeddedTracker
from tests.content import Content
from tests.peers.aria2 import aria2_fetch, aria2_seed
from tests.peers.libtorrent import libtorrent_fetch, libtorrent_seed
from tests.peers.namespaces import Namespace
from tests.peers.opentracker import opentracker
from tests.peers.own import own_fetch, own_seed
from tests.peers.transmission import (
    transmission_fetch,
    transmission_seed,
    wait_until_transmission_is_done,
)


def test_we_fetch_from_libtorrent(content: Content, tmp_path: Path) -> None:
    with (
        libtorrent_seed(content) as seed,
        own_fetch(content, tmp_path / "into", peers=[f"127.0.0.1:{seed.port}"]) as leech,
    ):
        done = leech.finish()
    content.assert_same_in(tmp_path / "into")
    assert done["fetched_bytes"] == content.total_length


def test_we_fetch_from_aria2(content: Content, tmp_path: Path) -> None:
    with (
        aria2_seed(content) as port,
        own_fetch(content, tmp_path / "into", peers=[f"127.0.0.1:{port}"]) as leech,
    ):
        leech.finish()
    content.assert_same_in(tmp_path / "into")


def test_we_fetch_from_transmission(content: Content, tmp_path: Path, namespace: Namespace) -> None:
    here, there, _ = namespace.hosts
    with (
        transmission_seed(content, host=there, namespace=namespace.name) as address,
        own_fetch(
            content, tmp_path / "into", peers=[address], host=here, namespace=namespace.name
        ) as leech,
    ):
        leech.finish()
    content.assert_same_in(tmp_path / "into")


def test_libtorrent_fetches_from_us(content: Content, tmp_path: Path) -> None:
    with (
        own_seed(content) as seed,
        libtorrent_fetch(content, tmp_path / "into", peers=[seed.address]) as leech,
    ):
        leech.wait_until_done()
    content.assert_same_in(tmp_path / "into")


def test_aria2_fetches_from_us(content: Content, tmp_path: Path) -> None:
    with EmbeddedTracker() as tracker:
        tracked = content.naming(tracker.url)
        with own_seed(tracked), aria2_fetch(tracked, tmp_path / "into") as leech:
            leech.wait_for_success()
    content.assert_same_in(tmp_path / "into")


def test_transmission_fetches_from_us(
    content: Content, tmp_path: Path, namespace: Namespace
) -> None:
    here, there, _ = namespace.hosts
    with (
        transmission_fetch(
            content, tmp_path / "into", host=there, namespace=namespace.name
        ) as leech,
        own_seed(content, peers=[f"{there}:51413"], host=here, namespace=namespace.name),
    ):
        wait_until_transmission_is_done(leech)
    content.assert_same_in(tmp_path / "into", but={"empty"})  # it makes no empty files


@pytest.mark.parametrize("scheme", ["http", "udp"])
def test_opentracker_brings_us_together(content: Content, tmp_path: Path, scheme: str) -> None:
    with opentracker(tmp_path / "tracker", [content.info_hash]) as tracker:
        tracked = content.naming(tracker.http_url if scheme == "http" else tracker.udp_url)
        with own_seed(tracked) as seed:
            tracker.wait_until_it_knows(content.info_hash, seed.process)
            with own_fetch(tracked, tmp_path / "into") as leech:
                leech.finish()
    content.assert_same_in(tmp_path / "into")
