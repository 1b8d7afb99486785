"""Torrents as commands take them: a path in, a `Metainfo` out, and its files by number.

Apart from `api`, since what only looks into a torrent or hashes content needs no session,
and to import one takes longer than many of these commands run. For that reason, too, what only
links, URLs and lists of files need is imported where they are met.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from actortorrent.errors import InvalidTorrentError
from actortorrent.wire.metainfo import Metainfo

if TYPE_CHECKING:
    from actortorrent.rules.selection import NumberedFile
    from actortorrent.wire.magnet import Magnet
    from actortorrent.wire.proxy_handshake import Proxy

__all__ = ["FilePath", "Source", "find_torrent", "listed_files", "load_torrent", "wanted_length"]

FilePath = str | os.PathLike[str]
Source = FilePath | Metainfo

_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_WEB_SCHEMES = ("http://", "https://")


def load_torrent(source: Source) -> Metainfo:
    """Return the torrent that `source`, a .torrent file, is.

    Raises:
        InvalidTorrentError: if it cannot be read or is no torrent, or is a magnet link, URL
            or info-hash, of which `find_torrent` knows more.
    """
    if isinstance(source, Metainfo):
        return source
    text = os.fspath(source)
    kind = _kind_of(text)
    if kind:
        raise InvalidTorrentError(
            f"expected a .torrent file, found {kind}",
            hint="`actortorrent fetch` takes it, and with --save-torrent makes a file of it",
        )
    return Metainfo.from_file(text)


def find_torrent(
    source: Source | Magnet, *, bind: str | None = None, proxy: Proxy | None = None
) -> Metainfo | Magnet:
    """Return the torrent that `source` is, or the link that it is or stands for.

    Args:
        source: path or http(s) URL of a .torrent file, a magnet link, or an info-hash of 40
            hexadecimal or 32 base32 characters, which no file may be named like.
        bind: address or interface of ours to fetch a URL from, or None.
        proxy: through which to fetch it, or None.

    Raises:
        InvalidTorrentError: if it cannot be read, or is none of that.
    """
    from actortorrent.wire.magnet import (  # noqa: PLC0415 - see above
        Magnet,
        is_magnet,
        parse_info_hash,
        parse_magnet,
    )

    if isinstance(source, Magnet | Metainfo):
        return source
    text = os.fspath(source)
    if is_magnet(text):
        return parse_magnet(text)
    if text.lower().startswith(_WEB_SCHEMES):
        return _from_web(text, bind, proxy)
    info_hash = None if os.path.exists(text) else parse_info_hash(text)  # noqa: PTH110 - see `_kind_of`
    return Magnet(info_hash) if info_hash is not None else load_torrent(text)


def _from_web(url: str, bind: str | None, proxy: Proxy | None) -> Metainfo:
    # It takes long to load, and few torrents come this way.
    from actortorrent.actors.interfaces import own_address  # noqa: PLC0415
    from actortorrent.actors.torrent_download import download_torrent  # noqa: PLC0415
    from actortorrent.wire.tracker_urls import shown_url  # noqa: PLC0415

    raw = download_torrent(url, bind=own_address(bind), proxy=proxy)
    try:
        return Metainfo.from_bytes(raw)
    except InvalidTorrentError as error:
        message = f"what {shown_url(url)} sent is not a torrent we can use: {error}"
        raise InvalidTorrentError(message, hint=error.hint) from error


def listed_files(metainfo: Metainfo) -> tuple[NumberedFile, ...]:
    """Return the files as people see them: numbered from 1, without padding."""
    from actortorrent.rules.selection import numbered_files  # noqa: PLC0415 - see above

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
    if os.path.exists(text):  # noqa: PTH110 - of a text too long for a path, `Path` raises
        return ""
    from actortorrent.wire.magnet import is_magnet, parse_info_hash  # noqa: PLC0415 - see above

    if is_magnet(text):
        return "a magnet link"
    if _URL.match(text):
        return "a URL"
    return "an info-hash" if parse_info_hash(text) is not None else ""
