"""Where each byte of a torrent lies on the disk: a frozen value that any actor may read by.

A byte lies in its file; in no file, if it is padding (BEP 47), which reads as zeros; or
in the *parts file*, if its file was not selected and does not exist: pieces at the edge
of selected files hold such bytes, and without them they could be neither verified nor
shared with others.

The parts file has a slot of one piece length for every piece that holds bytes of
several files, in the order of these pieces. That order follows from the torrent alone,
so a byte's place in the parts file is the same whatever is selected.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from actortorrent.rules.geometry import FileMap, Geometry
from actortorrent.wire.metainfo import Metainfo

OUR_FOLDER = ".actortorrent"  # under the output folder: resume records and parts files
PADDING = -1  # in place of a file's index: zeros, kept nowhere


class Place(NamedTuple):
    """Name a stretch of a file on the disk.

    `file_index` is that of the torrent's file, `PADDING`, or the layout's `parts_index`.
    """

    file_index: int
    file_offset: int
    length: int


@dataclass(frozen=True, slots=True)
class ContentLayout:
    """Say where the bytes of a torrent lie under the folder `output`.

    Attributes:
        output: the folder, absolute.
        paths: under it, one a file; None for padding.
        wanted: the files that are selected; padding is not among them.
        in_parts: the files whose bytes, as far as they are needed, lie in the parts file.
        shared_pieces: the pieces with bytes of several files, in order; () if in_parts is.
    """

    output: Path
    info_hash: bytes
    geometry: Geometry
    file_map: FileMap = field(repr=False)
    paths: tuple[PurePosixPath | None, ...] = field(repr=False)
    wanted: frozenset[int] = field(repr=False)
    in_parts: frozenset[int] = field(repr=False)
    shared_pieces: tuple[int, ...] = field(repr=False)

    @property
    def parts_index(self) -> int:
        """Return the index that stands for the parts file: the one behind the last file's."""
        return len(self.paths)

    @property
    def parts_path(self) -> PurePosixPath:
        """Return where the parts file lies, under the output folder."""
        return PurePosixPath(OUR_FOLDER, f"{self.info_hash.hex()}.parts")

    @property
    def record_path(self) -> PurePosixPath:
        """Return where the resume record lies, under the output folder."""
        return PurePosixPath(OUR_FOLDER, f"{self.info_hash.hex()}.resume")

    @property
    def lock_path(self) -> PurePosixPath:
        """Return where the lock of whoever writes the content lies, under the output folder."""
        return PurePosixPath(OUR_FOLDER, f"{self.info_hash.hex()}.lock")

    def path_of(self, file_index: int) -> PurePosixPath:
        """Return the path, under the output folder, of a file or of the parts file."""
        if file_index == self.parts_index:
            return self.parts_path
        path = self.paths[file_index]
        assert path is not None, "padding has no path"
        return path

    def places(self, piece_index: int, offset: int, length: int) -> Iterator[Place]:
        """Yield, in order, where a stretch lies that begins in a piece, and may go on in the next."""
        start = self.geometry.piece_offset(piece_index) + offset
        for span in self.file_map.spans(start, length):
            if self.paths[span.file_index] is None:
                yield Place(PADDING, 0, span.length)
            elif span.file_index in self.in_parts:
                yield Place(self.parts_index, self.parts_offset(piece_index, offset), span.length)
            else:
                yield Place(span.file_index, span.file_offset, span.length)
            offset += span.length

    def parts_offset(self, piece_index: int, offset: int) -> int:
        """Return the offset in the parts file of a byte of a shared piece."""
        first = piece_index + offset // self.geometry.piece_length
        offset %= self.geometry.piece_length
        return bisect_left(self.shared_pieces, first) * self.geometry.piece_length + offset

    def pieces_of_file(self, file_index: int) -> range:
        """Return the pieces that hold any byte of a file."""
        start = self.file_map.start(file_index)
        return self.geometry.pieces_of(start, self.file_map.lengths[file_index])

    def wanted_pieces(self) -> int:
        """Return the pieces that hold any byte of a wanted file: bit i is piece i."""
        mask = 0
        for first, end in _joined(self.pieces_of_file(index) for index in sorted(self.wanted)):
            mask |= (1 << end) - (1 << first)
        return mask


def lay_out(
    metainfo: Metainfo,
    output: Path,
    paths: Sequence[PurePosixPath | None],
    selected: frozenset[int] | None,
    exists: Sequence[bool],
) -> ContentLayout:
    """Return the layout of a torrent's files.

    Args:
        selected: the files wanted, or None for all.
        exists: of each file, whether it is on the disk; then it is used though unselected.
    """
    geometry = Geometry(metainfo.total_length, metainfo.piece_length)
    file_map = FileMap([entry.length for entry in metainfo.files])
    real_files = frozenset(index for index, path in enumerate(paths) if path is not None)
    wanted = real_files if selected is None else real_files & selected
    in_parts = frozenset(index for index in real_files - wanted if not exists[index])
    return ContentLayout(
        output=output,
        info_hash=metainfo.info_hash,
        geometry=geometry,
        file_map=file_map,
        paths=tuple(paths),
        wanted=wanted,
        in_parts=in_parts,
        shared_pieces=shared_pieces(geometry, file_map) if in_parts else (),
    )


def shared_pieces(geometry: Geometry, file_map: FileMap) -> tuple[int, ...]:
    """Return, in order, the pieces that hold bytes of more than one file."""
    starts = (file_map.start(index) for index, n in enumerate(file_map.lengths) if n)
    return tuple(
        sorted(
            {start // geometry.piece_length for start in starts if start % geometry.piece_length}
        )
    )


def _joined(ranges: Iterator[range]) -> Iterator[tuple[int, int]]:
    """Yield (first, end) of ranges that come in order, those that touch as one."""
    first = end = 0
    for each in ranges:
        if each.start > end:
            yield first, end
            first = each.start
        end = max(end, each.stop)
    yield first, end
