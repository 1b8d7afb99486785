from __future__ import annotations

import os
from pathlib import Path

import pytest

from actortorrent.actors.content_location import expected_paths, locate_content
from actortorrent.errors import StorageError
from actortorrent.wire.metainfo import Metainfo
from tests.actors.handmade_torrents import handmade
from tests.conftest import ContentMaker
from tests.content import Content

SIZES = {"a.bin": 1000, "sub/b.bin": 2000, "empty": 0}


@pytest.fixture
def content(content_maker: ContentMaker) -> Content:
    return content_maker(SIZES)


@pytest.fixture
def metainfo(content: Content) -> Metainfo:
    return Metainfo.from_file(content.torrent)


def test_the_folder_that_holds_the_content_will_do(content: Content, metainfo: Metainfo) -> None:
    found = locate_content(metainfo, content.folder)
    assert found.is_whole
    assert found.root == content.folder / "content"
    assert found.description.endswith("all 3 files have the right size")


def test_the_content_s_own_folder_will_do(content: Content, metainfo: Metainfo) -> None:
    found = locate_content(metainfo, content.folder / "content")
    assert found == locate_content(metainfo, content.folder)


def test_the_content_s_own_folder_may_have_any_name(content: Content, metainfo: Metainfo) -> None:
    renamed = (content.folder / "content").rename(content.folder / "renamed")
    found = locate_content(metainfo, renamed)
    assert found.is_whole
    assert found.root == renamed
    assert [str(path) for path in found.paths] == [
        "renamed/a.bin",
        "renamed/sub/b.bin",
        "renamed/empty",
    ]


def test_a_relative_folder_will_do(
    content: Content, metainfo: Metainfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(content.folder / "content")
    assert locate_content(metainfo, Path()).output == content.folder


def test_what_is_missing_or_of_another_size_is_named(content: Content, metainfo: Metainfo) -> None:
    (content.folder / "content/a.bin").unlink()
    os.truncate(content.folder / "content/sub/b.bin", 1999)
    for given in (content.folder, content.folder / "content"):
        found = locate_content(metainfo, given)
        assert found.missing == ("content/a.bin",)
        assert found.wrong_size == ("content/sub/b.bin",)
        assert found.description.endswith("1 of 3 files have the right size")


@pytest.mark.parametrize(("size", "said"), [(5000, "the right"), (4999, "another")])
def test_of_a_single_file_is_said_whether_its_size_is_right(
    size: int, said: str, content_maker: ContentMaker
) -> None:
    content = content_maker(5000)
    path = content.folder / content.files[0][0]
    os.truncate(path, size)
    found = locate_content(Metainfo.from_file(content.torrent), path)
    assert found.description == f"content is in {path}: the file has {said} size"


def test_links_and_pipes_count_as_missing(content: Content, metainfo: Metainfo) -> None:
    (content.folder / "content/a.bin").rename(content.folder / "elsewhere")
    (content.folder / "content/a.bin").symlink_to(content.folder / "elsewhere")
    (content.folder / "content/empty").unlink()
    os.mkfifo(content.folder / "content/empty")
    assert locate_content(metainfo, content.folder).missing == ("content/a.bin", "content/empty")


def test_one_file_is_found_by_its_folder_or_itself_under_any_name(
    content_maker: ContentMaker,
) -> None:
    content = content_maker(1000)
    metainfo = Metainfo.from_file(content.torrent)
    assert locate_content(metainfo, content.folder).is_whole
    renamed = (content.folder / "content").rename(content.folder / "other.iso")
    found = locate_content(metainfo, renamed)
    assert found.is_whole
    assert (found.output, found.root) == (content.folder, renamed)


def test_a_file_cannot_hold_many_files(content: Content, metainfo: Metainfo) -> None:
    with pytest.raises(StorageError, match="expected a folder, since the torrent has 3 files"):
        locate_content(metainfo, content.folder / "content" / "a.bin")


def test_a_folder_that_is_not_there_is_told(content: Content, metainfo: Metainfo) -> None:
    with pytest.raises(StorageError, match="nowhere: it is not there"):
        locate_content(metainfo, content.folder / "nowhere")


def test_names_that_we_would_change_are_found_as_they_are(tmp_path: Path) -> None:
    content = handmade(tmp_path, [("con.txt", 10, ""), ("x\\y/plain", 20, "")])
    metainfo = Metainfo.from_file(content.torrent)
    assert str(expected_paths(metainfo)[0]) == "content/_con.txt"
    found = locate_content(metainfo, tmp_path)
    assert found.is_whole
    assert [str(path) for path in found.paths] == ["content/con.txt", "content/x\\y/plain"]
    renamed = (tmp_path / "content").rename(tmp_path / "renamed")
    assert locate_content(metainfo, renamed).is_whole


def test_names_that_climb_are_never_looked_for(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(bytes(10))
    content = handmade(
        tmp_path / "seed", [("../../secret", 10, ""), ("ok", 1, "")], is_written=False
    )
    found = locate_content(Metainfo.from_file(content.torrent), tmp_path / "seed")
    assert [str(path) for path in found.paths] == ["content/secret", "content/ok"]
    assert len(found.missing) == 2


@pytest.mark.parametrize("name", [".actortorrent", ".ActorTorrent"])
def test_no_torrent_lies_in_the_folder_of_our_records(tmp_path: Path, name: str) -> None:
    content = handmade(tmp_path, [("x.resume", 10, "")], name=name, is_written=False)
    (path,) = expected_paths(Metainfo.from_file(content.torrent))
    assert str(path) == f"_{name}/x.resume"
