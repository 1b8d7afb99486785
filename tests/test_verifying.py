from __future__ import annotations

import os
from pathlib import Path

import pytest

from actortorrent.errors import StorageError
from actortorrent.verifying import FileState, Verification, verify_content
from actortorrent.wire.metainfo import Metainfo
from tests.conftest import ContentMaker
from tests.content import Content

# Pieces of 64 KiB: a.bin 0-4, b.bin 4-7, empty, c.bin 7-8
SIZES = {"a.bin": 300_000, "b.bin": 200_001, "empty": 0, "c.bin": 70_000}


@pytest.fixture
def content(content_maker: ContentMaker) -> Content:
    return content_maker(SIZES)


def verify(content: Content) -> Verification:
    return verify_content(Metainfo.from_file(content.torrent), content.folder)


def states(found: Verification) -> dict[str, FileState]:
    return {Path(file.path).name: file.state for file in found.files}


def damage(path: Path, offset: int) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)


def test_content_that_is_right_is_right(content: Content) -> None:
    found = verify(content)
    assert found.is_right
    assert found.bad_pieces == ()


def test_nothing_is_written(content: Content) -> None:
    before = sorted(content.folder.rglob("*"))
    verify(content)
    assert sorted(content.folder.rglob("*")) == before


def test_damage_is_found_in_the_file_and_the_piece_where_it_is(content: Content) -> None:
    damage(content.folder / "content/b.bin", 100_000)
    found = verify(content)
    assert found.bad_pieces == (6,)
    (bad,) = (file for file in found.files if file.state is not FileState.RIGHT)
    assert (Path(bad.path).name, bad.state, bad.pieces) == ("b.bin", FileState.DAMAGED, (6,))


def test_a_neighbour_of_a_missing_file_is_not_proven(content: Content) -> None:
    (content.folder / "content/b.bin").unlink()
    found = verify(content)
    assert found.bad_pieces == (4, 5, 6, 7)
    assert states(found) == {
        "a.bin": FileState.UNPROVEN,
        "b.bin": FileState.MISSING,
        "empty": FileState.RIGHT,
        "c.bin": FileState.UNPROVEN,
    }


def test_a_damaged_neighbour_of_a_missing_file_is_damaged(content: Content) -> None:
    (content.folder / "content/b.bin").unlink()
    damage(content.folder / "content/a.bin", 0)
    (file, *_) = verify(content).files
    assert (file.state, file.pieces) == (FileState.DAMAGED, (0,))


def test_a_missing_empty_file_is_missing(content: Content) -> None:
    (content.folder / "content/empty").unlink()
    found = verify(content)
    assert states(found)["empty"] is FileState.MISSING
    assert not found.is_right
    assert found.bad_pieces == ()


def test_a_file_that_is_too_long_is_of_the_wrong_size(content: Content) -> None:
    with (content.folder / "content/c.bin").open("ab") as file:
        file.write(b"more")
    found = verify(content)
    assert states(found)["c.bin"] is FileState.WRONG_SIZE
    assert found.bad_pieces == ()


def test_a_file_that_is_too_short_is_of_the_wrong_size(content: Content) -> None:
    os.truncate(content.folder / "content/c.bin", 69_999)
    found = verify(content)
    assert states(found)["c.bin"] is FileState.WRONG_SIZE
    assert found.bad_pieces == (8,)


def test_it_says_how_far_it_is(content: Content) -> None:
    told: list[tuple[int, int]] = []
    metainfo = Metainfo.from_file(content.torrent)
    verify_content(metainfo, content.folder, on_progress=lambda *figures: told.append(figures))
    assert told[-1] == (570_001, 570_001)


def test_a_folder_that_is_not_there_is_an_error_of_the_disk(content: Content) -> None:
    with pytest.raises(StorageError):
        verify_content(Metainfo.from_file(content.torrent), content.folder / "nowhere")
