"""Every single call to a disk fails in turn: nothing verified is lost, and the next run goes on."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from actortorrent.errors import StorageError
from tests.actors.storage_fakes import StorageUnderTest
from tests.content import Content, make_content
from tests.faults.disk_life import SIZES, Lived, live, quick_folder
from tests.faults.failing_disk import PATCHED, FailingDisk, Fault

PIECE_BYTES = 32 * 1024


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> Content:
    folder = tmp_path_factory.mktemp("content")
    return make_content(folder, SIZES, piece_length=PIECE_BYTES)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with quick_folder(tmp_path) as folder:
        yield folder


def lives(content: Content, tmp_path: Path, function: str, number: int) -> Iterator[Lived]:
    """Yield a life for each call of a function, which fails from then on."""
    with quick_folder(tmp_path) as folder:
        count = live(content, folder, None).calls[function]
    assert count
    for nth in range(1, count + 1):
        with quick_folder(tmp_path) as folder:
            fault = Fault(function, number, nth, lasts=True)
            lived = live(content, folder, fault)
        assert lived.was_hit
        assert not lived.faults, f"{fault}: {lived.faults}"
        yield lived


@pytest.mark.parametrize("function", PATCHED)
def test_no_call_that_fails_costs_a_verified_piece(
    content: Content, tmp_path: Path, function: str
) -> None:
    number = errno.ENOSPC if function in ("pwrite", "mkdir", "ftruncate") else errno.EIO
    seen = lives(content, tmp_path, function, number)
    told = [str(error) for lived in seen for error in lived.errors]
    words = "no space is left" if number == errno.ENOSPC else "the device reported an error"
    assert all(words in one for one in told)
    assert told or function == "replace"  # a record that cannot be saved costs no more than time


def test_a_record_vouches_for_nothing_that_could_not_be_synced(
    content: Content, folder: Path
) -> None:
    """After such an error the system takes what it lost for written, and shows it as it was."""
    with pytest.MonkeyPatch.context() as patch:
        FailingDisk(folder, Fault("fsync", errno.EIO, 1)).install(patch)
        storage = StorageUnderTest(content, folder)
        storage.check()
        storage.store_pieces(range(content.piece_count))
        storage.stop()
    assert isinstance(storage.failure(), StorageError)
    for path, length in content.files:
        _lose(folder / path, length)
    again = StorageUnderTest(content, folder)
    assert again.check() == 0
    again.stop()


def _lose(path: Path, length: int) -> None:
    """Set all bytes to others without a trace in the file's size and time."""
    before = path.stat()
    path.write_bytes(b"x" * length)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
