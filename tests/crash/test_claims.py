"""What compares disks with contents sees what is wrong, wherever it lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from actortorrent.actors.content_layout import OUR_FOLDER
from actortorrent.errors import StorageError
from tests.actors.storage_fakes import StorageUnderTest
from tests.content import Content
from tests.crash.claims import saved_pieces, wrong_bytes, wrongly_claimed_bytes
from tests.crash.storage_life import PIECE_BYTES, make_small_content

SELECTED = frozenset([0])  # 150,000 bytes: the last of its five pieces is shared with others


@pytest.fixture
def content(tmp_path: Path) -> Content:
    return make_small_content(tmp_path / "content", 1)


def fetched(content: Content, into: Path, selected: frozenset[int] | None) -> Path:
    storage = StorageUnderTest(content, into, selected=selected)
    storage.check()
    storage.store_pieces([0, 4])
    storage.stop()
    return into


def flip(path: Path, offset: int) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)


def test_what_is_claimed_and_right_is_not_wrong(content: Content, tmp_path: Path) -> None:
    into = fetched(content, tmp_path / "into", SELECTED)
    assert saved_pieces(content, into) == {0, 4}
    assert wrongly_claimed_bytes(content, into, SELECTED) == 0


def test_a_wrong_byte_makes_a_wrong_claim_of_its_piece(content: Content, tmp_path: Path) -> None:
    into = fetched(content, tmp_path / "into", None)
    flip(into / "content" / "a", 5)
    assert wrongly_claimed_bytes(content, into) == PIECE_BYTES


def test_also_where_it_lies_in_the_parts_file(content: Content, tmp_path: Path) -> None:
    into = fetched(content, tmp_path / "into", SELECTED)
    (parts,) = (into / OUR_FOLDER).glob("*.parts")
    flip(parts, PIECE_BYTES - 1)
    assert wrongly_claimed_bytes(content, into, SELECTED) == PIECE_BYTES


def test_bytes_that_are_wrong_or_missing_are_counted(content: Content, tmp_path: Path) -> None:
    assert wrong_bytes(content, content.folder) == 0
    flip(content.folder / "content" / "a", 5)
    copy = make_small_content(tmp_path / "again", 1)
    (copy.folder / "content" / "c").unlink()
    assert wrong_bytes(content, copy.folder) == 1 + 100_000


def test_a_torn_record_is_an_error(content: Content, tmp_path: Path) -> None:
    into = fetched(content, tmp_path / "into", None)
    (record,) = (into / OUR_FOLDER).glob("*.resume")
    record.write_bytes(record.read_bytes()[:-1])
    with pytest.raises(StorageError):
        saved_pieces(content, into)
