"""A storage that lives through three sessions in one folder, on a disk that fails meanwhile.

The first fetches some files, so that there is a parts file; the second all; the third, on a
disk that is mended, has to find all that the others had verified, and to come to the end.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from actortorrent.actors.base import Runtime
from actortorrent.actors.record_keeper import QUIET_SAVES
from actortorrent.errors import StorageError
from actortorrent.rules.bitfield import indexes_of
from tests.actors import storage_fakes
from tests.actors.storage_fakes import StorageUnderTest
from tests.content import Content
from tests.faults.failing_disk import FailingDisk, Fault

SIZES = {"a": 100_000, "sub/b": 5_000, "sub/empty": 0, "c": 60_000}
SOME_FILES = frozenset([0, 2])
IN_MEMORY = Path("/dev/shm")  # on a disk, each sync and rename would be a wait


@dataclass
class Lived:
    """Say what came of a life.

    Attributes:
        calls: of each function, on a disk that did not fail.
        was_hit: the call that was to fail has come.
        errors: that the storage ended with.
        faults: what ought not to be, in words.
    """

    calls: dict[str, int] = field(default_factory=dict)
    was_hit: bool = False
    errors: list[StorageError] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


@contextmanager
def quick_folder(folder: Path) -> Iterator[Path]:
    """Yield a new folder in memory, if the system has that; else one below `folder`."""
    where = tempfile.mkdtemp(dir=IN_MEMORY if IN_MEMORY.is_dir() else folder)
    try:
        yield Path(where)
    finally:
        shutil.rmtree(where)


def live(content: Content, folder: Path, fault: Fault | None) -> Lived:
    """Live in an empty folder, and see that nothing verified is lost."""
    lived, disk, bugs = Lived(), FailingDisk(folder, fault), []
    with pytest.MonkeyPatch.context() as patch:
        listening = partial(Runtime, actor_failed=lambda _, error: bugs.append(error))
        patch.setattr(storage_fakes, "Runtime", listening)
        with pytest.MonkeyPatch.context() as failing:
            disk.install(failing)
            verified = _fetch(content, folder, lived, SOME_FILES)[1]
            verified |= _fetch(content, folder, lived)[1]
        known = _fetch(content, folder, lived)[0]
    lived.calls, lived.was_hit = disk.calls, disk.has_failed
    lived.faults += [f"a bug: {error!r}" for error in bugs]
    if verified - known:
        lived.faults.append(f"lost: {sorted(verified - known)}")
    if len(content.pieces_in(folder)) < content.piece_count:
        lived.faults.append("not complete in the end")
    return lived


def _fetch(
    content: Content, folder: Path, lived: Lived, selected: frozenset[int] | None = None
) -> tuple[set[int], set[int]]:
    """Run one session; return the pieces it found, and those it verified."""
    storage = StorageUnderTest(content, folder, selected=selected)
    storage.proxy.check_content.defer()
    while not storage.manager.heard and not storage.reporter.all("disk_failed"):
        storage.settle()
    found = storage.manager.all("content_checked")
    known = set(indexes_of(found[0][0])) if found else set()
    if found:
        _store_all(storage, known)
    storage.stop()
    lived.errors += [error for (error,) in storage.reporter.all("disk_failed")]
    return known, known | set(storage.verified())


def _store_all(storage: StorageUnderTest, known: set[int]) -> None:
    """Store all that is wanted: whole pieces, parts, and one that is wrong at first."""
    lacking = [i for i in indexes_of(storage.wanted()) if i not in known]
    for index in lacking[:1]:
        storage.store(*storage.runs(index, 1), spoil=True)
    storage.save_on_time()
    storage.store_pieces(lacking[1::2])
    for index in lacking[::2]:
        storage.store(*storage.runs(index, 1))
    for _ in range(QUIET_SAVES + 1):  # until it syncs
        storage.save_on_time()
