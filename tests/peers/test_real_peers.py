"""The real clients work with each other: what fails with ours then is our fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.content import Content
from tests.peers.aria2 import aria2_fetch, aria2_seed
from tests.peers.libtorrent import libtorrent_fetch, libtorrent_seed
from tests.peers.namespaces import Namespace
from tests.peers.opentracker import opentracker
from tests.peers.transmission import (
    transmission_fetch,
    transmission_seed,
    wait_until_transmission_is_done,
)


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


def test_transmission_fetches_from_libtorrent(
    content: Content, tmp_path: Path, namespace: Namespace
) -> None:
    here, there, _ = namespace.hosts
    with transmission_fetch(
        content, tmp_path / "into", host=there, namespace=namespace.name
    ) as leech:
        dial = ["--peer", f"{there}:51413"]
        with libtorrent_seed(content, host=here, namespace=namespace.name, extra=dial):
            wait_until_transmission_is_done(leech)
    content.assert_same_in(tmp_path / "into", but={"empty"})  # it makes no empty files


def test_libtorrent_fetches_from_transmission(
    content: Content, tmp_path: Path, namespace: Namespace
) -> None:
    here, there, _ = namespace.hosts
    with (
        transmission_seed(content, host=there, namespace=namespace.name) as address,
        libtorrent_fetch(
            content, tmp_path / "into", host=here, namespace=namespace.name, peers=[address]
        ) as leech,
    ):
        leech.wait_until_done()
    content.assert_same_in(tmp_path / "into")
