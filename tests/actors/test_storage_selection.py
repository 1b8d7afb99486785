from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from actortorrent.actors.content_reader import ContentReader
from tests.actors.handmade_torrents import handmade
from tests.actors.storage_fakes import StorageUnderTest
from tests.content import Content

# Pieces of 64 KiB:  0 a | 1 a, b | 2 b | 3 b, c | 4 c, d, e
FILES = [("a", 100_000, ""), ("b", 100_000, ""), ("c", 100_000, ""), ("d", 10, ""), ("e", 0, "")]
A, B, C, D, E = range(5)


@pytest.fixture
def content(tmp_path: Path) -> Content:
    return handmade(tmp_path / "seed", FILES)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "content").iterdir())


def fetch_selected(content: Content, output: Path, selected: set[int]) -> StorageUnderTest:
    """Fetch what is lacking of some files, and stop in order."""
    storage = StorageUnderTest(content, output, selected=selected)
    verified = storage.check()
    lacking = storage.wanted() & ~verified
    storage.store_pieces(i for i in range(content.piece_count) if lacking >> i & 1)
    storage.stop()
    return storage


def test_only_pieces_of_selected_files_are_wanted(content: Content, tmp_path: Path) -> None:
    for selected, wanted in (({A}, 0b00011), ({B}, 0b01110), ({D}, 0b10000), ({E}, 0)):
        storage = StorageUnderTest(content, tmp_path, selected=selected)
        assert storage.wanted() == wanted
        storage.stop()


def test_unselected_files_are_not_created(content: Content, tmp_path: Path) -> None:
    storage = fetch_selected(content, tmp_path, {B, E})
    assert storage.verified() == [1, 2, 3]
    assert names_in(tmp_path) == ["b", "e"]
    assert (tmp_path / "content/b").read_bytes() == (content.folder / "content/b").read_bytes()


def test_pieces_at_the_edge_are_found_again_and_can_be_served(
    content: Content, tmp_path: Path
) -> None:
    fetch_selected(content, tmp_path, {B})
    storage = StorageUnderTest(content, tmp_path, selected={B})
    assert storage.check() == 0b01110
    assert storage.actor._plan.to_check == 0
    with ContentReader(storage.layout) as reader:
        for index in (1, 2, 3):
            size = storage.geometry.piece_size(index)
            assert reader.read(index, 0, size) == storage.piece(index)
    storage.stop()


def test_edges_are_checked_where_no_record_can_be_believed(
    content: Content, tmp_path: Path
) -> None:
    fetch_selected(content, tmp_path, {B})
    (record,) = (tmp_path / ".actortorrent").glob("*.resume")
    record.unlink()
    storage = StorageUnderTest(content, tmp_path, selected={B})
    assert storage.check() == 0b01110
    storage.stop()


def test_a_lost_parts_file_is_noticed(content: Content, tmp_path: Path) -> None:
    fetch_selected(content, tmp_path, {B})
    (parts,) = (tmp_path / ".actortorrent").glob("*.parts")
    parts.unlink()
    storage = StorageUnderTest(content, tmp_path, selected={B})
    assert storage.check() == 0b00100
    storage.stop()


@pytest.mark.parametrize("selected", [{A}, {C}, {D}, {B, D}])
def test_files_selected_later_take_what_is_there_of_them(
    content: Content, tmp_path: Path, selected: set[int]
) -> None:
    fetch_selected(content, tmp_path, selected)
    storage = fetch_selected(content, tmp_path, {A, B, C, D, E})
    wanted_first = StorageUnderTest(content, tmp_path, selected=selected)
    fetched_first = wanted_first.wanted()
    wanted_first.stop()
    assert storage.verified() == [i for i in range(5) if not fetched_first >> i & 1]
    content.assert_same_in(tmp_path)
    assert list((tmp_path / ".actortorrent").glob("*.parts")) == []


def test_a_file_that_is_there_is_used_though_it_is_not_selected(
    content: Content, tmp_path: Path
) -> None:
    (tmp_path / "content").mkdir()
    shutil.copy(content.folder / "content/a", tmp_path / "content/a")
    storage = fetch_selected(content, tmp_path, {B})
    assert storage.manager.all("content_checked") == [(0b00001,)]
    assert names_in(tmp_path) == ["a", "b"]
    assert (tmp_path / "content/a").read_bytes() == (content.folder / "content/a").read_bytes()


def test_deselecting_keeps_what_is_there(content: Content, tmp_path: Path) -> None:
    fetch_selected(content, tmp_path, {A, B, C, D, E})
    storage = StorageUnderTest(content, tmp_path, selected={C})
    assert storage.check() == 0b11111
    storage.stop()
    content.assert_same_in(tmp_path)


def test_an_edge_may_come_in_runs(content: Content, tmp_path: Path) -> None:
    storage = StorageUnderTest(content, tmp_path, selected={B})
    storage.check()
    for run in storage.runs(1, 1)[::-1]:
        storage.store(run)
    storage.stop()
    assert storage.verified() == [1]


def test_padding_is_zeros_that_lie_in_no_file(tmp_path: Path) -> None:
    files = [("a", 1000, ""), (".pad/64536", 64_536, "p"), ("b", 70_000, ""), (".pad/9", 9, "p")]
    content = handmade(tmp_path / "seed", files)
    storage = StorageUnderTest(content, tmp_path / "output")
    assert storage.check() == 0
    storage.store_pieces([0, 2])
    for run in storage.runs(1, 2):
        storage.store(run)
    with ContentReader(storage.layout) as reader:
        assert reader.read(0, 0, 65_536) == storage.piece(0)
    storage.stop()
    content.assert_same_in(tmp_path / "output")
    assert names_in(tmp_path / "output") == ["a", "b"]
    shutil.rmtree(tmp_path / "output" / ".actortorrent")
    again = StorageUnderTest(content, tmp_path / "output", selected={0, 1, 2, 3})
    assert again.check() == 0b111
    again.stop()
