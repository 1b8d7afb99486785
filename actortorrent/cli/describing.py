"""What a torrent says, for people and for scripts: what `show` and `create` print.

Everything in a torrent was written by a stranger: text for people passes `safe_text`,
and JSON is ASCII alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from actortorrent.cli.text import format_size, plural, safe_text
from actortorrent.loading import listed_files, wanted_length

if TYPE_CHECKING:
    from actortorrent import Metainfo

SCHEMA = "actortorrent-torrent/1"
LABEL_WIDTH = 10
MAX_LISTED_FILES = 40  # more are told by their number, unless all are asked for
MAX_COMMENT_LENGTH = 2000  # characters shown; some torrents have a book there
KIBI = 1024


def describe_torrent(metainfo: Metainfo, *, all_files: bool = False) -> Iterator[str]:
    """Yield lines for people; a long list of files is cut, unless `all_files`."""
    for label, text in _facts(metainfo):
        yield f"{label:<{LABEL_WIDTH}} {text}"
    yield ""
    yield from _file_lines(metainfo, all_files=all_files)


def torrent_to_json(metainfo: Metainfo) -> dict[str, Any]:
    """Return what `show --json` prints; docs/torrent-files.md says what each key means."""
    return {
        "schema": SCHEMA,
        "name": metainfo.name,
        "info_hash": metainfo.info_hash_hex,
        "total_bytes": wanted_length(metainfo, None),
        "padding_bytes": metainfo.total_length - wanted_length(metainfo, None),
        "piece_length": metainfo.piece_length,
        "piece_count": metainfo.piece_count,
        "is_single_file": metainfo.is_single_file,
        "is_private": metainfo.is_private,
        "trackers": [list(tier) for tier in metainfo.tracker_tiers],
        "web_seeds": list(metainfo.web_seeds),
        "comment": metainfo.comment,
        "created_by": metainfo.created_by,
        "creation_date": metainfo.creation_date,
        "files": [
            {
                "number": file.number,
                "path": list(file.entry.path),
                "length": file.entry.length,
                "attributes": file.entry.attributes,
            }
            for file in listed_files(metainfo)
        ],
    }


def format_piece_length(byte_count: int) -> str:
    """Return the length of a piece exactly: `256 KiB`, `4 MiB`, `1,000 B`."""
    for unit, size in (("MiB", KIBI * KIBI), ("KiB", KIBI)):
        if byte_count % size == 0:
            return f"{byte_count // size:,} {unit}"
    return f"{byte_count:,} B"


def _facts(metainfo: Metainfo) -> Iterator[tuple[str, str]]:
    """Yield (label, text) of all but the files."""
    total = wanted_length(metainfo, None)
    files = plural(len(listed_files(metainfo)), "file")
    yield "name", safe_text(metainfo.name)
    yield "info-hash", metainfo.info_hash_hex
    yield "size", f"{format_size(total)} ({total:,} bytes) in {files}"
    yield (
        "pieces",
        f"{metainfo.piece_count:,} of {format_piece_length(metainfo.piece_length)}",
    )
    yield "private", "yes: peers from its trackers alone" if metainfo.is_private else "no"
    yield from _sources(metainfo)
    yield from _origin(metainfo)


def _sources(metainfo: Metainfo) -> Iterator[tuple[str, str]]:
    for number, tier in enumerate(metainfo.tracker_tiers, 1):
        for url in tier:
            yield f"tier {number}", safe_text(url)
    if not metainfo.tracker_tiers:
        yield "trackers", "none"
    for url in metainfo.web_seeds:
        yield "web seed", safe_text(url)


def _origin(metainfo: Metainfo) -> Iterator[tuple[str, str]]:
    if metainfo.creation_date is not None:
        yield "created", f"{datetime.fromtimestamp(metainfo.creation_date, UTC):%Y-%m-%d %H:%M} UTC"
    if metainfo.created_by:
        yield "made by", safe_text(metainfo.created_by)
    for number, line in enumerate(_shortened(metainfo.comment).splitlines()):
        yield "" if number else "comment", safe_text(line)


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_COMMENT_LENGTH else f"{text[:MAX_COMMENT_LENGTH]}…"


def _file_lines(metainfo: Metainfo, *, all_files: bool) -> Iterator[str]:
    files = listed_files(metainfo)
    shown = files if all_files or len(files) <= MAX_LISTED_FILES + 1 else files[:MAX_LISTED_FILES]
    width = len(str(len(files)))
    for file in shown:
        size = format_size(file.entry.length)
        yield f"{file.number:>{width}}  {size:>10}  {safe_text(file.path)}"
    left_out = files[len(shown) :]
    if left_out:
        size = format_size(sum(file.entry.length for file in left_out))
        yield f"and {plural(len(left_out), 'file')} more, {size} (--all lists them)"
