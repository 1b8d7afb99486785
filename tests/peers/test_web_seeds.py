"""Content from a real web server: nginx, alone and beside libtorrent (BEP 19)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from actortorrent.options import SessionOptions
from actortorrent.rules.encryption import Encryption
from actortorrent.rules.web_seeds import MOST_ASKED
from actortorrent.session import Session
from actortorrent.wire.addresses import Address
from actortorrent.wire.magnet import Magnet
from tests.actors.handmade_torrents import handmade
from tests.conftest import ContentMaker
from tests.content import Content
from tests.peers.libtorrent import libtorrent_seed
from tests.peers.nginx import Nginx, nginx
from tests.peers.proxies import microsocks, tinyproxy
from tests.sessions.running import fetching
from tests.sessions.web_server import with_web_seeds

PIECE = 64 * 1024


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return the folder that nginx serves, still empty."""
    folder = tmp_path / "served"
    folder.mkdir()
    return folder


@pytest.fixture
def server(tmp_path: Path, root: Path) -> Iterator[Nginx]:
    """Return an nginx that serves `root`."""
    with nginx(tmp_path / "nginx", root) as running:
        yield running


def served(content: Content, root: Path, *urls: str) -> Content:
    """Put content where nginx serves it, and return it with a torrent that says so."""
    (root / content.name).symlink_to(content.folder / content.name)
    return with_web_seeds(content, *urls)


class TestAlone:
    def test_one_file(
        self, content_maker: ContentMaker, tmp_path: Path, root: Path, server: Nginx
    ) -> None:
        content = served(content_maker(3_000_000, name="a b.iso"), root, server.url)
        with fetching(content, tmp_path / "into") as session:
            summary = session.finish_whole()
        assert summary.progress.fetched_bytes == content.total_length
        assert {line.split()[-2] for line in server.requests()} == {"206"}

    def test_one_file_by_its_own_url(
        self, content_maker: ContentMaker, tmp_path: Path, root: Path, server: Nginx
    ) -> None:
        content = served(content_maker(500_000), root, f"{server.url}content?from=a-mirror")
        with fetching(content, tmp_path / "into") as session:
            session.finish_whole()

    @pytest.mark.parametrize("piece_length", [16 * 1024, PIECE, 1024 * 1024])
    def test_many_files_some_empty_with_names_of_all_kinds(
        self,
        content_maker: ContentMaker,
        tmp_path: Path,
        root: Path,
        server: Nginx,
        piece_length: int,
    ) -> None:
        names = ["a", "50%/#1 ?.bin", "ü/日本語 & +.txt", "sub/sub/c;d=e"]
        sizes = {name: 300_000 + index for index, name in enumerate(names)}
        sizes |= {"empty": 0, "one byte": 1, "sub/empty": 0}
        content = served(content_maker(sizes, piece_length=piece_length), root, server.url)
        with fetching(content, tmp_path / "into") as session:
            session.finish_whole()

    def test_padding_is_not_asked_for(self, tmp_path: Path, root: Path, server: Nginx) -> None:
        files = [
            ("a", 100_000, ""),
            (".pad/31072", 2 * PIECE - 100_000, "p"),
            ("b", 70_000, ""),
            (".pad/61072", 2 * PIECE - 70_000, "p"),
            ("c", 5, ""),
        ]
        content = served(handmade(tmp_path / "made", files), root, server.url)
        with fetching(content, tmp_path / "into") as session:
            session.finish()
        for name in ("a", "b", "c"):
            there = (tmp_path / "into" / "content" / name).read_bytes()
            assert there == (content.folder / "content" / name).read_bytes()
        assert not any(".pad" in line for line in server.requests())

    def test_a_file_is_fetched_by_few_requests(
        self, content_maker: ContentMaker, tmp_path: Path, root: Path, server: Nginx
    ) -> None:
        content = content_maker(32 * 1024 * 1024, piece_length=1024 * 1024)
        with fetching(
            served(content, root, server.url), tmp_path / "into", is_sequential=True
        ) as session:
            session.finish_whole()
        assert len(server.requests()) <= 24, "more than a MiB each"

    def test_redirects_to_another_host_are_followed(
        self,
        content_maker: ContentMaker,
        tmp_path: Path,
        root: Path,
        server: Nginx,
    ) -> None:
        files = content_maker({"a": 400_000, "b c": 300_000})
        with fetching(served(files, root, f"{server.url}moved/"), tmp_path / "into") as session:
            session.finish_whole()
        assert any(line.split()[-2] == "302" for line in server.requests())


def test_of_many_web_seeds_one_that_serves_is_found(
    content_maker: ContentMaker, tmp_path: Path, root: Path, server: Nginx
) -> None:
    dead = [f"{server.url}nowhere-{number}/" for number in range(3 * MOST_ASKED)]
    content = served(content_maker(3_000_000), root, *dead, server.url)
    with fetching(content, tmp_path / "into") as session:
        session.finish_whole()
    statuses = [line.split()[-2] for line in server.requests()]
    assert statuses.count("404") == len(dead)
    assert set(statuses) == {"404", "206"}


def test_beside_a_peer_both_give_their_share(
    content_maker: ContentMaker, tmp_path: Path, root: Path, server: Nginx
) -> None:
    content = served(content_maker(24 * 1024 * 1024, piece_length=256 * 1024), root, server.url)
    with libtorrent_seed(content, extra=["--up", str(8 * 1024 * 1024)]) as seed:
        peer = Address("127.0.0.1", seed.port)
        limit = 16 * 1024 * 1024
        with fetching(content, tmp_path / "into", [peer], download_limit=limit) as session:
            summary = session.finish_whole()
    from_server = sum(int(line.split()[-1]) for line in server.requests())
    assert 0 < from_server < summary.progress.fetched_bytes


def test_a_magnet_link_may_name_a_web_seed(
    content_maker: ContentMaker, tmp_path: Path, root: Path, server: Nginx
) -> None:
    content = served(content_maker(6 * 1024 * 1024), root)
    with libtorrent_seed(content, extra=["--up", str(1024 * 1024)]) as seed:
        peer = Address("127.0.0.1", seed.port)
        link = Magnet(content.info_hash, web_seeds=(server.url,), peers=(peer,))
        options = SessionOptions(
            output=tmp_path / "into",
            port=0,
            bind="127.0.0.1",
            maps_port=False,
            use_dht=False,
            use_local_discovery=False,
            encryption=Encryption.OFF,
            stall_timeout_seconds=10,
        )
        assert Session(link, options).run().is_complete
    content.assert_same_in(tmp_path / "into")
    assert server.requests()


class TestProxies:
    def test_a_web_seed_is_asked_through_a_socks_proxy(
        self, content_maker: ContentMaker, tmp_path: Path, root: Path, server: Nginx
    ) -> None:
        content = served(content_maker(300_000), root, server.url)
        with microsocks() as proxy, fetching(content, tmp_path / "into", proxy=proxy) as session:
            session.finish_whole()

    def test_a_web_seed_is_asked_through_an_http_proxy(
        self, content_maker: ContentMaker, tmp_path: Path, root: Path, server: Nginx
    ) -> None:
        content = served(content_maker(300_000), root, server.url)
        with (
            tinyproxy(tmp_path) as proxy,
            fetching(content, tmp_path / "into", proxy=proxy) as session,
        ):
            session.finish_whole()
        assert all("tinyproxy" in line for line in server.requests())
