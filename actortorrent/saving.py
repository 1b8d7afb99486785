"""Save a torrent that came by a link as a .torrent file: `--save-torrent`.

What is written lies where the user said: at the path given or, if that is a folder, in it,
under the torrent's own name made safe. A file that is there already stays as it is: if it is
this very torrent, all is well, and else it is an error.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

from actortorrent.actors.disk_errors import storage_error
from actortorrent.errors import InvalidTorrentError, UsageError
from actortorrent.rules.safe_names import MAX_NAME_BYTES, safe_name, shorten
from actortorrent.wire.metainfo import Metainfo
from actortorrent.wire.metainfo_writing import document_of

__all__ = ["check_target", "save_torrent"]

SUFFIX = ".torrent"
PART_BYTES = 16  # that the name of the file has more while it is written


def check_target(target: Path) -> None:
    """Say early what would be in the way, before anything is fetched.

    Raises:
        StorageError: if there is no folder for it.
    """
    if not target.is_dir() and not target.parent.is_dir():
        missing = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        raise storage_error(missing, "cannot write into", target.parent)


def save_torrent(metainfo: Metainfo, target: Path) -> Path:
    """Write a torrent to a file, or into a folder under its own name; return where it is.

    Raises:
        UsageError: if something else is there.
        StorageError: if it cannot be written.
    """
    from actortorrent.creating import write_torrent  # noqa: PLC0415 - it brings the hashing along

    path = target / _name_of(metainfo) if target.is_dir() else target
    if not path.is_symlink() and not path.exists():
        write_torrent(path, document_of(metainfo), overwrite=True)  # whole, even if we are killed
    elif not _is_same(path, metainfo):
        raise UsageError(
            f"{path} exists already, and is not this torrent",
            hint="choose another name with --save-torrent",
        )
    return path


def _name_of(metainfo: Metainfo) -> str:
    name = safe_name(metainfo.name, for_windows=True)
    return shorten(name, MAX_NAME_BYTES - len(SUFFIX) - PART_BYTES) + SUFFIX


def _is_same(path: Path, metainfo: Metainfo) -> bool:
    try:
        return Metainfo.from_file(path).info_hash == metainfo.info_hash
    except InvalidTorrentError:
        return False
