"""The DHT's file: our ids and the nodes we knew, kept from one run to the next.

It lies in the user's folder for caches: it may be deleted at any time. One process at a
time has it; another that runs beside it has ids of its own and keeps nothing, or two nodes
would claim the same id. Writing replaces the file in one step. Whatever is wrong with it,
or with the disk, the DHT does without.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path, PurePosixPath

from actortorrent.actors.folder import Folder
from actortorrent.actors.folder_lock import FolderLock
from actortorrent.errors import StorageError
from actortorrent.wire.dht_state import MAX_STATE_BYTES, DhtState, decode_state, encode_state

FILE = PurePosixPath("dht.nodes")
NEW_FILE = PurePosixPath("dht.nodes.new")
LOCK_FILE = PurePosixPath("dht.lock")


def default_folder() -> Path:
    """Return where this system keeps the caches of programs, for ours."""
    import platformdirs  # noqa: PLC0415 - not needed where a folder is named

    return platformdirs.user_cache_path("actortorrent", appauthor=False)


class DhtFile:
    """Read and write the file in a folder, if nobody else does; None: keep nothing."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = None if folder is None else Folder(folder)
        self._lock: FolderLock | None = None

    def load(self) -> DhtState:
        """Take the file, and return what is in it: nothing, if it is not there or not whole."""
        if self._folder is None or not self._take(self._folder):
            return DhtState()
        try:
            return decode_state(_read(self._folder))
        except (OSError, StorageError):
            return DhtState()

    def save(self, state: DhtState) -> bool:
        """Write the file, if it is ours; say whether that worked."""
        if self._folder is None or self._lock is None:
            return False
        try:
            _write(self._folder, encode_state(state))
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Let another process have it."""
        if self._lock is not None:
            self._lock.free()
            self._lock = None
        if self._folder is not None:
            self._folder.close()

    def _take(self, folder: Folder) -> bool:
        if self._lock is not None:
            return True
        try:
            folder.make_root()
        except OSError:
            return False
        lock = FolderLock(folder, LOCK_FILE)
        if not lock.take():
            return False
        self._lock = lock
        return True


def _read(folder: Folder) -> bytes:
    descriptor = folder.open(FILE, os.O_RDONLY)
    with os.fdopen(descriptor, "rb") as file:
        return file.read(MAX_STATE_BYTES + 1)


def _write(folder: Folder, raw: bytes) -> None:
    descriptor = folder.open(NEW_FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(raw)
        folder.replace(NEW_FILE, FILE)
    except OSError:
        with contextlib.suppress(OSError):
            folder.remove(NEW_FILE)
        raise
