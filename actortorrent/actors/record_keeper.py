"""When the resume record is written, and when the data behind it is synced to the disk.

While the session runs nothing is synced that was just written: that would stall the
data path. After a quiet time the system has written all of it anyway, and syncing is
quick; so it is at the end, if only little was written of late.
"""

from __future__ import annotations

import errno
import time
from collections import deque
from collections.abc import Iterable

from actortorrent.actors.content_layout import ContentLayout
from actortorrent.actors.files import Files
from actortorrent.actors.piece_store import PieceStore
from actortorrent.actors.resume import MISSING, FileMarks, boot_id, now_ns, save_record
from actortorrent.errors import StorageError
from actortorrent.wire.resume_record import ResumeRecord

QUIET_SAVES = 5  # saves without a write between, after which data is synced
SYNC_AT_END_BYTES = 32 * 1024 * 1024  # of late, at most; more would keep the user waiting
SYNC_AT_END_FILES = 50
SYNC_SECONDS = 0.2  # at a time
# By which a sync says that what was written may not be there.
LOST = frozenset((errno.EIO, errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)))


class RecordKeeper:
    """Write the record of what a `PieceStore` has; note which data is synced."""

    def __init__(self, layout: ContentLayout, files: Files, store: PieceStore) -> None:
        self._layout = layout
        self._files = files
        self._store = store
        self._marks = FileMarks(len(layout.paths) + 1)
        self._unsynced: set[int] = set()
        self._can_sync = True
        self._recent: deque[int] = deque(maxlen=QUIET_SAVES)
        self._written_bytes = 0
        self._is_saved = False

    def begin(self, marks: FileMarks, *, is_synced: bool) -> None:
        """Start from how the files look, and whether all of them had been synced."""
        self._marks = marks
        if not is_synced:
            self._unsynced = {i for i, size in enumerate(marks.sizes) if size != MISSING}

    def note_written(self, byte_count: int) -> None:
        """Note bytes that were written since the last save."""
        self._written_bytes += byte_count
        self._is_saved = False

    @property
    def is_quiet(self) -> bool:
        """Say whether nothing was written for as long as `QUIET_SAVES` saves."""
        return (
            len(self._recent) == QUIET_SAVES and not any(self._recent) and not self._written_bytes
        )

    def save(self, *, is_final: bool = False) -> bool:
        """Write the record, if anything is new; return whether that worked.

        Raises:
            StorageError: if a file that was written has vanished.
        """
        self._recent.append(self._written_bytes)
        self._written_bytes = 0
        if self._is_saved and not is_final:
            return True
        self._look_at_written()
        self._is_saved = self._write(is_final=is_final)
        return self._is_saved

    def sync_some(self) -> bool:
        """Sync files for a short time; return whether more are left to sync.

        Raises:
            StorageError: if data that was written is lost.
        """
        deadline = time.monotonic() + SYNC_SECONDS
        while self._unsynced and self._can_sync and time.monotonic() < deadline:
            self._sync(next(iter(self._unsynced)))
        if not self._unsynced:
            self._is_saved = False
        return bool(self._unsynced) and self._can_sync

    def sync_at_end(self) -> None:
        """Sync, if that is sure to be quick.

        Raises:
            StorageError: if data that was written is lost, or a file has vanished.
        """
        self._look_at_written()
        recent_bytes = sum(self._recent) + self._written_bytes
        if recent_bytes <= SYNC_AT_END_BYTES and len(self._unsynced) <= SYNC_AT_END_FILES:
            self.sync_some()

    def _sync(self, file_index: int) -> None:
        self._unsynced.discard(file_index)
        try:
            self._files.sync(file_index)
        except FileNotFoundError:
            return  # a parts file that is needed no more; of what is gone the record claims nothing
        except OSError as error:
            if error.errno in LOST:
                self._vouch_for_none({file_index, *self._unsynced})
                raise self._files.error(error, file_index) from error
            self._can_sync = False  # not on this file system
            self._unsynced.add(file_index)

    def _vouch_for_none(self, file_indexes: Iterable[int]) -> None:
        """Have files looked through at the next start: the disk may have lost some of them."""
        for file_index in file_indexes:
            self._marks.note(file_index, None)
        self._is_saved = False

    def _look_at_written(self) -> None:
        """Note how the files look that were written since the last time."""
        for file_index in sorted(self._files.unsaved):
            found = self._files.stat(file_index)
            if found is None or not found.st_nlink:
                path = self._layout.output / self._layout.path_of(file_index)
                raise StorageError(
                    f"{path} was removed while it was being written",
                    hint="run the same command again to fetch what is missing",
                )
            self._marks.note(file_index, found)
        self._unsynced |= self._files.unsaved
        self._files.unsaved.clear()

    def _write(self, *, is_final: bool) -> bool:
        is_synced = not self._unsynced
        record = ResumeRecord(
            info_hash=self._layout.info_hash,
            piece_count=self._layout.geometry.piece_count,
            verified=self._store.verified,
            sizes=tuple(self._marks.sizes),
            times_ns=tuple(self._marks.times_ns),
            partial=self._store.partial.stored_blocks(),
            boot_id=boot_id(),
            is_synced=is_synced,
            is_final=is_final,
            saved_ns=now_ns(),
        )
        try:
            save_record(self._files.folder, self._layout, record, is_durable=is_synced)
        except OSError:
            return False  # all that is lost is time: at the next start the data is checked
        return True
