"""One at a time writes a torrent's content into a folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from actortorrent.actors import folder_lock
from actortorrent.actors.folder import Folder
from actortorrent.actors.folder_lock import FolderLock

PATH = PurePosixPath("ours", "x.lock")

TAKES_AND_IS_KILLED = f"""
import os, sys
from pathlib import Path, PurePosixPath
from actortorrent.actors.folder import Folder
from actortorrent.actors.folder_lock import FolderLock
print(FolderLock(Folder(Path(sys.argv[1])), PurePosixPath("{PATH}")).take(), flush=True)
os.kill(os.getpid(), 9)
"""

pytestmark = pytest.mark.skipif(not folder_lock.HAS_FLOCK, reason="the system has no flock")


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[list[Folder]]:
    both = [Folder(tmp_path), Folder(tmp_path)]
    yield both
    for folder in both:
        folder.close()


def test_only_one_has_the_lock_until_it_frees_it(folders: list[Folder]) -> None:
    first, second = (FolderLock(folder, PATH) for folder in folders)
    assert first.take()
    assert not second.take()
    first.free()
    assert second.take()
    second.free()


def test_nothing_is_left_behind_when_it_is_freed(folders: list[Folder], tmp_path: Path) -> None:
    lock = FolderLock(folders[0], PATH)
    assert lock.take()
    assert (tmp_path / PATH).exists()
    lock.free()
    lock.free()
    assert not (tmp_path / PATH).exists()


def test_the_lock_of_a_process_that_was_killed_is_free(
    folders: list[Folder], tmp_path: Path
) -> None:
    command = [sys.executable, "-c", TAKES_AND_IS_KILLED, str(tmp_path)]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    assert ended.stdout == "True\n"
    assert (tmp_path / PATH).exists()
    lock = FolderLock(folders[0], PATH)
    assert lock.take()
    lock.free()


def test_a_lock_whose_file_was_removed_before_it_was_taken_is_taken_anew(
    folders: list[Folder], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[int] = []
    open_file = Folder.open

    def open_and_lose_it_once(folder: Folder, *args: object, **kwargs: object) -> int:
        descriptor = open_file(folder, *args, **kwargs)  # type: ignore[arg-type]
        if not opened:
            (tmp_path / PATH).unlink()
        opened.append(descriptor)
        return descriptor

    monkeypatch.setattr(Folder, "open", open_and_lose_it_once)
    first, second = (FolderLock(folder, PATH) for folder in folders)
    assert first.take()
    assert len(opened) == 2
    assert not second.take()
    first.free()


@pytest.mark.parametrize("cause", ["no locks", "no file"])
def test_where_there_can_be_no_lock_everybody_gets_it(
    cause: str, folders: list[Folder], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if cause == "no locks":
        monkeypatch.setattr(folder_lock, "HAS_FLOCK", False)
    else:
        (tmp_path / PATH.parent).touch()  # a file where the folder should be
    assert all(FolderLock(folder, PATH).take() for folder in folders)
    assert not os.path.lexists(tmp_path / PATH)
