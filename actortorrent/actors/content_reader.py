"""Read a torrent's content from the disk: what peers are served from, and what is checked.

A reader belongs to one thread. Each peer makes its own from the `ContentLayout` that
the storage gave out at the start, so that serving sends no message to the storage.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from actortorrent.actors.content_layout import PADDING, ContentLayout, Place
from actortorrent.actors.descriptors import Descriptors, read_fully, read_scattered
from actortorrent.errors import StorageError

if TYPE_CHECKING:
    from actortorrent.wire.block_rows import BlockRow  # what only checks does without its imports

MAX_OPEN_FILES = 4  # of one reader; there is one a peer
_ZEROS = bytes(64 * 1024)


class ContentReader:
    """Read stretches of pieces, wherever they lie; verified pieces only make sense."""

    def __init__(self, layout: ContentLayout, *, most_open: int = MAX_OPEN_FILES) -> None:
        self._layout = layout
        self._descriptors = Descriptors(layout, most_open)

    def read(self, piece_index: int, offset: int, length: int) -> bytearray:
        """Return a stretch of one piece.

        Raises:
            StorageError: if it is not there any more.
        """
        data = bytearray(length)
        self.read_into(piece_index, offset, memoryview(data))
        return data

    def read_into(self, piece_index: int, offset: int, buffer: memoryview) -> None:
        """Fill `buffer` with a stretch of one piece.

        Raises:
            StorageError: if it is not there any more.
        """
        read_places(self._descriptors, self._layout, (piece_index, offset), buffer)

    def read_blocks(self, row: BlockRow, blocks: Sequence[memoryview]) -> None:
        """Fill a buffer for each block of a row, in one call where all are in one file.

        Raises:
            StorageError: if it is not there any more.
        """
        first = next(self._layout.places(row.piece_index, row.offset, row.length))
        if first.length < row.length or first.file_index == PADDING:
            self._read_and_cut(row, blocks)
        elif self._scatter(first, blocks) < row.length:
            self._read_and_cut(row, blocks)  # or say why that cannot be

    def _scatter(self, place: Place, blocks: Sequence[memoryview]) -> int:
        index = place.file_index
        try:
            return read_scattered(self._descriptors.for_reading(index), blocks, place.file_offset)
        except OSError as error:
            raise self._descriptors.error(error, "cannot read", index) from error

    def _read_and_cut(self, row: BlockRow, blocks: Sequence[memoryview]) -> None:
        for (piece_index, offset, _), block in zip(row.blocks(), blocks, strict=True):
            self.read_into(piece_index, offset, block)

    def close(self) -> None:
        """Close the files that are open; reading opens them again."""
        self._descriptors.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def read_places(
    descriptors: Descriptors, layout: ContentLayout, start: tuple[int, int], buffer: memoryview
) -> None:
    """Fill `buffer` with what stands at `start`, (piece index, offset in it), of one piece.

    Raises:
        StorageError: if a file is missing or too short, or cannot be read.
    """
    done = 0
    for place in layout.places(*start, len(buffer)):
        part = buffer[done : done + place.length]
        if place.file_index == PADDING:
            fill_with_zeros(part)
        else:
            _read_place(descriptors, place, part)
        done += place.length


def _read_place(descriptors: Descriptors, place: Place, buffer: memoryview) -> None:
    index = place.file_index
    try:
        count = read_fully(descriptors.for_reading(index), buffer, place.file_offset)
    except OSError as error:
        raise descriptors.error(error, "cannot read", index) from error
    if count < len(buffer):
        end = place.file_offset + count
        wanted = place.file_offset + place.length
        path = descriptors.shown_path(index)
        raise StorageError(f"cannot read {path}: it ends at byte {end}, expected {wanted} at least")


def fill_with_zeros(buffer: memoryview) -> None:
    """Set all bytes to zero."""
    for start in range(0, len(buffer), len(_ZEROS)):
        part = buffer[start : start + len(_ZEROS)]
        part[:] = _ZEROS[: len(part)]
