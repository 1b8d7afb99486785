"""Keep the resume record beside the content, and say whether a record can be believed.

What a record claims of a file holds as long as the file is of the same size and time,
and the system has not gone down meanwhile with data of it in memory alone: either all
data had been synced, or the system is still the one that ran then (the boot id). What
a record does not claim may be there all the same: that is looked for where a file's
time cannot tell (see `is_racy`).

Saving replaces the file in one step. While a session runs it is not synced: a power cut
makes the claims void anyway, a torn record is known by its SHA-1, and any other end of
the process leaves what was written.
"""

from __future__ import annotations

import contextlib
import os
import time
from array import array
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from actortorrent.actors.content_layout import ContentLayout
from actortorrent.actors.descriptors import read_fully, write_fully
from actortorrent.actors.folder import Folder
from actortorrent.errors import StorageError

if TYPE_CHECKING:  # `verify` needs no record, and starts sooner without
    from actortorrent.wire.resume_record import ResumeRecord

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
RACE_NS = 2_500_000_000  # the coarsest clock of a file system ticks every 2 s (FAT)
MISSING = -1  # the size of a file that is not there


class FileMarks:
    """The size and time of each file, and last of the parts file, as last seen."""

    def __init__(self, count: int) -> None:
        self.sizes = array("q", [MISSING]) * count
        self.times_ns = array("q", [0]) * count

    def note(self, file_index: int, found: os.stat_result | None) -> None:
        """Note how a file looks; None where it is missing."""
        self.sizes[file_index] = MISSING if found is None else found.st_size
        self.times_ns[file_index] = 0 if found is None else found.st_mtime_ns


def boot_id() -> str:
    """Return a name for this run of the system; empty where the system gives none."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def load_record(folder: Folder, layout: ContentLayout) -> ResumeRecord | None:
    """Return the record of a torrent, or None if there is none that can be believed at all."""
    from actortorrent.wire.resume_record import (  # noqa: PLC0415 - see above
        MAX_RECORD_BYTES,
        decode_record,
    )

    try:
        record = decode_record(_read_file(folder, layout.record_path, MAX_RECORD_BYTES))
    except (OSError, StorageError):
        return None
    is_ours = (
        record.info_hash == layout.info_hash
        and record.piece_count == layout.geometry.piece_count
        and len(record.sizes) == len(layout.paths) + 1
    )
    has_lasted = record.is_synced or (record.boot_id != "" and record.boot_id == boot_id())
    return record if is_ours and has_lasted else None


def save_record(
    folder: Folder, layout: ContentLayout, record: ResumeRecord, *, is_durable: bool
) -> None:
    """Put a record in place of the last one, in one step; raise OSError if that fails.

    With `is_durable`, wait until it is safe from a power cut.
    """
    from actortorrent.wire.resume_record import encode_record  # noqa: PLC0415 - see above

    path = layout.record_path
    new_path = path.with_name(path.name + ".new")
    descriptor = folder.open(new_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, make_folders=True)
    try:
        write_fully(descriptor, memoryview(encode_record(record)), 0)
        if is_durable:
            os.fsync(descriptor)
    except OSError:
        with contextlib.suppress(OSError):
            folder.remove(new_path)
        raise
    finally:
        os.close(descriptor)
    folder.replace(new_path, path)
    if is_durable:
        folder.sync(path)


def is_same(record: ResumeRecord, marks: FileMarks, file_index: int) -> bool:
    """Say whether a file looks as it did when the record was made."""
    return (
        record.sizes[file_index] == marks.sizes[file_index]
        and record.times_ns[file_index] == marks.times_ns[file_index]
    )


def is_racy(record: ResumeRecord, file_index: int) -> bool:
    """Say whether a file may have grown after the record without looking any different.

    Its clock ticks coarsely: a change so soon before the record may share its tick with
    one behind it. We never write over what a record claims, so only what it does not
    claim is in doubt.
    """
    return not record.is_final and abs(record.saved_ns - record.times_ns[file_index]) < RACE_NS


def now_ns() -> int:
    """Return the time that files are stamped with, in nanoseconds since 1970."""
    return time.time_ns()


def _read_file(folder: Folder, path: PurePosixPath, most_bytes: int) -> bytes:
    descriptor = folder.open(path, os.O_RDONLY)
    try:
        size = os.fstat(descriptor).st_size
        if size > most_bytes:
            raise StorageError(f"expected a record of {most_bytes} bytes at most")
        data = bytearray(size)
        return bytes(data[: read_fully(descriptor, memoryview(data), 0)])
    finally:
        os.close(descriptor)
