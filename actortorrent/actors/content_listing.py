"""Find the files that a new torrent is to hold, in an order that is always the same.

Nothing is left out silently: hidden files are taken like any other, and what cannot be
in a torrent (a symbolic link, a device, a name that is no UTF-8) is refused by its name.
Links are refused because they would not come out as links, may lead anywhere, and would
not be followed when the folder is served.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from actortorrent.actors.disk_errors import storage_error
from actortorrent.errors import UsageError
from actortorrent.wire.torrent_files import MAX_FILES, MAX_PATH_PARTS


@dataclass(frozen=True, slots=True)
class ListedFile:
    """Name a file below the listing's root, and say how it was when listed."""

    path: PurePosixPath
    length: int
    modified_ns: int


@dataclass(frozen=True, slots=True)
class ContentListing:
    """Hold the files of a folder, or a single file; `root` is the folder they are below."""

    root: Path
    name: str
    is_single_file: bool
    files: tuple[ListedFile, ...]

    @property
    def total_length(self) -> int:
        """Return the bytes of all files."""
        return sum(file.length for file in self.files)


def list_content(path: Path) -> ContentListing:
    """List a file, or all files below a folder, by name; the path itself may be a link.

    Raises:
        UsageError: if there is nothing that a torrent could hold, or something that it cannot.
        StorageError: if something is not there, or may not be read.
    """
    try:
        whole = path.resolve(strict=True)
        found = whole.stat()
    except OSError as error:
        raise storage_error(error, "cannot read", path) from error
    if not whole.name:
        raise UsageError(f"expected a file or a folder with a name, found {whole}")
    if stat.S_ISDIR(found.st_mode):
        listing = ContentListing(whole, _checked_name(whole.name, whole), False, _list_all(whole))
    else:
        only = _listed(whole, PurePosixPath(whole.name), found)
        listing = ContentListing(whole.parent, only.path.name, True, (only,))
    return _checked(listing, path)


def _checked(listing: ContentListing, path: Path) -> ContentListing:
    if not listing.files:
        raise UsageError(f"expected a folder with at least one file, found none in {path}")
    if not listing.total_length:
        raise UsageError(f"expected some content, found only empty files in {path}")
    return listing


def _list_all(folder: Path) -> tuple[ListedFile, ...]:
    files = []
    for file in _walk(folder, PurePosixPath()):
        files.append(file)
        if len(files) > MAX_FILES:
            raise UsageError(f"expected at most {MAX_FILES} files, found more in {folder}")
    return tuple(files)


def _walk(root: Path, folder: PurePosixPath) -> Iterator[ListedFile]:
    if len(folder.parts) >= MAX_PATH_PARTS:
        raise UsageError(f"expected folders at most {MAX_PATH_PARTS} deep, found {root / folder}")
    for name in sorted(_names_in(root / folder)):
        path = folder / _checked_name(name, root / folder / name)
        found = _status(root / path)
        if stat.S_ISDIR(found.st_mode):
            yield from _walk(root, path)
        else:
            yield _listed(root / path, path, found)


def _names_in(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir()]
    except OSError as error:
        raise storage_error(error, "cannot read", folder) from error


def _status(path: Path) -> os.stat_result:
    try:
        return path.lstat()
    except OSError as error:
        raise storage_error(error, "cannot read", path) from error


def _listed(full_path: Path, path: PurePosixPath, found: os.stat_result) -> ListedFile:
    if not stat.S_ISREG(found.st_mode):
        what = "a symbolic link" if stat.S_ISLNK(found.st_mode) else "something else"
        raise UsageError(
            f"expected files and folders alone, found {what}: {full_path}",
            hint="move it away, or put a copy of what it stands for in its place",
        )
    if not os.access(full_path, os.R_OK):
        denied = PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        raise storage_error(denied, "cannot read", full_path)
    _checked_name(path.name, full_path)
    return ListedFile(path, found.st_size, found.st_mtime_ns)


def _checked_name(name: str, full_path: Path) -> str:
    """Return a name if a torrent can hold it: names are UTF-8 there (BEP 3)."""
    try:
        name.encode()
    except UnicodeEncodeError:
        shown = os.fsencode(full_path).decode("utf-8", "backslashreplace")
        raise UsageError(f"expected a name in UTF-8, found {shown}", hint="rename it") from None
    return name
