"""The open files of a layout: as few as bounded, the one used longest ago closed first."""

from __future__ import annotations

import errno
import os
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import TypeVar

from actortorrent.actors.content_layout import ContentLayout
from actortorrent.actors.disk_errors import storage_error
from actortorrent.actors.folder import Folder
from actortorrent.errors import StorageError

NO_DESCRIPTOR = frozenset((errno.EMFILE, errno.ENFILE))  # is left, of ours or of all
T = TypeVar("T")
HAS_PREADV = hasattr(os, "preadv")
HAS_PWRITE = hasattr(os, "pwrite")


class Descriptors:
    """Open the files of a layout when they are needed, `most_open` at a time.

    A file is opened for writing only to be written; that makes it, and its folders,
    where missing.
    """

    def __init__(self, layout: ContentLayout, most_open: int) -> None:
        self.folder = Folder(layout.output)
        self._layout = layout
        self._most_open = most_open
        self._open: OrderedDict[int, tuple[int, bool]] = OrderedDict()  # (fd, is writable)

    def for_reading(self, file_index: int) -> int:
        """Return a descriptor of a file, or raise OSError."""
        found = self._open.get(file_index)
        if found is None:
            return self._keep(file_index, self._open_file(file_index, os.O_RDONLY), False)
        self._open.move_to_end(file_index)
        return found[0]

    def for_writing(self, file_index: int) -> int:
        """Return a descriptor of a file, which is made if it is missing, or raise OSError."""
        found = self._open.get(file_index)
        if found is not None and found[1]:
            self._open.move_to_end(file_index)
            return found[0]
        self.close_file(file_index)
        descriptor = self._open_file(file_index, os.O_RDWR | os.O_CREAT)
        return self._keep(file_index, descriptor, True)

    def stat(self, file_index: int) -> os.stat_result | None:
        """Return what is known of a file, open or not; None where it is missing."""
        found = self._open.get(file_index)
        if found is not None:
            return os.fstat(found[0])
        return self.freely(lambda: self.folder.stat(self._layout.path_of(file_index)))

    def freely(self, do: Callable[[], T]) -> T:
        """Do what takes descriptors; where none is left, close what can be opened again first."""
        try:
            return do()
        except OSError as error:
            if error.errno not in NO_DESCRIPTOR or not self._open:
                raise
        self.close()
        return do()

    def close_file(self, file_index: int) -> None:
        """Close a file, if it is open."""
        found = self._open.pop(file_index, None)
        if found is not None:
            os.close(found[0])

    def close(self) -> None:
        """Close all."""
        for file_index in list(self._open):
            self.close_file(file_index)
        self.folder.close()

    def error(self, error: OSError, doing: str, file_index: int) -> StorageError:
        """Return what to tell the user of a failure with a file."""
        return storage_error(error, doing, self.shown_path(file_index))

    def shown_path(self, file_index: int) -> PurePath:
        """Return a file's path as the user knows it."""
        return self._layout.output / self._layout.path_of(file_index)

    def _open_file(self, file_index: int, flags: int) -> int:
        path, makes = self._layout.path_of(file_index), bool(flags & os.O_CREAT)
        return self.freely(lambda: self.folder.open(path, flags, make_folders=makes))

    def _keep(self, file_index: int, descriptor: int, is_writable: bool) -> int:
        if len(self._open) >= self._most_open:
            self.close_file(next(iter(self._open)))
        self._open[file_index] = (descriptor, is_writable)
        return descriptor


def read_fully(descriptor: int, buffer: memoryview, offset: int) -> int:
    """Fill `buffer` from a file, as far as the file goes; return the bytes read."""
    done = 0
    while done < len(buffer):
        count = _read_some(descriptor, buffer[done:], offset + done)
        if not count:
            break
        done += count
    return done


def read_at_once(descriptor: int, buffer: memoryview, offset: int) -> bool:
    """Fill `buffer` from a file in one call, if the system can; say whether it was filled.

    False may also mean that something went wrong: `read_fully` says what.
    """
    try:
        return HAS_PREADV and os.preadv(descriptor, [buffer], offset) == len(buffer)
    except OSError:
        return False


def read_scattered(descriptor: int, buffers: Sequence[memoryview], offset: int) -> int:
    """Fill buffers from one stretch of a file, in one call; return the bytes read, perhaps too few.

    Where the system cannot do it, nothing is read.
    """
    return os.preadv(descriptor, buffers, offset) if HAS_PREADV else 0


def write_fully(descriptor: int, data: memoryview, offset: int) -> None:
    """Write all of `data` into a file."""
    done = 0
    while done < len(data):
        done += _write_some(descriptor, data[done:], offset + done)


def _read_some(descriptor: int, buffer: memoryview, offset: int) -> int:
    if HAS_PREADV:
        return os.preadv(descriptor, [buffer], offset)
    os.lseek(descriptor, offset, os.SEEK_SET)
    data = os.read(descriptor, len(buffer))
    buffer[: len(data)] = data
    return len(data)


def _write_some(descriptor: int, data: memoryview, offset: int) -> int:
    if HAS_PWRITE:
        return os.pwrite(descriptor, data, offset)
    os.lseek(descriptor, offset, os.SEEK_SET)
    return os.write(descriptor, data)
