"""`TraceWriter`: the one that writes a session's trace file, and is not in it.

All others only leave entries in a queue; here they become text, many at a time, on
this actor's thread. The file of a killed process is readable to its last whole line:
whole lines are written, every `WRITE_SECONDS`, with no buffer of our own between.

::

    trace = start_trace(path, new_header(...))
    runtime = Runtime(recorder=trace.recorder, ...)
    ...                               # start actors, run, stop them all
    for notice in trace.stop():       # last of all: the ends of the others are in it
        tell_the_user(notice)
"""

from __future__ import annotations

import os
import stat
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO, cast

from msgspec import Struct
from msgspec.structs import replace

from actortorrent.actors import trace_summaries  # noqa: F401 - says how actors' values read
from actortorrent.actors.base import Actor, Proxy, Runtime, message, proxy_of, stop_all
from actortorrent.errors import StorageError, UsageError
from actortorrent.tracing.entries import line_of
from actortorrent.tracing.events import END, GAP, HEADER_START, Event
from actortorrent.tracing.header import TraceHeader
from actortorrent.tracing.recorder import EntryQueue, Recorder

WRITE_SECONDS = 0.1
ENTRIES_A_WRITE = 500  # about 150 KB of text and 5 ms of encoding
STOP_SECONDS = 2.0
HEADER_SPARE_BYTES = 64  # behind a header that is written anew when the torrent is known
NAME = "trace"  # under which the writer's own events stand in the file


class TraceWriter(Actor):
    """Write what the queue holds into the file until stopped, then say that this is the end.

    Args:
        queue: where the others leave their entries.
        file: unbuffered; the writer closes it.
        tell_trouble: called with a line for the user if the file will not be whole.
    """

    def __init__(
        self, queue: EntryQueue, file: BinaryIO, tell_trouble: Callable[[str], None]
    ) -> None:
        super().__init__(Runtime(actor_failed=self._failed), NAME)
        self._queue = queue
        self._file = file
        self._tell_trouble = tell_trouble
        self._counts: Counter[str] = Counter()
        self._lost = 0
        self._own_events = 0
        self._has_trouble = False

    def _recorder(self) -> None:
        """Return nothing: what the writer does would never end if it wrote it."""

    def _failed(self, _name: str, error: BaseException) -> None:
        """Tell of a bug of ours; the session goes on without its trace."""
        self._has_trouble = True
        self._tell_trouble(f"the trace ends early, a bug of ours: {type(error).__name__}: {error}")

    def on_start(self) -> None:
        """Begin to write now and then."""
        self._after(WRITE_SECONDS, "_write_some")

    def on_end(self, error: BaseException | None) -> None:  # noqa: ARG002 - one end for all
        """Write all that is left and the last line, and close the file."""
        while len(self._queue):
            self._write_entries()
        self._queue.close()
        self._write_losses()
        counts = {"events": self._counts.total(), "lost": self._lost}
        self._write_own(END, {**counts, "by_name": dict(self._counts)})
        self._file.close()
        if self._lost and not self._has_trouble:
            self._tell_trouble(f"the trace lacks {self._lost} events: they came too fast")

    def describe_torrent(self, header: bytes) -> None:
        """Put another header of the same length in the place of the first."""
        if not self._file.closed and stat.S_ISREG(os.fstat(self._file.fileno()).st_mode):
            os.pwrite(self._file.fileno(), header, 0)

    def _write_some(self) -> None:
        self._write_entries()
        self._write_losses()
        is_behind = len(self._queue) >= ENTRIES_A_WRITE
        self._after(0 if is_behind else WRITE_SECONDS, "_write_some")

    def _write_entries(self) -> None:
        kind_of = self._queue.cast.kind_of
        entries = list(self._queue.take(ENTRIES_A_WRITE))
        names = [name for _, name, *_ in entries]
        self._write(names, [line_of(entry, kind_of) for entry in entries])

    def _write_losses(self) -> None:
        """Say where in the file events are missing, and how many."""
        lost = self._queue.losses.total()
        if lost > self._lost:
            self._write_own(GAP, {"lost": lost - self._lost})
            self._lost = lost

    def _write_own(self, name: str, data: dict[str, object]) -> None:
        self._own_events += 1
        event = Event(time.monotonic_ns(), name, NAME, self._own_events, "", data)
        self._write([name], [event.to_line()])

    def _write(self, names: list[str], lines: list[bytes]) -> None:
        if self._file.closed:
            return
        self._counts.update(names)
        try:
            write_all(self._file, lines)
        except OSError as error:
            self._has_trouble = True
            self._file.close()
            self._queue.close()
            self._tell_trouble(f"the trace ends early: {error.strerror or error}")


class TraceWriterProxy(Proxy):
    """The messages that the writer takes."""

    describe_torrent = message(TraceWriter.describe_torrent)


class Trace(Struct, frozen=True):
    """A trace that is being written.

    Attributes:
        recorder: what actors record to.
        writer: the actor that writes.
        notices: lines for the user, about what the file lacks.
        header: as it was written, where it may have to be written anew.
    """

    recorder: Recorder
    writer: TraceWriterProxy
    notices: list[str]
    header: TraceHeader | None = None

    def describe_torrent(self, known: TraceHeader) -> None:
        """Write into the header how large the torrent is, now that it is known."""
        if self.header is None:
            return
        header = replace(
            self.header,
            piece_count=known.piece_count,
            piece_length=known.piece_length,
            total_length=known.total_length,
        )
        line = _header_line(header, room_for=self.header)
        self.writer.describe_torrent.defer(line)

    def stop(self, timeout_seconds: float = STOP_SECONDS) -> list[str]:
        """Write the rest and close the file; return what the user is to know, mostly nothing.

        To be called when all actors that record have been stopped.
        """
        if stop_all([self.writer], timeout_seconds):
            self.notices.append(f"the trace was not written out within {timeout_seconds:g} s")
        return list(self.notices)


def start_trace(path: Path, header: TraceHeader, level: str = "piece") -> Trace:
    """Open a trace file, write its header and start the actor that writes the rest.

    Raises:
        UsageError: if there is a file at `path` that is no trace.
        StorageError: if the file cannot be written.
    """
    queue = EntryQueue(level)
    notices: list[str] = []
    header = replace(header, level=level)
    try:
        file = _open(path, header)
    except OSError as error:
        raise StorageError(f"cannot write the trace {path}: {error.strerror}") from error
    writer = TraceWriter.start(queue, file, notices.append)
    return Trace(queue, proxy_of(writer, TraceWriterProxy), notices, header)


def write_all(file: BinaryIO, lines: Iterable[bytes]) -> None:
    """Write lines whole, in as few calls as the system needs."""
    rest = memoryview(b"".join(lines))
    while rest:
        rest = rest[file.write(rest) :]


def _open(path: Path, header: TraceHeader) -> BinaryIO:
    """Begin a file; an earlier trace is replaced, anything else is not."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    file = cast("BinaryIO", open(descriptor, "r+b", buffering=0))  # noqa: SIM115, PTH123
    try:
        _empty(file, path)
        write_all(file, [_header_line(header, room_for=header)])
    except BaseException:
        file.close()
        raise
    return file


def _header_line(header: TraceHeader, *, room_for: TraceHeader) -> bytes:
    """Return a header as long as that of the beginning; of a torrent not known, with room."""
    line = header.to_line()
    if room_for.piece_count:
        return line
    length = len(room_for.to_line()) + HEADER_SPARE_BYTES
    return line.rstrip(b"\n").ljust(length - 1) + b"\n"


def _empty(file: BinaryIO, path: Path) -> None:
    status = os.fstat(file.fileno())
    if stat.S_ISREG(status.st_mode):
        if status.st_size and file.read(len(HEADER_START)) != HEADER_START:
            raise UsageError(f"{path} is there and is no trace: it is not overwritten")
        file.seek(0)
        file.truncate()
