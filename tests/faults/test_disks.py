"""Disks that are full, limited, read-only, broken, or emptied while real processes use them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from actortorrent.errors import ExitCode
from tests.conftest import ContentMaker
from tests.content import Content
from tests.faults.disks import FailingExt4, grow, small_disk
from tests.faults.limited import ALONE, FILE_BYTES, limited_fetch, told_by
from tests.peers.own import own_fetch, own_seed

FULL_SECONDS = 25.0  # a fifth of it is what the user is promised
SIZES = {"a.bin": 2_900_000, "sub/b.bin": 1_100_000}
RATE = 3_000_000
SLOWLY = (*ALONE, "--up", str(RATE))


@pytest.fixture
def content(content_maker: ContentMaker) -> Content:
    return content_maker(SIZES)


def go_on(content: Content, into: Path, seed: str) -> None:
    """Fetch the rest: no piece that is there is fetched again."""
    lacking = content.total_length - content.length_of(content.pieces_in(into))
    with own_fetch(content, into, peers=[seed], extra=ALONE) as leech:
        done = leech.finish()
    assert done["fetched_bytes"] < lacking + content.piece_length
    content.assert_same_in(into)


def test_a_full_disk_ends_it_at_once_and_it_goes_on_when_there_is_room(
    content: Content, tmp_path: Path
) -> None:
    with small_disk(tmp_path, 1) as disk, own_seed(content, extra=ALONE) as seed:
        with own_fetch(content, disk, peers=[seed.address], extra=ALONE) as leech:
            line = told_by(leech, ExitCode.DISK, FULL_SECONDS)
        assert "no space is left on the device" in line
        assert "bytes are still to be written" in line
        assert len(content.pieces_in(disk)) > 10
        grow(disk, 20)
        go_on(content, disk, seed.address)


def test_a_limit_on_the_size_of_files_ends_it_at_once_and_it_goes_on_without(
    content: Content, tmp_path: Path
) -> None:
    with own_seed(content, extra=ALONE) as seed:
        with limited_fetch(content, tmp_path, (FILE_BYTES, 1_000_000), [seed.address]) as leech:
            line = told_by(leech, ExitCode.DISK, FULL_SECONDS)
        assert "larger than the system allows" in line
        go_on(content, tmp_path, seed.address)


@pytest.mark.parametrize(
    ("fail", "words"),
    [
        (FailingExt4.become_read_only, "the file system is read-only"),
        (FailingExt4.break_down, "the device reported an error"),
    ],
)
def test_a_disk_that_fails_under_a_fetch_ends_it_and_it_goes_on_when_that_is_mended(
    content: Content, tmp_path: Path, fail: Callable[[FailingExt4], None], words: str
) -> None:
    with FailingExt4(tmp_path) as disk, own_seed(content, extra=SLOWLY) as seed:
        with own_fetch(content, disk.place, peers=[seed.address], extra=ALONE) as leech:
            leech.process.wait_for_line('"verified_pieces": [1-9]')
            fail(disk)
            assert words in told_by(leech, ExitCode.DISK)
        disk.mend()
        go_on(content, disk.place, seed.address)


def shorten(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.parametrize("harm", [Path.unlink, shorten], ids=["deleted", "cut short"])
def test_a_seed_goes_on_serving_what_is_left_of_its_files(
    content: Content, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    served = tmp_path / "served"
    shutil.copytree(content.folder, served)
    into, file = tmp_path / "into", served / "content" / "sub" / "b.bin"
    with (
        own_seed(replace(content, folder=served), extra=ALONE) as seed,
        own_fetch(content, into, peers=[seed.address], extra=ALONE) as leech,
    ):
        harm(file)
        left = content.pieces_in(served)
        leech.process.wait_for_line(f'"verified_pieces": {len(left)},')
        seed.process.wait_for_line(f"no longer serving piece {max(left) + 1}: cannot read {file}")
        with own_seed(content, peers=[leech.address], extra=ALONE):
            leech.finish()
        seed.interrupt()
    content.assert_same_in(into)


def test_a_seed_on_a_broken_disk_says_so_and_serves_nothing_more(
    content: Content, tmp_path: Path
) -> None:
    with FailingExt4(tmp_path) as disk:
        shutil.copytree(content.folder, disk.place, dirs_exist_ok=True)
        with own_seed(replace(content, folder=disk.place), extra=ALONE) as seed:
            disk.break_down()
            with own_fetch(content, tmp_path / "into", peers=[seed.address], extra=ALONE):
                words = "no longer serving piece .*: cannot read .*: the device reported an error"
                seed.process.wait_for_line(words)
            seed.interrupt()
