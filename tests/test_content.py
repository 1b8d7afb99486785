from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ContentMaker
from tests.content import Content
from tests.peers.needs import need_module


def read_by_libtorrent(content: Content) -> Any:
    return need_module("libtorrent").torrent_info(str(content.torrent))


def test_a_multi_file_torrent_is_what_libtorrent_reads(content_maker: ContentMaker) -> None:
    content = content_maker({"a.bin": 100_000, "b/c.bin": 1, "empty": 0}, trackers=("http://x/",))
    read = read_by_libtorrent(content)
    assert hashlib.sha1(read.info_section()).digest() == content.info_hash
    files = read.layout()
    assert [(files.file_path(i), files.file_size(i)) for i in range(files.num_files())] == [
        ("content/a.bin", 100_000),
        ("content/b/c.bin", 1),
        ("content/empty", 0),
    ]
    assert read.num_pieces() == content.piece_count == 2


def test_a_single_file_torrent_is_what_libtorrent_reads(content_maker: ContentMaker) -> None:
    read = read_by_libtorrent(content_maker(65_536, name="one.bin"))
    assert (read.name(), read.total_size(), read.num_pieces()) == ("one.bin", 65_536, 1)


def test_the_same_seed_makes_the_same_content(content_maker: ContentMaker) -> None:
    assert content_maker(10_000, seed=3).info_hash == content_maker(10_000, seed=3).info_hash
    assert content_maker(10_000, seed=3).info_hash != content_maker(10_000, seed=4).info_hash


def test_a_changed_byte_is_noticed(content_maker: ContentMaker, tmp_path: Path) -> None:
    content = content_maker(10_000, name="one.bin")
    copy = tmp_path / "copy" / "one.bin"
    copy.parent.mkdir()
    copy.write_bytes((content.folder / "one.bin").read_bytes())
    content.assert_same_in(copy.parent)
    copy.write_bytes(copy.read_bytes()[:-1] + b"?")
    with pytest.raises(AssertionError, match=r"one\.bin differs"):
        content.assert_same_in(copy.parent)
