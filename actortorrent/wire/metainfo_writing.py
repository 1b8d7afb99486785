"""Make a .torrent file: a torrent of version 1 (BEP 3, BEP 12, BEP 19, BEP 27)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from actortorrent.wire.bencoding import Encodable, encode

if TYPE_CHECKING:
    from actortorrent.wire.metainfo import Metainfo


def build_metainfo(
    *,
    name: str,
    piece_length: int,
    piece_hashes: bytes,
    files: Sequence[tuple[tuple[str, ...], int]],
    is_single_file: bool,
    tracker_tiers: Sequence[Sequence[str]] = (),
    web_seeds: Sequence[str] = (),
    is_private: bool = False,
    comment: str = "",
    created_by: str = "",
    creation_date: int | None = None,
) -> bytes:
    """Return the bytes of a .torrent file; the same arguments make the same bytes.

    `files` are (path without the torrent's folder, bytes); of a single-file torrent only
    the length counts. `creation_date` is seconds since 1970; None leaves it out.
    """
    info: dict[str, Encodable] = {
        "name": name,
        "piece length": piece_length,
        "pieces": piece_hashes,
    }
    if is_single_file:
        info["length"] = files[0][1]
    else:
        info["files"] = [{"length": length, "path": path} for path, length in files]
    if is_private:
        info["private"] = 1
    about = _describe(tracker_tiers, web_seeds, comment, created_by)
    if creation_date is not None:
        about["creation date"] = creation_date
    return encode({**about, "info": info})


def _describe(
    tracker_tiers: Sequence[Sequence[str]],
    web_seeds: Sequence[str],
    comment: str,
    created_by: str,
) -> dict[str, Encodable]:
    """Return what stands beside `info`; what is empty is left out."""
    trackers = [url for tier in tracker_tiers for url in tier]
    about: dict[str, Encodable] = {
        "announce": trackers[0] if trackers else "",
        "announce-list": [list(tier) for tier in tracker_tiers] if len(trackers) > 1 else [],
        "comment": comment,
        "created by": created_by,
        "url-list": list(web_seeds),
    }
    return {key: value for key, value in about.items() if value}


def document_around(
    raw_info: bytes,
    *,
    tracker_tiers: Sequence[Sequence[str]] = (),
    web_seeds: Sequence[str] = (),
    comment: str = "",
    created_by: str = "",
    creation_date: int | None = None,
) -> bytes:
    """Return the bytes of a .torrent file with an info dictionary just as it is given."""
    about = _describe(tracker_tiers, web_seeds, comment, created_by)
    if creation_date is not None:
        about["creation date"] = creation_date
    before = {key: value for key, value in about.items() if key < "info"}
    behind = {key: value for key, value in about.items() if key > "info"}
    return b"".join((encode(before)[:-1], b"4:info", raw_info, encode(behind)[1:]))


def document_of(metainfo: Metainfo) -> bytes:
    """Return the bytes of a .torrent file that says all that we know of a torrent."""
    return document_around(
        metainfo.raw_info,
        tracker_tiers=metainfo.tracker_tiers,
        web_seeds=metainfo.web_seeds,
        comment=metainfo.comment,
        created_by=metainfo.created_by,
        creation_date=metainfo.creation_date,
    )
