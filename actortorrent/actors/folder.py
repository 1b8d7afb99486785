"""The output folder: opens what lies under it, and never follows a link out of it.

Each folder on the way is opened relative to the one before, and a symbolic link in
place of any is an error, so nothing outside can be reached, whoever changes the folder
meanwhile. Only the output folder itself may be a link: that is the user's choice.
Where the system cannot open relative to a folder (Windows), the real path is compared
before opening.

Everything here raises OSError; `disk_errors.storage_error` puts it into words.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path, PurePosixPath

from actortorrent.actors.disk_errors import not_regular

HAS_DIR_FD = os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")
FILE_MODE = 0o666  # less the user's umask
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_FOLDER_FLAGS = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_FILE_FLAGS = (
    _NO_FOLLOW
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NONBLOCK", 0)  # opening a named pipe must not wait for its other end
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
)


class Folder:
    """Open, stat and make files by their path under `root`.

    It keeps the folder it last opened something in open: content comes folder by folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._last: tuple[tuple[str, ...], int] | None = None

    def make_root(self) -> None:
        """Make the folder itself, and those above it, where they are missing."""
        self.root.mkdir(parents=True, exist_ok=True)

    def open(self, path: PurePosixPath, flags: int, *, make_folders: bool = False) -> int:
        """Return a descriptor of a regular file; with O_CREAT it is made where missing."""
        if HAS_DIR_FD:
            *_, name = path.parts
            folder = self._enter(path, make_folders=make_folders)
            descriptor = os.open(name, flags | _FILE_FLAGS, FILE_MODE, dir_fd=folder)
        else:
            real_path = self._real_path(path, make_folders=make_folders)
            descriptor = os.open(real_path, flags | _FILE_FLAGS, FILE_MODE)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise not_regular(path)
        except OSError:
            os.close(descriptor)
            raise
        return descriptor

    def stat(self, path: PurePosixPath) -> os.stat_result | None:
        """Return what is known of a regular file, or None where there is nothing."""
        try:
            if HAS_DIR_FD:
                *_, name = path.parts
                found = os.stat(name, dir_fd=self._enter(path), follow_symlinks=False)
            else:
                found = self._real_path(path).lstat()
        except FileNotFoundError:
            return None
        if stat.S_ISLNK(found.st_mode):
            raise OSError(errno.ELOOP, "it is a symbolic link", str(path))
        if not stat.S_ISREG(found.st_mode):
            raise not_regular(path)
        return found

    def replace(self, old: PurePosixPath, new: PurePosixPath) -> None:
        """Give a file another name in the same folder, in place of what had it."""
        if HAS_DIR_FD:
            folder = self._enter(old)
            os.replace(old.name, new.name, src_dir_fd=folder, dst_dir_fd=folder)
        else:
            self._real_path(old).replace(self._real_path(new))

    def remove(self, path: PurePosixPath) -> None:
        """Remove a file, if it is there."""
        try:
            if HAS_DIR_FD:
                os.unlink(path.name, dir_fd=self._enter(path))
            else:
                self._real_path(path).unlink()
        except FileNotFoundError:
            return

    def sync(self, path: PurePosixPath) -> None:
        """Wait until the names in the folder that holds `path` are safe from a power cut."""
        if HAS_DIR_FD:
            os.fsync(self._enter(path))

    def close(self) -> None:
        """Free the descriptor that is kept."""
        if self._last is not None:
            os.close(self._last[1])
            self._last = None

    def _enter(self, path: PurePosixPath, *, make_folders: bool = False) -> int:
        """Return a descriptor of the folder that holds a path, owned by this object."""
        folders = path.parts[:-1]  # which a path keeps, unlike its parent
        if self._last is not None and self._last[0] == folders:
            return self._last[1]
        self.close()
        descriptor = os.open(self.root, _FOLDER_FLAGS)
        for name in folders:
            outer = descriptor
            try:
                descriptor = _open_folder(name, outer, make=make_folders)
            finally:
                os.close(outer)
        self._last = (folders, descriptor)
        return descriptor

    def _real_path(self, path: PurePosixPath, *, make_folders: bool = False) -> Path:
        """Return where a path lies, if no link leads out of the root (without O_NOFOLLOW)."""
        root = self.root.resolve()
        folder = root
        for name in path.parent.parts:
            folder /= name
            if make_folders and not folder.is_symlink():
                folder.mkdir(exist_ok=True)
            if folder.is_symlink() or (folder.exists() and folder.resolve() != folder):
                raise NotADirectoryError(errno.ENOTDIR, "a link in place of a folder", str(folder))
        if (folder / path.name).is_symlink():
            raise OSError(errno.ELOOP, "it is a symbolic link", str(path))
        return folder / path.name


def _open_folder(name: str, outer: int, *, make: bool) -> int:
    """Open (perhaps make) the folder `name` in the folder `outer`, unless it is a link."""
    flags = _FOLDER_FLAGS | _NO_FOLLOW
    try:
        return os.open(name, flags, dir_fd=outer)
    except FileNotFoundError:
        if not make:
            raise
    with contextlib.suppress(FileExistsError):  # somebody else may make it meanwhile
        os.mkdir(name, dir_fd=outer)
    return os.open(name, flags, dir_fd=outer)
