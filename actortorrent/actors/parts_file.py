"""What becomes of the parts file when its files are selected after all.

What a file has is never written over: it may be newer. It is only continued behind its end, so
that what was cut short, by a full disk or a power cut, is done again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from actortorrent.actors.content_layout import ContentLayout, shared_pieces
from actortorrent.actors.descriptors import read_fully
from actortorrent.actors.disk_errors import storage_error
from actortorrent.actors.files import Files

COPY_BYTES = 1024 * 1024


def move_selected_parts(layout: ContentLayout, files: Files) -> None:
    """Copy into files that are wanted what the parts file holds of them behind their present end.

    Whether what was copied is right is found out as for anything else on the disk.

    Raises:
        StorageError: if the disk does not let us.
    """
    if files.stat(layout.parts_index) is None:
        return
    try:
        _move_from(layout, files)
    except OSError as error:
        raise storage_error(error, "cannot read", layout.output / layout.parts_path) from error


def _move_from(layout: ContentLayout, files: Files) -> None:
    descriptor = files.folder.open(layout.parts_path, os.O_RDONLY)
    try:
        slots = {
            piece_index: slot * layout.geometry.piece_length
            for slot, piece_index in enumerate(shared_pieces(layout.geometry, layout.file_map))
        }
        for file_index in sorted(layout.wanted):
            found = files.stat(file_index)
            size = found.st_size if found is not None else 0
            _copy_edges(layout, files, (file_index, size), descriptor, slots)
    finally:
        os.close(descriptor)


def _copy_edges(
    layout: ContentLayout, files: Files, place: tuple[int, int], parts: int, slots: dict[int, int]
) -> None:
    """Copy what there is of a file from `place` on: (file index, offset in it)."""
    file_index, first_offset = place
    pieces = layout.pieces_of_file(file_index)
    start_of_file = layout.file_map.start(file_index)
    end_of_file = start_of_file + layout.file_map.lengths[file_index]
    for piece_index in sorted({pieces.start, pieces.stop - 1} & slots.keys()) if pieces else ():
        start_of_piece = layout.geometry.piece_offset(piece_index)
        start = max(start_of_file + first_offset, start_of_piece)
        end = min(end_of_file, start_of_piece + layout.geometry.piece_size(piece_index))
        begin_in_parts = slots[piece_index] + start - start_of_piece
        for done, data in _stretches(parts, begin_in_parts, end - start):
            if any(data):
                files.copy_into_file(file_index, start - start_of_file + done, data)


def _stretches(descriptor: int, offset: int, length: int) -> Iterator[tuple[int, memoryview]]:
    """Yield (offset from the first, bytes) of a stretch of a file, as far as the file goes."""
    buffer = memoryview(bytearray(max(0, min(length, COPY_BYTES))))
    for done in range(0, length, COPY_BYTES):
        part = buffer[: min(COPY_BYTES, length - done)]
        count = read_fully(descriptor, part, offset + done)
        yield done, part[:count]
