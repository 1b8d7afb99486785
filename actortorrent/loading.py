"""Torrents as commands take them: a path in, a `Metainfo` out, and its files by number.

Apart from `api`, since what only looks into a torrent or hashes content needs no session,
and to import one takes longer than many of these commands run.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from actortorrent.errors import InvalidTorrentError
from actortorrent.rules.selection import NumberedFile, numbered_files
from actortorrent.wire.metainfo import Metainfo

__all__ = ["FilePath", "Source", "listed_files", "load_torrent", "wanted_length"]

FilePath = str | os.PathLike[str]
Source = FilePath | Metainfo

_MAGNET = re.compile(r"magnet:", re.IGNORECASE)
_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_INFO_HASH = re.compile(r"[0-9a-f]{40}|[a-z2-7]{32}", re.IGNORECASE)


def load_torrent(source: Source) -> Metainfo:
    """Return the torrent that `source` names.

    Raises:
        InvalidTorrentError: if it cannot be read or is no torrent, or is a magnet link, URL
            or info-hash, which this version does not take.
    """
    if isinstance(source, Metainfo):
        return source
    text = os.fspath(source)
    kind = _kind_of(text)
    if kind:
        raise InvalidTorrentError(
            f"expected a .torrent file, found {kind}: this version takes only files",
            hint="get the .torrent file itself, and give its path",
        )
    return Metainfo.from_file(text)


def listed_files(metainfo: Metainfo) -> tuple[NumberedFile, ...]:
    """Return the files as people see them: numbered from 1, without padding."""
    return numbered_files(metainfo.files)


def wanted_length(metainfo: Metainfo, selected: frozenset[int] | None) -> int:
    """Return the bytes of the selected files, without padding."""
    return sum(
        entry.length
        for index, entry in enumerate(metainfo.files)
        if not entry.is_padding and (selected is None or index in selected)
    )


def _kind_of(text: str) -> str:
    """Return what a source is that is no path, or nothing."""
    if _MAGNET.match(text):
        return "a magnet link"
    if _URL.match(text):
        return "a URL"
    return "an info-hash" if _INFO_HASH.fullmatch(text) and not Path(text).exists() else ""
