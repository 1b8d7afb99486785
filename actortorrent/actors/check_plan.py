"""What of the content on the disk must be read and hashed, and what is known without.

Known without are: pieces of which bytes are missing; pieces that a trusted record
claims; and pieces that lie in holes altogether, which are zeros.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from actortorrent.actors.content_layout import ContentLayout
from actortorrent.actors.disk_errors import storage_error
from actortorrent.actors.folder import Folder
from actortorrent.actors.holes import data_extents, may_have_holes
from actortorrent.actors.resume import FileMarks, is_racy, is_same
from actortorrent.rules.bitfield import all_pieces, indexes_of, mask_of, mask_of_flags
from actortorrent.wire.metainfo import Metainfo

if TYPE_CHECKING:
    from actortorrent.wire.resume_record import ResumeRecord


class FilesFound(NamedTuple):
    """Say what is on the disk; pieces are masks, bit i is piece i.

    Attributes:
        marks: the size and time of each file.
        lacking: pieces of which a byte is on no disk.
        data: pieces with a byte that is in no hole.
    """

    marks: FileMarks
    lacking: int
    data: int


class CheckPlan(NamedTuple):
    """Say what is known of the pieces; masks, bit i is piece i.

    Attributes:
        verified: known to be right without a look.
        to_check: to be read and hashed.
        partial: (piece index, mask of stored blocks) of pieces that are unfinished.
        begun: of which some bytes may be there, and no record knows which.
    """

    verified: int
    to_check: int
    partial: tuple[tuple[int, int], ...] = ()
    begun: int = 0


def look_at_files(folder: Folder, layout: ContentLayout, *, is_strict: bool) -> FilesFound:
    """Look at every file, reading none.

    Where `is_strict`, a link or anything else that is no regular file is an error; else
    it counts as missing.

    Raises:
        StorageError: for that, or if the disk does not let us look.
    """
    marks = FileMarks(len(layout.paths) + 1)
    lacking, data = _PieceSet(layout), _PieceSet(layout)
    for index, path in enumerate(layout.paths):
        if path is not None and index not in layout.in_parts:
            found = _stat(folder, layout, index, is_strict=is_strict)
            marks.note(index, found)
            lacking.add_stretch(index, max(marks.sizes[index], 0), layout.file_map.lengths[index])
            for start, end in _extents(folder, layout, index, found):
                data.add_stretch(index, start, end)
    marks.note(layout.parts_index, _stat(folder, layout, layout.parts_index, is_strict=is_strict))
    _look_at_parts(layout, marks.sizes[layout.parts_index], lacking, data)
    return FilesFound(marks, lacking.mask(), data.mask())


def plan_check(
    metainfo: Metainfo, layout: ContentLayout, found: FilesFound, record: ResumeRecord | None
) -> CheckPlan:
    """Decide what to check: all that is on the disk, less what the record can vouch for."""
    everything = all_pieces(layout.geometry.piece_count)
    present = everything & ~found.lacking
    if record is None:
        zeros = _zero_pieces(metainfo, layout, present & ~found.data)
        return CheckPlan(zeros, present & found.data, begun=found.data)
    changed, racy = _judge_files(layout, found.marks, record)
    verified = record.verified & present & ~changed
    claimed = {
        index: blocks & layout.geometry.all_blocks(index) for index, blocks in record.partial
    }
    partial = tuple(
        (index, blocks)
        for index, blocks in claimed.items()
        if blocks and not (verified | changed) >> index & 1
    )
    whole = mask_of(
        index for index, blocks in partial if blocks == layout.geometry.all_blocks(index)
    )
    doubtful = present & ~verified & (changed | racy | whole)
    zeros = _zero_pieces(metainfo, layout, doubtful & ~found.data)
    unfinished = tuple(pair for pair in partial if not whole >> pair[0] & 1)
    begun = found.data & (changed | racy) & ~mask_of(index for index, _ in unfinished)
    return CheckPlan(verified | zeros, doubtful & found.data, unfinished, begun)


class _PieceSet:
    """Gather pieces, stretch by stretch of files."""

    def __init__(self, layout: ContentLayout) -> None:
        self._layout = layout
        self._flags = bytearray(layout.geometry.piece_count)

    def add(self, pieces: range) -> None:
        self._flags[pieces.start : pieces.stop] = b"\1" * len(pieces)

    def add_stretch(self, file_index: int, start: int, end: int) -> None:
        """Add the pieces that hold a byte of a stretch of a file, as far as the file goes."""
        file_map = self._layout.file_map
        length = min(end, file_map.lengths[file_index]) - start
        self.add(self._layout.geometry.pieces_of(file_map.start(file_index) + start, length))

    def mask(self) -> int:
        return mask_of_flags(self._flags)


def _stat(
    folder: Folder, layout: ContentLayout, file_index: int, *, is_strict: bool
) -> os.stat_result | None:
    path = layout.path_of(file_index)
    try:
        return folder.stat(path)
    except OSError as error:
        if is_strict:
            raise storage_error(error, "cannot use", layout.output / path) from error
        return None


def _extents(
    folder: Folder, layout: ContentLayout, file_index: int, found: os.stat_result | None
) -> Iterable[tuple[int, int]]:
    if found is None:
        return ()
    if not may_have_holes(found):
        return ((0, found.st_size),)
    path = layout.path_of(file_index)
    try:
        descriptor = folder.open(path, os.O_RDONLY)
    except OSError as error:
        raise storage_error(error, "cannot read", layout.output / path) from error
    try:
        return list(data_extents(descriptor, found.st_size))
    finally:
        os.close(descriptor)


def _look_at_parts(layout: ContentLayout, size: int, lacking: _PieceSet, data: _PieceSet) -> None:
    """Sort the pieces of unselected files: bytes of theirs lie in the parts file, or nowhere."""
    shared = frozenset(layout.shared_pieces)
    for index in layout.in_parts:
        pieces = layout.pieces_of_file(index)
        kept = [
            piece_index
            for piece_index in {pieces.start, pieces.stop - 1} & shared
            if _end_in_parts(layout, index, piece_index) <= size
        ]
        lacking.add(
            range(pieces.start + (pieces.start in kept), pieces.stop - (pieces.stop - 1 in kept))
        )
        for piece_index in kept:
            data.add(range(piece_index, piece_index + 1))


def _end_in_parts(layout: ContentLayout, file_index: int, piece_index: int) -> int:
    """Return where in the parts file the last byte of a file in a shared piece ends."""
    end_of_file = layout.file_map.start(file_index) + layout.file_map.lengths[file_index]
    end = end_of_file - layout.geometry.piece_offset(piece_index)
    return layout.parts_offset(piece_index, min(end, layout.geometry.piece_size(piece_index)))


def _judge_files(layout: ContentLayout, marks: FileMarks, record: ResumeRecord) -> tuple[int, int]:
    """Return the pieces of files that look different now, and of those that hardly can."""
    changed, racy = _PieceSet(layout), _PieceSet(layout)
    are_parts_same = is_same(record, marks, layout.parts_index)
    for index, path in enumerate(layout.paths):
        if path is None:
            continue
        pieces = layout.pieces_of_file(index)
        if not is_same(record, marks, index) or (index in layout.in_parts and not are_parts_same):
            changed.add(pieces)
        elif is_racy(record, index) or (
            index in layout.in_parts and is_racy(record, layout.parts_index)
        ):
            racy.add(pieces)
    return changed.mask(), racy.mask()


def _zero_pieces(metainfo: Metainfo, layout: ContentLayout, pieces: int) -> int:
    """Return those of the pieces that ought to be zeros, as these are."""
    hashes: dict[int, bytes] = {}
    right = []
    for index in indexes_of(pieces):
        size = layout.geometry.piece_size(index)
        if size not in hashes:
            hashes[size] = hashlib.sha1(bytes(size), usedforsecurity=False).digest()
        if metainfo.piece_hash(index) == hashes[size]:
            right.append(index)
    return mask_of(right)
