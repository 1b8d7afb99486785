"""Hash content piece by piece on all cores: for whole checks, and for new torrents.

Reading and SHA-1 both let go of Python's lock, so threads run side by side. Each has one
buffer and at most one open file, and takes a batch of neighbouring pieces at a time, so
that a disk is read nearly in order. Few batches are under way at once: memory stays the
same whatever the size of the content.
"""

from __future__ import annotations

import hashlib
import os
import queue
import threading
from collections import deque
from collections.abc import Callable, Container, Generator, Iterator, Sequence
from itertools import islice

from actortorrent.actors.descriptors import read_at_once, read_fully
from actortorrent.rules.geometry import FileMap, FileSpan, Geometry

BATCH_BYTES = 16 * 1024 * 1024  # taken by a thread at a time, at most; a larger piece is a batch
MAX_BATCH_PIECES = 1024
READ_BYTES = 1024 * 1024  # less costs more switches between threads
MAX_WORKERS = 16  # more would only wait for the disk
BATCHES_AHEAD = 2  # waiting for each thread
SHARES = 4  # a batch is a fourth of what is left for a thread: so all end at about the same time

OpenFile = Callable[[int], int]
OnProgress = Callable[[int, int], object]
Batch = Sequence[int]
Digests = list[tuple[int, bytes | None]]


class UnreadableFileError(Exception):
    """Say which file could not be opened or read, and why; `cause` is the system's error."""

    def __init__(self, file_index: int, cause: OSError) -> None:
        super().__init__(f"file {file_index}: {cause}")
        self.file_index = file_index
        self.cause = cause


def hash_pieces(
    geometry: Geometry,
    file_map: FileMap,
    open_file: OpenFile,
    *,
    padding: Container[int] = frozenset(),
    pieces: Sequence[int] | None = None,
    on_progress: OnProgress | None = None,
    workers: int | None = None,
) -> Generator[Digests, None, None]:
    """Yield lists of (piece index, SHA-1) in order; None where a file ends early or is not there.

    A list has what a thread took at a time: to look at each piece alone, between the threads that
    hash, takes as long as to hash one in fifty.

    Close the generator to cancel: its threads end within one read of `READ_BYTES`.

    Args:
        geometry: where pieces lie.
        file_map: where files lie.
        open_file: returns a descriptor, which is then ours, for a file index; raises
            FileNotFoundError where there is nothing. Called in any thread, but never
            in two at a time.
        padding: indexes of files that are zeros and lie on no disk.
        pieces: the pieces to hash, neighbours side by side; None for all.
        on_progress: told (bytes done, bytes in all) in the caller's thread, batch by batch.
        workers: threads; None for one a core.

    Raises:
        UnreadableFileError: if a file is there, but cannot be read.
    """
    wanted = range(geometry.piece_count) if pieces is None else pieces
    hasher = _Hasher(geometry, file_map, open_file, padding, workers or core_count())
    total = sum(map(geometry.piece_size, wanted)) if on_progress is not None else 0
    done = 0
    try:
        for batch, digests in hasher.run(_batches(wanted, geometry.piece_length, hasher.workers)):
            yield digests
            if on_progress is not None:
                done += sum(map(geometry.piece_size, batch))
                on_progress(done, total)
    finally:
        hasher.stop()


def core_count() -> int:
    """Return how many threads can hash at a time on this machine."""
    if hasattr(os, "sched_getaffinity"):
        return min(MAX_WORKERS, len(os.sched_getaffinity(0)))
    return min(MAX_WORKERS, os.cpu_count() or 1)


def _batches(pieces: Sequence[int], piece_length: int, workers: int) -> Iterator[Batch]:
    """Cut what is to be hashed: large batches first, as each costs a turn of the caller's thread."""
    most = min(MAX_BATCH_PIECES, BATCH_BYTES // piece_length)
    start = 0
    while start < len(pieces):
        share = (len(pieces) - start) // (SHARES * workers)
        count = max(1, min(most, share))
        yield pieces[start : start + count]
        start += count


class _Job:
    """Ask for the digests of a batch; one answer comes: these, or what went wrong."""

    __slots__ = ("answers", "batch")

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.answers: queue.SimpleQueue[Digests | Exception] = queue.SimpleQueue()


class _Hasher:
    """Run the threads, each with a reader of its own; started as there is work for them.

    A pool of `concurrent.futures` would do, but to import it takes as long as to hash 10 MiB.
    """

    def __init__(
        self,
        geometry: Geometry,
        file_map: FileMap,
        open_file: OpenFile,
        padding: Container[int],
        workers: int,
    ) -> None:
        self._geometry = geometry
        self._shared = _Shared(file_map, open_file, padding)
        self.workers = workers
        self._threads: list[threading.Thread] = []
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()  # None: go home

    def run(self, batches: Iterator[Batch]) -> Iterator[tuple[Batch, Digests]]:
        """Yield each batch and its digests, in order."""
        room = self.workers * (1 + BATCHES_AHEAD)
        ahead = deque(map(self._submit, islice(batches, room)))
        while ahead:
            job = ahead.popleft()
            answer = job.answers.get()
            if isinstance(answer, Exception):
                raise answer
            ahead.extend(map(self._submit, islice(batches, 1)))
            yield job.batch, answer

    def stop(self) -> None:
        """End the threads; what they have not begun is not done any more."""
        self._shared.is_stopped = True
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()

    def _submit(self, batch: Batch) -> _Job:
        job = _Job(batch)
        self._jobs.put(job)
        if len(self._threads) < self.workers:
            name = f"hashing_{len(self._threads)}"
            thread = threading.Thread(target=self._work, args=(_Reader(self._shared),), name=name)
            thread.start()
            self._threads.append(thread)
        return job

    def _work(self, reader: _Reader) -> None:
        try:
            while (job := self._jobs.get()) is not None:
                if not self._shared.is_stopped:
                    job.answers.put(self._answer(reader, job.batch))
        finally:
            reader.close()

    def _answer(self, reader: _Reader, batch: Batch) -> Digests | Exception:
        try:
            return [(index, self._hash_piece(reader, index)) for index in batch]
        except Exception as error:  # noqa: BLE001 - it is raised where the answer is awaited
            return error

    def _hash_piece(self, reader: _Reader, index: int) -> bytes | None:
        geometry = self._geometry
        return reader.hash_range(geometry.piece_offset(index), geometry.piece_size(index))


class _Shared:
    """Hold what all readers use; only `is_stopped` ever changes, and only to True.

    `opening` is held while a file is opened: who opens may keep its last folder open.
    """

    __slots__ = ("file_map", "is_stopped", "open_file", "opening", "padding")

    def __init__(self, file_map: FileMap, open_file: OpenFile, padding: Container[int]) -> None:
        self.file_map = file_map
        self.open_file = open_file
        self.padding = padding
        self.opening = threading.Lock()
        self.is_stopped = False


class _Reader:
    """Read and hash stretches of the content with one buffer and at most one open file."""

    def __init__(self, shared: _Shared) -> None:
        self._shared = shared
        self._view = memoryview(bytearray(READ_BYTES))
        self._descriptor = -1
        self._file_index = -1  # the one that is open, if any
        self._begin = self._end = 0  # where it lies in the torrent

    def hash_range(self, offset: int, length: int) -> bytes | None:
        """Return the SHA-1 of a stretch of the torrent, or None if not all of it is there.

        Most pieces lie in the file that is open, and are read at once: then next to nothing is
        done beside the hashing.
        """
        if length <= READ_BYTES and self._begin <= offset and offset + length <= self._end:
            part = self._view[:length]
            if read_at_once(self._descriptor, part, offset - self._begin):
                return hashlib.sha1(part, usedforsecurity=False).digest()
        return self._hash_spans(offset, length)

    def _hash_spans(self, offset: int, length: int) -> bytes | None:
        digest = hashlib.sha1(usedforsecurity=False)
        for span in self._shared.file_map.spans(offset, length):
            if span.file_index in self._shared.padding:
                self._add_zeros(digest, span.length)
            elif not self._add_file(digest, span):
                return None
        return digest.digest()

    def close(self) -> None:
        """Close the file that is open, if one is."""
        if self._file_index >= 0:
            self._file_index, self._begin, self._end = -1, 0, 0
            os.close(self._descriptor)

    def _add_zeros(self, digest: hashlib._Hash, count: int) -> None:
        self._view[:] = bytes(READ_BYTES)
        while count and not self._shared.is_stopped:
            step = min(count, READ_BYTES)
            digest.update(self._view[:step])
            count -= step

    def _add_file(self, digest: hashlib._Hash, span: FileSpan) -> bool:
        """Add a stretch of a file; say whether all of it was there."""
        try:
            self._open(span.file_index)
            return self._read(digest, span)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise UnreadableFileError(span.file_index, error) from error

    def _open(self, file_index: int) -> None:
        if self._file_index == file_index:
            return
        self.close()
        with self._shared.opening:
            self._descriptor = self._shared.open_file(file_index)
        self._file_index = file_index
        file_map = self._shared.file_map
        self._begin = file_map.start(file_index)
        self._end = self._begin + file_map.lengths[file_index]

    def _read(self, digest: hashlib._Hash, span: FileSpan) -> bool:
        offset, end = span.file_offset, span.file_offset + span.length
        while offset < end and not self._shared.is_stopped:
            part = self._view[: min(end - offset, READ_BYTES)]
            if read_fully(self._descriptor, part, offset) < len(part):
                return False
            digest.update(part)
            offset += len(part)
        return offset == end
