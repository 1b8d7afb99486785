"""The files of a torrent, as its `info` dictionary lists them (BEP 3, BEP 47).

Paths are given here as they stand in the torrent: `rules/safe_paths.py` says where
they may lie on a disk.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from actortorrent.errors import MetainfoError
from actortorrent.wire.bencoding import Bencoded
from actortorrent.wire.fields import Fields
from actortorrent.wire.torrent_text import decode_text

MAX_FILES = 200_000
MAX_PATH_PARTS = 128
MAX_TOTAL_BYTES = 1 << 50  # a pebibyte
PADDING = "p"  # attributes of BEP 47
SYMBOLIC_LINK = "l"


@dataclass(frozen=True, slots=True)
class FileEntry:
    """Describe one file: path without the torrent's folder, bytes, offset in the torrent.

    `attributes` are letters of BEP 47: p padding, x executable, h hidden, l link.
    A link is kept as a file of no bytes: where it leads is nobody's business.
    """

    path: tuple[str, ...]
    length: int
    offset: int
    attributes: str = ""

    def __str__(self) -> str:
        return f"{'/'.join(self.path)} ({self.length} bytes)"

    @property
    def is_padding(self) -> bool:
        """Say whether this only fills a piece with zeros, so that nobody needs to keep it."""
        return PADDING in self.attributes


def read_single_file(info: Fields, name: str) -> tuple[FileEntry, ...]:
    """Return the one file of a single-file torrent.

    Raises:
        MetainfoError: if it has no sensible length.
    """
    length = info.need_int(b"length", 0, MAX_TOTAL_BYTES)
    return (FileEntry((name,), length, 0, info.find_text(b"attr")),)


def read_file_list(info: Fields, encoding: str) -> tuple[FileEntry, ...]:
    """Return the files of a multi-file torrent, in its order.

    Raises:
        MetainfoError: if there are none or too many, or one has no path or no length.
    """
    listed = info.need_list(b"files")
    if not 0 < len(listed) <= MAX_FILES:
        info.refuse(b"files", f"1 to {MAX_FILES} files", str(len(listed)))
    entries = []
    offset = 0
    for number, values in enumerate(listed):
        entry = _read_entry(values, number, offset, encoding)
        entries.append(entry)
        offset += entry.length
    if offset > MAX_TOTAL_BYTES:
        info.refuse(b"files", f"at most {MAX_TOTAL_BYTES} bytes together", str(offset))
    return tuple(entries)


def _read_entry(values: Bencoded, number: int, offset: int, encoding: str) -> FileEntry:
    fields = Fields(values, f"file {number}", MetainfoError)
    attributes = fields.find_text(b"attr")
    is_link = SYMBOLIC_LINK in attributes
    length = 0 if is_link else fields.need_int(b"length", 0, MAX_TOTAL_BYTES)
    if PADDING in attributes and b"path" not in fields:
        return FileEntry((".pad", str(length)), length, offset, attributes)
    return FileEntry(_read_path(fields, number, encoding), length, offset, attributes)


def _read_path(fields: Fields, number: int, encoding: str) -> tuple[str, ...]:
    parts = fields.find_list(b"path.utf-8") or fields.need_list(b"path")
    if not 0 < len(parts) <= MAX_PATH_PARTS:
        fields.refuse(b"path", f"1 to {MAX_PATH_PARTS} names", str(len(parts)))
    return tuple(
        decode_text(part, encoding) if isinstance(part, bytes) else _refuse_part(number)
        for part in parts
    )


def _refuse_part(number: int) -> NoReturn:
    raise MetainfoError(f"expected the path of file {number} to be a list of strings, found others")
