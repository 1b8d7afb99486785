"""Check what is on the disk against the torrent's hashes, on all cores, bit by bit.

The caller takes results as long as it likes and does other things in between; so an
actor that checks still hears that it is to stop.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Generator, Iterator

from actortorrent.actors.content_layout import ContentLayout
from actortorrent.actors.content_reader import ContentReader
from actortorrent.actors.disk_errors import storage_error
from actortorrent.actors.folder import Folder
from actortorrent.actors.hashing import Digests, UnreadableFileError, hash_pieces
from actortorrent.rules.bitfield import indexes_of, mask_of
from actortorrent.wire.metainfo import Metainfo

READ_BYTES = 1024 * 1024


class ContentCheck:
    """Hash pieces that are on the disk, and say which are right.

    `verified` are the pieces found right so far, `checked_bytes` what was looked at.
    """

    def __init__(self, metainfo: Metainfo, layout: ContentLayout, to_check: int) -> None:
        self._metainfo = metainfo
        self._layout = layout
        self._folder = Folder(layout.output)
        in_parts = to_check & mask_of(layout.shared_pieces)
        self._digests = self._hash(list(indexes_of(to_check & ~in_parts)), indexes_of(in_parts))
        self.verified = 0
        self.checked_bytes = 0
        self.is_done = False

    def advance(self, seconds: float) -> None:
        """Check on for about so long, or to the end.

        Raises:
            StorageError: if a file is there and cannot be read.
        """
        deadline = time.monotonic() + seconds
        right = []
        hash_of, size_of = self._metainfo.piece_hash, self._layout.geometry.piece_size
        for digests in self._digests:
            self.checked_bytes += sum(size_of(index) for index, _ in digests)
            right += [index for index, digest in digests if digest == hash_of(index)]
            if time.monotonic() >= deadline:
                break
        else:
            self.is_done = True
        self.verified |= mask_of(right)

    def close(self) -> None:
        """End the threads and close the files, whether it is done or not."""
        self._digests.close()
        self._folder.close()

    def _hash(self, in_files: list[int], in_parts: Iterator[int]) -> Generator[Digests, None, None]:
        try:
            yield from self._hash_in_files(in_files)
        except UnreadableFileError as error:
            path = self._layout.output / self._layout.path_of(error.file_index)
            raise storage_error(error.cause, "cannot read", path) from error
        with ContentReader(self._layout) as reader:
            for piece_index in in_parts:
                yield [(piece_index, self._hash_with(reader, piece_index))]

    def _hash_in_files(self, pieces: list[int]) -> Iterator[Digests]:
        layout = self._layout
        padding = {index for index, path in enumerate(layout.paths) if path is None}
        return hash_pieces(
            layout.geometry, layout.file_map, self._open, padding=padding, pieces=pieces
        )

    def _open(self, file_index: int) -> int:
        return self._folder.open(self._layout.path_of(file_index), os.O_RDONLY)

    def _hash_with(self, reader: ContentReader, piece_index: int) -> bytes:
        """Hash one piece, bytes of which lie in the parts file."""
        size = self._layout.geometry.piece_size(piece_index)
        buffer = memoryview(bytearray(min(size, READ_BYTES)))
        sha1 = hashlib.sha1(usedforsecurity=False)
        for offset in range(0, size, READ_BYTES):
            part = buffer[: min(READ_BYTES, size - offset)]
            reader.read_into(piece_index, offset, part)
            sha1.update(part)
        return sha1.digest()
