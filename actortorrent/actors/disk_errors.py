"""What the operating system says of a disk, in words for the user."""

from __future__ import annotations

import errno
import os
from pathlib import PurePath

from actortorrent.errors import StorageError

READING = "cannot read"  # what failed, where nothing is written that could be kept
_AGAIN = "then run the same command again: all that was verified is kept"

_CAUSES = {
    errno.ENOSPC: ("no space is left on the device", f"free some space, {_AGAIN}"),
    errno.EACCES: ("permission denied", f"make it accessible, {_AGAIN}"),
    errno.EPERM: ("the operation is not permitted", f"make it accessible, {_AGAIN}"),
    errno.EROFS: ("the file system is read-only", "choose another folder with --output"),
    errno.EIO: ("the device reported an error", "look after the disk before anything else"),
    errno.EFBIG: (
        "the file would be larger than the system allows",
        f"raise the limit (ulimit -f) or choose another file system, {_AGAIN}",
    ),
    errno.ENOENT: ("it is not there", ""),
    errno.ELOOP: ("it is a symbolic link, which is never followed", "move the link away"),
    errno.ENOTDIR: (
        "on the way to it a file or a symbolic link stands in place of a folder",
        "move that out of the way",
    ),
    errno.EISDIR: ("a folder stands in its place", "move the folder away"),
    errno.ENXIO: ("it is not a regular file", "move it away"),
    errno.EMFILE: ("too many files are open", f"raise the limit (ulimit -n), {_AGAIN}"),
}
if hasattr(errno, "EDQUOT"):
    _CAUSES[errno.EDQUOT] = ("the disk quota is used up", f"free some space, {_AGAIN}")


def storage_error(error: OSError, doing: str, path: PurePath | str) -> StorageError:
    """Return the error for the user: `doing` is what failed, as in "cannot write"."""
    number = error.errno or 0
    cause, hint = _CAUSES.get(number, (os.strerror(number) if number else str(error), ""))
    if doing == READING:
        hint = hint.removesuffix(_AGAIN).removesuffix(", ")
    return StorageError(f"{doing} {path}: {cause}", hint=hint)


def not_regular(path: PurePath | str) -> OSError:
    """Return the error of a path at which there is something else than a regular file."""
    return OSError(errno.ENXIO, "it is not a regular file", str(path))
