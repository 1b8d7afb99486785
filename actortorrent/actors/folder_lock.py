"""One at a time writes a torrent's content into a folder: a lock beside the resume record.

Two that fetched the same into the same folder would write unfinished pieces over what
the other has verified, and serves. The system gives the lock up when its process ends,
however that ends; the file that stands for it is removed by whoever had it.

Where the system has no such locks (Windows) or the file cannot be made (a read-only
folder, to which nothing can be written anyway) everybody gets the lock.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import PurePosixPath

from actortorrent.actors.folder import Folder

try:
    import fcntl
except ImportError:  # Windows
    HAS_FLOCK = False
else:
    HAS_FLOCK = True


class FolderLock:
    """Hold the lock that the file `path` under a folder stands for."""

    def __init__(self, folder: Folder, path: PurePosixPath) -> None:
        self._folder = folder
        self._path = path
        self._descriptor: int | None = None

    def take(self) -> bool:
        """Take the lock, without waiting; say whether that worked."""
        try:
            while HAS_FLOCK and self._descriptor is None:
                self._try()
        except BlockingIOError:
            return False
        except OSError:  # the file cannot be made or looked at, or this file system knows no locks
            pass
        return True

    def _try(self) -> None:
        """Lock the file; if it was removed between opening and locking, that lock is nobody's."""
        descriptor = self._folder.open(self._path, os.O_RDWR | os.O_CREAT, make_folders=True)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if self._is_in_place(descriptor):
                self._descriptor = descriptor
        finally:
            if self._descriptor is None:
                os.close(descriptor)

    def free(self) -> None:
        """Give the lock up, if we have it."""
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                self._folder.remove(self._path)
            os.close(self._descriptor)
            self._descriptor = None

    def _is_in_place(self, descriptor: int) -> bool:
        found = self._folder.stat(self._path)
        return found is not None and os.path.samestat(found, os.fstat(descriptor))
