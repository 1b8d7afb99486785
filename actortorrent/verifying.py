"""Compare content on the disk with its torrent, file by file; needs no actor.

Nothing is written, and no resume record is believed: every byte is read.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from actortorrent.actors.check_plan import look_at_files, plan_check
from actortorrent.actors.content_check import ContentCheck
from actortorrent.actors.content_layout import ContentLayout
from actortorrent.actors.content_location import ContentLocation, lay_out_content, locate_content
from actortorrent.actors.folder import Folder
from actortorrent.actors.resume import MISSING
from actortorrent.rules.bitfield import all_pieces, indexes_of
from actortorrent.wire.metainfo import Metainfo

__all__ = ["FileState", "FileVerdict", "Verification", "verify_content"]

CHECK_SECONDS = 0.25  # between two calls of on_progress
OnProgress = Callable[[int, int], object]


class FileState(Enum):
    """Say what a file is, compared with the torrent."""

    RIGHT = "right"
    MISSING = "missing"
    WRONG_SIZE = "wrong size"
    DAMAGED = "damaged"
    UNPROVEN = "unproven"  # a piece it shares with a missing file can be no proof


@dataclass(frozen=True, slots=True)
class FileVerdict:
    """Say how one file compares; `size` is None where it is missing.

    `pieces` are the bad ones that hold a byte of it; of a damaged file, only those that
    are there and wrong.
    """

    path: str
    state: FileState
    length: int
    size: int | None
    pieces: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Verification:
    """Say how content compares with its torrent.

    Attributes:
        location: where the content was found.
        files: all of them, in the torrent's order, without padding.
        bad_pieces: indexes of the pieces that are damaged, or of which bytes are missing.
        piece_count: pieces in all.
    """

    location: ContentLocation
    files: tuple[FileVerdict, ...] = field(repr=False)
    bad_pieces: tuple[int, ...] = field(repr=False)
    piece_count: int

    @property
    def is_right(self) -> bool:
        """Say whether everything is as the torrent describes it."""
        return all(file.state is FileState.RIGHT for file in self.files)


def verify_content(
    metainfo: Metainfo,
    directory: str | os.PathLike[str],
    *,
    on_progress: OnProgress | None = None,
) -> Verification:
    """Read all content in `directory` and compare it with its torrent.

    Args:
        metainfo: the torrent.
        directory: the folder that holds the content, or the content's own root.
        on_progress: told (bytes read, bytes to read) a few times a second.

    Raises:
        StorageError: if there is nothing at `directory`, or a file cannot be read.
    """
    location = locate_content(metainfo, Path(directory))
    layout = lay_out_content(metainfo, location.output, location.paths, None)
    folder = Folder(layout.output)
    try:
        found = look_at_files(folder, layout, is_strict=False)
    finally:
        folder.close()
    plan = plan_check(metainfo, layout, found, None)
    right = plan.verified | _check(metainfo, layout, plan.to_check, on_progress)
    bad = set(indexes_of(all_pieces(metainfo.piece_count) & ~right))
    files = _judge_files(layout, found.marks.sizes, bad, set(indexes_of(found.lacking)))
    return Verification(location, files, tuple(sorted(bad)), metainfo.piece_count)


def _check(
    metainfo: Metainfo, layout: ContentLayout, to_check: int, on_progress: OnProgress | None
) -> int:
    total = layout.geometry.bytes_of(to_check)
    check = ContentCheck(metainfo, layout, to_check)
    try:
        while not check.is_done:
            check.advance(CHECK_SECONDS)
            if on_progress is not None:
                on_progress(check.checked_bytes, total)
    finally:
        check.close()
    return check.verified


def _judge_files(
    layout: ContentLayout, sizes: Sequence[int], all_bad: set[int], lacking: set[int]
) -> tuple[FileVerdict, ...]:
    verdicts = []
    for index, path in enumerate(layout.paths):
        if path is not None:
            bad_here = all_bad.intersection(layout.pieces_of_file(index))
            size = None if sizes[index] == MISSING else sizes[index]
            length = layout.file_map.lengths[index]
            state = _state(size, length, bool(bad_here), bool(bad_here - lacking))
            pieces = bad_here - lacking if state is FileState.DAMAGED else bad_here
            verdicts.append(FileVerdict(str(path), state, length, size, tuple(sorted(pieces))))
    return tuple(verdicts)


def _state(size: int | None, length: int, has_bad: bool, has_damaged: bool) -> FileState:
    if size is None:
        return FileState.MISSING
    if size != length:
        return FileState.WRONG_SIZE
    if not has_bad:
        return FileState.RIGHT
    return FileState.DAMAGED if has_damaged else FileState.UNPROVEN
