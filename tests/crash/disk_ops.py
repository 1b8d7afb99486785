"""What is done to a disk, step by step: recorded while a real storage works on a real folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PATCHED = ("open", "pwrite", "ftruncate", "fsync", "mkdir", "replace", "unlink")
ROOT = 0  # the number of the recorded folder itself; files and folders in it have others


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes were written into a file; `size` and `time_ns` are the file's afterwards."""

    file: int
    offset: int
    data: bytes
    size: int
    time_ns: int


@dataclass(frozen=True, slots=True)
class Cut:
    """A file was made `size` bytes long."""

    file: int
    size: int
    time_ns: int


@dataclass(frozen=True, slots=True)
class Name:
    """Names of one folder were given to files and folders, or (None) taken away, in one step."""

    folder: int
    names: tuple[tuple[str, int | None], ...]
    is_folder: bool = False


@dataclass(frozen=True, slots=True)
class Sync:
    """What was done to a file, or to the names in a folder, was made safe from a power cut."""

    file: int


Op = Write | Cut | Name | Sync


class Recording:
    """Note every change to what is below a folder that is made through `os`.

    It stands between the storage and the system: the functions of `os` that change a disk do
    what they always do, and what came of it is noted. Only syncing is noted and not done: the
    power of this machine stays on.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._numbers = {root.stat().st_ino: ROOT}  # of files and folders, by inode
        self._last_number = ROOT
        self._real = {name: getattr(os, name) for name in PATCHED}
        self.ops: list[Op] = []

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Put it in the place of the functions of `os`."""
        for name in PATCHED:
            patch.setattr(os, name, getattr(self, f"_{name}"))

    # --- files ---------------------------------------------------------------------------

    def _open(self, path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        is_new = bool(flags & os.O_CREAT) and not _exists(path, dir_fd)
        descriptor: int = self._real["open"](path, flags, mode, dir_fd=dir_fd)
        if self._is_ours(descriptor):
            if is_new and dir_fd is not None:
                self._note_name(dir_fd, path, self._new_number(descriptor))
            elif flags & os.O_TRUNC:
                self._note_cut(descriptor, 0)
        return descriptor

    def _pwrite(self, descriptor: int, data: Any, offset: int) -> int:
        count: int = self._real["pwrite"](descriptor, data, offset)
        if self._is_ours(descriptor):
            found = os.fstat(descriptor)
            file = self._numbers[found.st_ino]
            written = bytes(data[:count])
            self.ops.append(Write(file, offset, written, found.st_size, found.st_mtime_ns))
        return count

    def _ftruncate(self, descriptor: int, length: int) -> None:
        self._real["ftruncate"](descriptor, length)
        if self._is_ours(descriptor):
            self._note_cut(descriptor, length)

    def _fsync(self, descriptor: int) -> None:
        if self._is_ours(descriptor):
            self.ops.append(Sync(self._numbers[os.fstat(descriptor).st_ino]))

    # --- names ---------------------------------------------------------------------------

    def _mkdir(self, path: Any, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        self._real["mkdir"](path, mode, dir_fd=dir_fd)
        if dir_fd is not None and self._is_ours(dir_fd):
            descriptor = self._real["open"](path, os.O_RDONLY, dir_fd=dir_fd)
            self._note_name(dir_fd, path, self._new_number(descriptor), is_folder=True)
            os.close(descriptor)

    def _replace(
        self, old: Any, new: Any, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None
    ) -> None:
        self._real["replace"](old, new, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)
        if dst_dir_fd is not None and self._is_ours(dst_dir_fd):
            found = os.stat(new, dir_fd=dst_dir_fd)
            names = ((old, None), (new, self._numbers[found.st_ino]))
            self.ops.append(Name(self._number(dst_dir_fd), names))

    def _unlink(self, path: Any, *, dir_fd: int | None = None) -> None:
        self._real["unlink"](path, dir_fd=dir_fd)
        if dir_fd is not None and self._is_ours(dir_fd):
            self._note_name(dir_fd, path, None)

    # --- noting --------------------------------------------------------------------------

    def _is_ours(self, descriptor: int) -> bool:
        return Path(f"/proc/self/fd/{descriptor}").readlink().is_relative_to(self._root)

    def _number(self, descriptor: int) -> int:
        return self._numbers[os.fstat(descriptor).st_ino]

    def _new_number(self, descriptor: int) -> int:
        """Give a number to something new; its inode may have been another's, who has gone."""
        self._last_number += 1
        self._numbers[os.fstat(descriptor).st_ino] = self._last_number
        return self._last_number

    def _note_cut(self, descriptor: int, size: int) -> None:
        found = os.fstat(descriptor)
        self.ops.append(Cut(self._numbers[found.st_ino], size, found.st_mtime_ns))

    def _note_name(
        self, dir_fd: int, name: str, number: int | None, *, is_folder: bool = False
    ) -> None:
        self.ops.append(Name(self._number(dir_fd), ((name, number),), is_folder))


def _exists(path: Any, dir_fd: int | None) -> bool:
    try:
        os.stat(path, dir_fd=dir_fd, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
