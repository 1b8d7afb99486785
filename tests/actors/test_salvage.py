"""After a kill, also what was written of unfinished pieces is there, and is not fetched again."""

from __future__ import annotations

from pathlib import Path

import pytest

from actortorrent.actors import salvage
from actortorrent.rules.partial_pieces import EARLIER_SESSION
from tests.actors.storage_fakes import StorageUnderTest
from tests.conftest import ContentMaker
from tests.content import Content

BLOCK = 16 * 1024
PIECE = 4 * BLOCK
SIZES = {"a": 2 * PIECE + BLOCK, "b": 5 * PIECE}  # piece 2 lies in both


@pytest.fixture
def content(content_maker: ContentMaker) -> Content:
    return content_maker(SIZES, piece_length=PIECE)


def write_and_be_killed(content: Content, into: Path, blocks: dict[int, list[int]]) -> None:
    """Have a session store some blocks of some pieces, and die before it saves."""
    storage = StorageUnderTest(content, into)
    storage.check()
    for piece_index, numbers in blocks.items():
        for number in numbers:
            storage.store(storage.geometry.run(piece_index, number, 1))
    storage.kill()


def salvaged(storage: StorageUnderTest) -> dict[int, int]:
    """Return the masks of blocks that the storage says are there from an earlier session."""
    found: dict[int, int] = {}
    for conn, stored, _ in storage.manager.all("runs_stored"):
        for one in stored if conn == EARLIER_SESSION else ():
            found[one.run.piece_index] = found.get(one.run.piece_index, 0) | one.run.block_mask
    return found


def found_in(content: Content, into: Path) -> dict[int, int]:
    storage = StorageUnderTest(content, into)
    storage.check()
    storage.kill()
    return salvaged(storage)


def test_blocks_between_holes_and_behind_the_last_byte_are_told_apart(
    content: Content, tmp_path: Path
) -> None:
    write_and_be_killed(content, tmp_path / "into", {0: [1, 2], 4: [3], 6: [0]})
    assert found_in(content, tmp_path / "into") == {0: 0b0110, 4: 0b1000, 6: 0b0001}


def test_with_what_was_lacking_the_piece_is_right(content: Content, tmp_path: Path) -> None:
    write_and_be_killed(content, tmp_path, {1: [0, 2, 3]})
    storage = StorageUnderTest(content, tmp_path)
    assert storage.check() == 0
    storage.store(storage.geometry.run(1, 1, 1))
    assert storage.verified() == [1]
    storage.stop()


def test_a_piece_in_two_files_is_found_in_both(content: Content, tmp_path: Path) -> None:
    write_and_be_killed(content, tmp_path, {2: [0, 3]})
    assert found_in(content, tmp_path) == {2: 0b1001}


def test_a_page_of_zeros_was_perhaps_never_written(content: Content, tmp_path: Path) -> None:
    write_and_be_killed(content, tmp_path, {0: [0, 1]})
    with (tmp_path / "content" / "a").open("r+b") as file:
        file.seek(BLOCK + salvage.PAGE_BYTES)
        file.write(bytes(salvage.PAGE_BYTES))
    assert found_in(content, tmp_path) == {0: 0b0001}


def test_a_wrong_piece_that_is_all_there_is_fetched_whole(content: Content, tmp_path: Path) -> None:
    file = tmp_path / "content" / "a"
    file.parent.mkdir()
    file.write_bytes(b"other content" * 4 * PIECE)
    assert set(found_in(content, tmp_path)) <= {2}  # that goes on in a file that is missing


def test_what_was_taken_for_stored_and_is_wrong_costs_its_piece_alone(
    content: Content, tmp_path: Path
) -> None:
    write_and_be_killed(content, tmp_path, {0: [1]})
    with (tmp_path / "content" / "a").open("r+b") as file:
        file.seek(BLOCK)
        file.write(b"wrong")
    storage = StorageUnderTest(content, tmp_path)
    storage.check()
    storage.store(storage.geometry.run(0, 0, 1), storage.geometry.run(0, 2, 2), conn=7)
    assert storage.manager.all("piece_failed") == [(0, (EARLIER_SESSION, 7))]
    storage.store_pieces([0], conn=7)
    assert storage.verified() == [0]
    storage.stop()


def test_where_much_is_wrong_it_is_other_content(
    content: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(salvage, "MOST_PIECES", 1)
    write_and_be_killed(content, tmp_path, {0: [1], 1: [1]})
    assert found_in(content, tmp_path) == {}


def test_who_only_serves_takes_nothing_for_stored(content: Content, tmp_path: Path) -> None:
    write_and_be_killed(content, tmp_path, {0: [1]})
    storage = StorageUnderTest(content, tmp_path)
    storage.actor._may_write = False
    storage.check()
    storage.stop()
    assert salvaged(storage) == {}
