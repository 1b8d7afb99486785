"""Magnet links: the torrent itself comes from real clients, and they get it from us."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from actortorrent import Address, Magnet, Metainfo, parse_magnet
from tests.conftest import ContentMaker
from tests.content import Content
from tests.peers.aria2 import aria2_fetch, aria2_seed
from tests.peers.libtorrent import libtorrent_fetch, libtorrent_seed
from tests.peers.namespaces import Namespace
from tests.peers.opentracker import opentracker
from tests.peers.own import own_fetch, own_seed
from tests.peers.processes import wait_until
from tests.peers.transmission import transmission_fetch, transmission_seed

LOCALHOST = "127.0.0.1"


def with_long_metadata(content_maker: ContentMaker) -> Content:
    """Return content of many names: its info dictionary has four parts."""
    return content_maker({f"{number:03}-{'x' * 80}": 100 for number in range(400)})


def link_of(content: Content, *ports: int, files: tuple[tuple[int, int], ...] = ()) -> str:
    """Return a link that names peers on this machine, and no tracker."""
    plain = parse_magnet(Metainfo.from_file(content.torrent).magnet_link)
    peers = tuple(Address(LOCALHOST, port) for port in ports)
    return replace(plain, trackers=(), peers=peers, file_ranges=files).link


def test_the_torrent_and_its_content_come_from_two_of_libtorrent(
    content_maker: ContentMaker, tmp_path: Path
) -> None:
    content = with_long_metadata(content_maker)
    with ExitStack() as stack:
        seeds = [stack.enter_context(libtorrent_seed(content)) for _ in range(2)]
        link = link_of(content, *[seed.port for seed in seeds])
        save: list[str | Path] = ["--save-torrent", tmp_path]
        with own_fetch(content, tmp_path / "into", source=link, extra=save) as leech:
            leech.finish()
    content.assert_same_in(tmp_path / "into")
    saved = Metainfo.from_file(tmp_path / "content.torrent")
    assert saved.raw_info == Metainfo.from_file(content.torrent).raw_info
    (start,), (torrent,) = leech.events("start"), leech.events("torrent")
    assert (start["name"], start["file_count"]) == ("content", 0)
    assert (torrent["name"], torrent["file_count"]) == ("content", 400)
    assert torrent["source"] == str(tmp_path / "content.torrent")


def test_a_tracker_leads_to_the_torrent_and_to_its_content(
    content: Content, tmp_path: Path
) -> None:
    with opentracker(tmp_path / "tracker", [content.info_hash]) as tracker:
        tracked = content.naming(tracker.http_url)
        link = Magnet(content.info_hash, trackers=(tracker.http_url,)).link
        with libtorrent_seed(tracked, extra=["--trackers"]) as seed:
            tracker.wait_until_it_knows(content.info_hash, seed.process)
            with own_fetch(content, tmp_path / "into", source=link) as leech:
                leech.finish()
    content.assert_same_in(tmp_path / "into")


def test_the_link_says_which_files_unless_the_user_does(content: Content, tmp_path: Path) -> None:
    with libtorrent_seed(content) as seed:
        link = link_of(content, seed.port, files=((1, 1),))
        with own_fetch(content, tmp_path / "link", source=link) as leech:
            leech.finish()
        user = ["--select", "3"]
        with own_fetch(content, tmp_path / "user", source=link, extra=user) as leech:
            leech.finish()
    assert files_in(tmp_path / "link") == ["c.bin"]
    assert files_in(tmp_path / "user") == ["empty"]
    wanted = Path("content", "b", "c.bin")
    assert (tmp_path / "link" / wanted).read_bytes() == (content.folder / wanted).read_bytes()


def files_in(folder: Path) -> list[str]:
    return [path.name for path in (folder / "content").rglob("*") if path.is_file()]


def test_the_torrent_comes_from_aria2(content: Content, tmp_path: Path) -> None:
    with (
        aria2_seed(content) as port,
        own_fetch(content, tmp_path / "into", source=link_of(content, port)) as leech,
    ):
        leech.finish()
    content.assert_same_in(tmp_path / "into")


def test_the_torrent_comes_from_transmission(
    content: Content, tmp_path: Path, namespace: Namespace
) -> None:
    here, there, _ = namespace.hosts
    with (
        transmission_seed(content, host=there, namespace=namespace.name) as address,
        own_fetch(
            content,
            tmp_path / "into",
            peers=[address],
            host=here,
            namespace=namespace.name,
            source=content.info_hash.hex(),
            extra=["--list", "--no-portmap"],
        ) as leech,
    ):
        leech.process.wait_for_success()
    listed = [line.split()[-1] for line in leech.process.lines]
    assert listed == ["a.bin", "b/c.bin", "empty"]


def test_transmission_learns_the_torrent_from_us(
    content: Content, tmp_path: Path, namespace: Namespace
) -> None:
    here, there, _ = namespace.hosts
    link = Magnet(content.info_hash).link
    with (
        transmission_fetch(
            content, tmp_path, host=there, namespace=namespace.name, source=link
        ) as leech,
        own_seed(content, peers=[f"{there}:51413"], host=here, namespace=namespace.name),
    ):
        wait_until(lambda: is_kept_in(tmp_path, content), leech, "it knows the torrent")


def is_kept_in(folder: Path, content: Content) -> bool:
    """Return whether Transmission has the whole torrent: at first it keeps the link alone."""
    raw_info = Metainfo.from_file(content.torrent).raw_info
    kept = folder.glob(".transmission-*/torrents/*.torrent")
    return any(raw_info in path.read_bytes() for path in kept)


def test_libtorrent_fetches_from_us_by_our_link(
    content_maker: ContentMaker, tmp_path: Path
) -> None:
    content = with_long_metadata(content_maker)
    with own_seed(content) as seed:
        port = int(seed.address.rpartition(":")[2])
        extra = ["--magnet", link_of(content, port)]
        with libtorrent_fetch(content, tmp_path / "into", extra=extra) as leech:
            leech.process.wait_for_line('"event": "metadata"')
            leech.wait_until_done()
    content.assert_same_in(tmp_path / "into")


def test_aria2_fetches_from_us_by_a_link_and_a_tracker(content: Content, tmp_path: Path) -> None:
    with opentracker(tmp_path / "tracker", [content.info_hash]) as tracker:
        tracked = content.naming(tracker.http_url)
        link = Magnet(content.info_hash, trackers=(tracker.http_url,)).link
        with own_seed(tracked) as seed:
            tracker.wait_until_it_knows(content.info_hash, seed.process)
            with aria2_fetch(content, tmp_path / "into", source=link) as leech:
                leech.wait_for_success()
    content.assert_same_in(tmp_path / "into")


def test_we_fetch_from_us_by_the_info_hash_alone_encrypted(
    content: Content, tmp_path: Path
) -> None:
    require = ["--encryption", "require"]
    with (
        own_seed(content, extra=require) as seed,
        own_fetch(
            content,
            tmp_path / "into",
            source=content.info_hash.hex(),
            peers=[seed.address],
            extra=require,
        ) as leech,
    ):
        leech.finish()
    content.assert_same_in(tmp_path / "into")
