"""The files of a torrent under the output folder: written stretch by stretch.

Files grow as they are written, so what was never written takes no room on the disk
(where the file system knows holes). A file that is longer than the torrent says is cut
only when it is finished and this session wrote into it: what we did not make stays.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from actortorrent.actors.content_layout import PADDING, ContentLayout
from actortorrent.actors.content_reader import read_places
from actortorrent.actors.descriptor_room import most_files
from actortorrent.actors.descriptors import Descriptors, write_fully
from actortorrent.actors.disk_errors import storage_error
from actortorrent.actors.folder_lock import FolderLock
from actortorrent.errors import StorageError

MAX_OPEN_FILES = 64


class Files:
    """Write and read the content of a torrent; used by the storage's thread alone."""

    def __init__(self, layout: ContentLayout) -> None:
        self._layout = layout
        self._descriptors = Descriptors(layout, most_files(MAX_OPEN_FILES))
        self.folder = self._descriptors.folder
        self._lock = FolderLock(self.folder, layout.lock_path)
        self.written: set[int] = set()  # indexes of the files written since the start
        self.unsaved: set[int] = set()  # of these, since they were last asked about

    def write(self, piece_index: int, offset: int, data: memoryview) -> None:
        """Write a stretch that begins in a piece, and may go on in the next.

        Raises:
            StorageError: if the disk does not take it.
        """
        done = 0
        for place in self._layout.places(piece_index, offset, len(data)):
            if place.file_index != PADDING:
                part = data[done : done + place.length]
                self._write_file(place.file_index, place.file_offset, part)
            done += place.length

    def read_into(self, piece_index: int, offset: int, buffer: memoryview) -> None:
        """Fill `buffer` with a stretch of one piece.

        Raises:
            StorageError: if it is not there.
        """
        read_places(self._descriptors, self._layout, (piece_index, offset), buffer)

    def copy_into_file(self, file_index: int, file_offset: int, data: memoryview) -> None:
        """Write bytes into a file at its own offset, as `write` does."""
        self._write_file(file_index, file_offset, data)

    def make_root(self) -> None:
        """Make the output folder.

        Raises:
            StorageError: if it cannot be made, or a file stands in its place.
        """
        output = self._layout.output
        try:
            self.folder.make_root()
        except FileExistsError as error:
            raise StorageError(
                f"cannot write to {output}: expected a folder, found a file",
                hint="choose another folder with --output",
            ) from error
        except OSError as error:
            raise storage_error(error, "cannot make the folder", output) from error

    def lock(self) -> None:
        """Keep others from writing the same content into the same folder until we close.

        Raises:
            StorageError: if another does so now.
        """
        if not self._lock.take():
            raise StorageError(
                f"another actortorrent is at work on this torrent in {self._layout.output}",
                hint="wait until it has ended, or choose another folder with --output",
            )

    def stat(self, file_index: int) -> os.stat_result | None:
        """Return what is known of a file or of the parts file; None where it is missing.

        Raises:
            StorageError: if it is no regular file, or a link leads to it.
        """
        try:
            return self._descriptors.stat(file_index)
        except OSError as error:
            raise self._descriptors.error(error, "cannot use", file_index) from error

    def finish(self, file_indexes: Iterable[int]) -> None:
        """Make those of the finished files that are empty; cut those we wrote that are too long.

        Raises:
            StorageError: if the disk does not let us.
        """
        lengths = self._layout.file_map.lengths
        for file_index in file_indexes:
            if file_index in self.written or not lengths[file_index]:
                found = self.stat(file_index)
                if found is None or (
                    file_index in self.written and found.st_size > lengths[file_index]
                ):
                    self._cut(file_index, lengths[file_index])

    def sync(self, file_index: int) -> None:
        """Wait until what was written to a file is safe from a power cut; or raise OSError."""
        os.fsync(self._descriptors.for_reading(file_index))

    def error(self, error: OSError, file_index: int) -> StorageError:
        """Return what to tell the user of a file that cannot be written."""
        return self._descriptors.error(error, "cannot write", file_index)

    def remove_parts(self) -> None:
        """Remove the parts file, if there is one."""
        index = self._layout.parts_index
        self._descriptors.close_file(index)
        self.written.discard(index)
        self.unsaved.discard(index)
        try:
            self._descriptors.freely(lambda: self.folder.remove(self._layout.parts_path))
        except OSError as error:
            raise self._descriptors.error(error, "cannot remove", index) from error

    def close(self) -> None:
        """Close all files, and let others write them."""
        self._lock.free()
        self._descriptors.close()

    def _write_file(self, file_index: int, offset: int, data: memoryview) -> None:
        try:
            write_fully(self._descriptors.for_writing(file_index), data, offset)
        except OSError as error:
            raise self._descriptors.error(error, "cannot write", file_index) from error
        finally:
            self.written.add(file_index)
            self.unsaved.add(file_index)

    def _cut(self, file_index: int, length: int) -> None:
        try:
            os.ftruncate(self._descriptors.for_writing(file_index), length)
        except OSError as error:
            raise self._descriptors.error(error, "cannot write", file_index) from error
        self.written.add(file_index)
        self.unsaved.add(file_index)
