"""Where a web seed has the bytes of a torrent: URLs and ranges within files (BEP 19).

The torrent's bytes are those of its files, one after the other. Padding (BEP 47) is nowhere on
the server: it is zeros. A file whose path would lead out of the torrent's folder is not asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from msgspec import Struct

from actortorrent.rules.bitfield import all_pieces
from actortorrent.rules.geometry import FileMap, Geometry
from actortorrent.wire.torrent_files import FileEntry

_NO_NAMES = frozenset(["", ".", ".."])  # a server would read them as another path


@dataclass(frozen=True, slots=True)
class Part:
    """Name a stretch of one file, or of padding (`url` is empty), of one byte or more."""

    file_index: int
    first_byte: int
    length: int
    file_length: int
    url: str = field(repr=False)

    @property
    def last_byte(self) -> int:
        """Return the offset of its last byte in the file."""
        return self.first_byte + self.length - 1

    @property
    def is_padding(self) -> bool:
        """Say whether it is zeros, and on no server."""
        return not self.url


class RangeCall(Struct, frozen=True):
    """Say what is fetched in one go; the number tells the calls of one web seed apart."""

    conn: int
    number: int
    parts: tuple[Part, ...]


class WebSeedFiles:
    """Say where one web seed has each byte of a torrent.

    Args:
        url: http or https, as the torrent gives it.
        name: of the torrent's file or folder.
        files: in the torrent's order, padding included.
        is_single_file: whether the torrent is one file and no folder.
        piece_length: bytes in every piece but the last.
    """

    def __init__(
        self,
        url: str,
        name: str,
        files: Sequence[FileEntry],
        *,
        is_single_file: bool,
        piece_length: int,
    ) -> None:
        self._url = url
        self._name = name
        self._files = files
        self._is_single_file = is_single_file
        self._map = FileMap([entry.length for entry in files])
        self._geometry = Geometry(self._map.total_length, piece_length)

    def parts(self, offset: int, length: int) -> tuple[Part, ...]:
        """Return the files' stretches that make up a stretch of the torrent, in order."""
        return tuple(
            Part(
                span.file_index,
                span.file_offset,
                span.length,
                self._map.lengths[span.file_index],
                self.url_of(span.file_index) or "",
            )
            for span in self._map.spans(offset, length)
        )

    def url_of(self, file_index: int) -> str | None:
        """Return where a file lies; None for padding, and for what must not be asked for."""
        entry = self._files[file_index]
        path = self._path(entry)
        if not self._is_asked_for(entry, path):
            return None
        if self._is_single_file and not self._url.endswith("/"):
            return self._url
        slash = "" if self._url.endswith("/") else "/"
        return self._url + slash + "/".join(quote(name, safe="") for name in path)

    def pieces(self) -> int:
        """Return the pieces that may be asked for: bit i is piece i."""
        pieces = all_pieces(self._geometry.piece_count)
        for index, entry in enumerate(self._files):
            if not entry.is_padding and not self._is_asked_for(entry, self._path(entry)):
                pieces &= ~self.pieces_of(index)
        return pieces

    def pieces_of(self, file_index: int) -> int:
        """Return the pieces that hold any byte of a file."""
        length = self._map.lengths[file_index]
        pieces = self._geometry.pieces_of(self._map.start(file_index), length)
        return (1 << pieces.stop) - (1 << pieces.start)

    def _path(self, entry: FileEntry) -> tuple[str, ...]:
        return (self._name,) if self._is_single_file else (self._name, *entry.path)

    def _is_asked_for(self, entry: FileEntry, path: tuple[str, ...]) -> bool:
        if self._is_single_file and not self._url.endswith("/"):
            return True
        return not entry.is_padding and not any(name in _NO_NAMES for name in path)
