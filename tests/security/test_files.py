"""Nothing is written outside the output folder, whatever a torrent says and whatever lies there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha1
from pathlib import Path

import bencodepy
import pytest

from actortorrent.api import fetch as fetch_by_api
from actortorrent.errors import StorageError
from actortorrent.rules.selection import select_files
from actortorrent.wire.metainfo import Metainfo
from tests.conftest import ContentMaker
from tests.content import Content
from tests.peers.own import own_fetch
from tests.sessions.running import error_of, fetching
from tests.sessions.scripted_peer import ScriptedPeer

SIZES = {"a.bin": 100_000, "sub/b.bin": 100_000}
WAYS_OUT = [
    [b"..", b"..", b"escaped"],
    [b"/", b"escaped"],
    [b"/escaped"],
    [b"sub", b"..", b"..", b"..", b"escaped"],
    [b"..\\..\\escaped"],
    [b".", b"..", b"escaped"],
]

Trap = Callable[[Path, Path, str], None]


@pytest.fixture
def content(content_maker: ContentMaker) -> Content:
    return content_maker(SIZES, piece_length=64 * 1024)  # one piece is of both files


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """Return a folder with something of the user's in it, beside which downloads lie."""
    house = tmp_path / "house"
    (house / "private").mkdir(parents=True)
    (house / "private" / "diary.txt").write_text("mine")
    (house / "downloads").mkdir()
    return house


def seen(folder: Path) -> dict[str, bytes | None]:
    """Return all that is in a folder: the bytes of files by their path; None for folders."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def link_of_folder(path: str) -> Trap:
    def lay(output: Path, private: Path, _info_hash: str) -> None:
        (output / path).parent.mkdir(parents=True, exist_ok=True)
        (output / path).symlink_to(private)

    return lay


def link_of_file(path: str, target: str) -> Trap:
    def lay(output: Path, private: Path, info_hash: str) -> None:
        link = output / path.format(info_hash)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(private / target)

    return lay


IN_THE_WAY = {
    "the torrent's folder": link_of_folder("content"),
    "a folder in it": link_of_folder("content/sub"),
    "a file": link_of_file("content/a.bin", "diary.txt"),
    "a file, to nothing": link_of_file("content/sub/b.bin", "new.txt"),
    "our own folder": link_of_folder(".actortorrent"),
}
OURS = {
    "the record": link_of_file(".actortorrent/{}.resume", "diary.txt"),
    "the record, to nothing": link_of_file(".actortorrent/{}.resume", "new.txt"),
    "the record to come": link_of_file(".actortorrent/{}.resume.new", "diary.txt"),
    "the lock": link_of_file(".actortorrent/{}.lock", "diary.txt"),
    "the lock, to nothing": link_of_file(".actortorrent/{}.lock", "new.txt"),
}
PARTS = {
    "the parts file": link_of_file(".actortorrent/{}.parts", "diary.txt"),
    "the parts file, to nothing": link_of_file(".actortorrent/{}.parts", "new.txt"),
}


@pytest.mark.parametrize("trap", IN_THE_WAY.values(), ids=IN_THE_WAY)
def test_a_link_in_the_way_ends_the_fetch_and_is_not_followed(
    content: Content, house: Path, trap: Trap
) -> None:
    trap(house / "downloads", house / "private", content.info_hash.hex())
    with ScriptedPeer(content) as peer:
        error = error_of(fetching(content, house / "downloads", [peer]))
    assert isinstance(error, StorageError)
    assert "symbolic link" in str(error)
    assert seen(house / "private") == {"diary.txt": b"mine"}


@pytest.mark.parametrize("trap", OURS.values(), ids=OURS)
def test_a_link_in_place_of_what_we_keep_is_not_followed_and_content_comes_all_the_same(
    content: Content, house: Path, trap: Trap
) -> None:
    trap(house / "downloads", house / "private", content.info_hash.hex())
    with (
        ScriptedPeer(content) as peer,
        fetching(content, house / "downloads", [peer]) as session,
    ):
        session.finish_whole()
    assert seen(house / "private") == {"diary.txt": b"mine"}


@pytest.mark.parametrize("trap", PARTS.values(), ids=PARTS)
def test_a_link_in_place_of_the_parts_file_is_not_followed(
    content: Content, house: Path, trap: Trap
) -> None:
    trap(house / "downloads", house / "private", content.info_hash.hex())
    first = select_files(Metainfo.from_file(content.torrent).files, numbers="1", globs=())
    with ScriptedPeer(content) as peer:
        error = error_of(fetching(content, house / "downloads", [peer], selected_files=first))
    assert "symbolic link" in str(error)
    assert seen(house / "private") == {"diary.txt": b"mine"}


def test_the_output_folder_and_what_leads_to_it_may_be_links_of_the_user(
    content: Content, house: Path
) -> None:
    (house / "disk").mkdir()
    (house / "way").symlink_to(house / "disk")
    (house / "disk" / "output").symlink_to(house / "downloads")
    with (
        ScriptedPeer(content) as peer,
        fetching(content, house / "way" / "output", [peer]) as session,
    ):
        session.finish_whole()
    content.assert_same_in(house / "downloads")


def test_another_name_of_a_file_is_that_file(content: Content, house: Path) -> None:
    """A hard link is no link that could be told from a file: who makes one means it."""
    (house / "downloads" / "content").mkdir()
    other = house / "private" / "copy.bin"
    shutil.copy(content.folder / "content" / "a.bin", other)
    os.link(other, house / "downloads" / "content" / "a.bin")
    before = other.read_bytes()
    with (
        ScriptedPeer(content) as peer,
        fetching(content, house / "downloads", [peer]) as session,
    ):
        session.finish_whole()
    assert other.read_bytes() == before
    assert other.stat().st_nlink == 2


def climbing(content: Content, path: list[bytes], name: bytes) -> Content:
    """Return the same content with a torrent that calls its second file by a way out."""
    metainfo = bencodepy.decode(content.torrent.read_bytes())
    metainfo[b"info"][b"name"] = name
    metainfo[b"info"][b"files"][1][b"path"] = path
    torrent = content.torrent.with_name("climbing.torrent")
    torrent.write_bytes(bencodepy.encode(metainfo))
    return replace(
        content, torrent=torrent, info_hash=sha1(bencodepy.encode(metainfo[b"info"])).digest()
    )


@pytest.mark.parametrize("path", WAYS_OUT, ids=lambda path: str(b"/".join(path)))
@pytest.mark.parametrize("name", [b"content", b"..", b"/"])
def test_what_a_torrent_calls_its_files_leads_out_of_no_folder(
    content: Content, house: Path, path: list[bytes], name: bytes
) -> None:
    evil = climbing(content, path, name)
    before = {name: made for name, made in seen(house).items() if "downloads" not in name}
    with ScriptedPeer(evil) as peer:
        fetch_by_api(
            evil.torrent,
            output=house / "downloads",
            peers=[peer.address],
            bind="127.0.0.1",
            port=0,
            maps_port=False,
            use_dht=False,
        )
    after = seen(house)
    assert {name: made for name, made in after.items() if "downloads" not in name} == before
    wanted = [(content.folder / path).read_bytes() for path, _ in content.files]
    assert sorted(made for made in after.values() if made and len(made) == 100_000) == sorted(
        wanted
    )
    assert not Path("/escaped").exists()


def test_a_fetch_changes_nothing_else_in_the_users_house(content: Content, house: Path) -> None:
    """Also as a process with all of its defaults; what the DHT knows is kept among the caches."""
    for name in ("home", "cache", "temp"):
        (house / name).mkdir()
    before = seen(house)
    where = {"HOME": "home", "XDG_CACHE_HOME": "cache", "TMPDIR": "temp"}
    environment = {name: str(house / folder) for name, folder in where.items()}
    with ScriptedPeer(content) as peer, pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        with own_fetch(content, house / "downloads", peers=[str(peer.address)]) as leech:
            leech.finish()
    content.assert_same_in(house / "downloads")
    made = seen(house).keys() - before.keys()
    kept = {name for name in made if not name.startswith("downloads/")}
    assert kept <= {"cache/actortorrent", "cache/actortorrent/dht.nodes"}
