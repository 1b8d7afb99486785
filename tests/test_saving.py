"""`--save-torrent`: the file says all that is known, and lies where the user said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from actortorrent.errors import StorageError, UsageError
from actortorrent.saving import check_target, save_torrent
from actortorrent.wire.metainfo import Metainfo
from tests.conftest import ContentMaker


@pytest.fixture
def metainfo(content_maker: ContentMaker) -> Metainfo:
    trackers = ("http://tracker.example/announce", "udp://other.example:6969")
    return Metainfo.from_file(content_maker(1000, trackers=trackers).torrent)


def test_what_is_saved_is_the_same_torrent(metainfo: Metainfo, tmp_path: Path) -> None:
    path = save_torrent(metainfo, tmp_path / "mine.torrent")
    assert path == tmp_path / "mine.torrent"
    assert Metainfo.from_file(path) == metainfo


def test_in_a_folder_it_has_its_own_name(metainfo: Metainfo, tmp_path: Path) -> None:
    assert save_torrent(metainfo, tmp_path) == tmp_path / "content.torrent"


@pytest.mark.parametrize("name", ["../../evil", "/etc/evil", "..", "a\\b", "x" * 300, "nul", "\n"])
def test_no_name_leads_out_of_the_folder(metainfo: Metainfo, tmp_path: Path, name: str) -> None:
    (tmp_path / "into").mkdir()
    path = save_torrent(replace(metainfo, name=name), tmp_path / "into")
    assert path.parent == tmp_path / "into"
    assert [one.name for one in (tmp_path / "into").iterdir()] == [path.name]
    assert path.is_file()


def test_a_file_that_is_this_torrent_already_stays(metainfo: Metainfo, tmp_path: Path) -> None:
    path = save_torrent(replace(metainfo, comment="the user's own"), tmp_path)
    assert save_torrent(metainfo, tmp_path) == path
    assert Metainfo.from_file(path).comment == "the user's own"


@pytest.mark.parametrize("is_link", [False, True])
def test_anything_else_that_is_there_stays(
    metainfo: Metainfo, tmp_path: Path, *, is_link: bool
) -> None:
    target = tmp_path / "letter.txt"
    (tmp_path / "far.txt").write_text("dear")
    if is_link:
        target.symlink_to(tmp_path / "far.txt")
    else:
        target.write_text("dear")
    with pytest.raises(UsageError, match="is not this torrent"):
        save_torrent(metainfo, target)
    assert target.read_text() == "dear"


def test_a_folder_that_is_not_there_is_told_before_anything_is_fetched(tmp_path: Path) -> None:
    check_target(tmp_path)
    check_target(tmp_path / "new.torrent")
    with pytest.raises(StorageError, match="cannot write into"):
        check_target(tmp_path / "missing" / "new.torrent")
