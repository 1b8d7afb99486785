from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from actortorrent.actors import descriptors
from actortorrent.actors.content_layout import ContentLayout
from actortorrent.actors.content_location import expected_paths, lay_out_content
from actortorrent.actors.content_reader import MAX_OPEN_FILES, ContentReader
from actortorrent.errors import StorageError
from actortorrent.rules.geometry import BLOCK_BYTES
from actortorrent.wire.block_rows import BlockRow
from actortorrent.wire.metainfo import Metainfo
from tests.conftest import ContentMaker
from tests.content import Content
from tests.leaks import FD_FOLDER

SIZES = {f"{i}.bin": 9_001 for i in range(30)}


@pytest.fixture
def content(content_maker: ContentMaker) -> Content:
    return content_maker(SIZES)


def layout_of(content: Content) -> ContentLayout:
    metainfo = Metainfo.from_file(content.torrent)
    return lay_out_content(metainfo, content.folder, expected_paths(metainfo), None)


@pytest.fixture
def reader(content: Content) -> Iterator[ContentReader]:
    with ContentReader(layout_of(content)) as opened:
        yield opened


@pytest.mark.parametrize("has_preadv", [True, False])
def test_any_stretch_of_a_piece_reads_as_it_was(
    content: Content, reader: ContentReader, monkeypatch: pytest.MonkeyPatch, has_preadv: bool
) -> None:
    monkeypatch.setattr(descriptors, "HAS_PREADV", has_preadv)
    everything = b"".join((content.folder / path).read_bytes() for path, _ in content.files)
    rng = random.Random(1)
    for _ in range(50):
        piece_index = rng.randrange(content.piece_count - 1)
        offset = rng.randrange(content.piece_length)
        length = rng.randrange(1, content.piece_length - offset + 1)
        start = piece_index * content.piece_length + offset
        assert reader.read(piece_index, offset, length) == everything[start : start + length]


@pytest.mark.parametrize("has_preadv", [True, False])
def test_blocks_are_filled_from_one_stretch_in_one_file_or_in_several(
    content: Content, reader: ContentReader, monkeypatch: pytest.MonkeyPatch, has_preadv: bool
) -> None:
    monkeypatch.setattr(descriptors, "HAS_PREADV", has_preadv)
    everything = b"".join((content.folder / path).read_bytes() for path, _ in content.files)
    for row in (BlockRow(0, 10, 906, 400), BlockRow(0, 8_000, 14_900, 2_000)):
        blocks = [memoryview(bytearray(length)) for _, _, length in row.blocks()]
        reader.read_blocks(row, blocks)
        for (index, offset, length), block in zip(row.blocks(), blocks, strict=True):
            start = index * content.piece_length + offset
            assert bytes(block) == everything[start : start + length]


def test_few_files_are_open_at_a_time(content: Content, reader: ContentReader) -> None:
    before = len(list(FD_FOLDER.iterdir()))
    for piece_index in range(content.piece_count - 1):
        reader.read(piece_index, 0, content.piece_length)
    assert len(list(FD_FOLDER.iterdir())) - before <= MAX_OPEN_FILES + 1
    reader.close()
    assert len(list(FD_FOLDER.iterdir())) == before


def test_blocks_of_a_file_that_was_shortened_are_not_made_up(
    content: Content, reader: ContentReader
) -> None:
    os.truncate(content.folder / content.files[0][0], 100)
    block = memoryview(bytearray(200))
    with pytest.raises(StorageError, match=r"it ends at byte 100"):
        reader.read_blocks(BlockRow(0, 0, 200, 200), [block])


def test_after_closing_it_opens_again(reader: ContentReader) -> None:
    first = reader.read(0, 0, BLOCK_BYTES)
    reader.close()
    assert reader.read(0, 0, BLOCK_BYTES) == first


def test_a_file_that_was_shortened_is_told(content: Content, reader: ContentReader) -> None:
    os.truncate(content.folder / "content/1.bin", 100)
    with pytest.raises(StorageError, match=r"1\.bin: it ends at byte 100, expected 7383 at least"):
        reader.read(0, 0, BLOCK_BYTES)


def test_a_file_that_is_gone_is_told(content: Content, reader: ContentReader) -> None:
    (content.folder / "content/0.bin").unlink()
    with pytest.raises(StorageError, match=r"cannot read .*0\.bin: it is not there"):
        reader.read(0, 0, BLOCK_BYTES)


def test_a_link_that_took_a_file_s_place_is_not_followed(
    content: Content, reader: ContentReader, tmp_path: Path
) -> None:
    path = content.folder / "content/0.bin"
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageError, match="symbolic link"):
        reader.read(0, 0, BLOCK_BYTES)
