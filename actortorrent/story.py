"""What happened in a session, for those who ask: a trace of all, or the last events of it.

With a trace, all goes to its file. Without one a flight recorder keeps the last events,
and writes them to a file when something went wrong, or somebody asks. That file is an
ordinary trace. It lies in the folder for temporary files, never with the content, and
only its owner may read it.

What it takes to write either is imported when it is written: most sessions write neither,
and would start later for it.
"""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from msgspec.structs import replace

from actortorrent.errors import ActorTorrentError, ExitCode, StalledError
from actortorrent.options import SessionOptions
from actortorrent.tracing.flight_recorder import FlightRecorder
from actortorrent.wire.metainfo import Metainfo

if TYPE_CHECKING:
    from actortorrent.actors.trace_writer import Trace
    from actortorrent.tracing.header import TraceHeader
    from actortorrent.tracing.recorder import Recorder
    from actortorrent.wire.magnet import Magnet

PREFIX, SUFFIX = "actortorrent-flight-", ".jsonl"
EVENTS_A_WRITE = 500
MAX_RECORDS = 20  # files of one session; who asks more often should keep a trace


class Story:
    """Record one session, and write down what was recorded."""

    def __init__(self, options: SessionOptions) -> None:
        self._options = options
        self._torrent: Metainfo | Magnet | None = None
        self._peer_id = b""
        self._began = (0, "")  # in both clocks of a header
        self._trace: Trace | None = None
        self._flight: FlightRecorder | None = None
        self._records = 0
        self._was_peer_explained = False
        self.recorder: Recorder | None = None

    def begin(self, torrent: Metainfo | Magnet, peer_id: bytes) -> None:
        """Be ready to record; a header is made where it is needed, as that takes time.

        Raises:
            UsageError: if there is a file in the place of the trace that is no trace.
            StorageError: if the trace cannot be written.
        """
        options, self._torrent, self._peer_id = self._options, torrent, peer_id
        self._began = (time.monotonic_ns(), datetime.now(UTC).isoformat())
        if options.trace is not None:
            from actortorrent.actors.trace_writer import start_trace  # noqa: PLC0415 - see above

            self._trace = start_trace(options.trace, self._header(torrent), options.trace_level)
            self.recorder = self._trace.recorder
        elif options.flight_events:
            self.recorder = self._flight = FlightRecorder(options.flight_events)

    def torrent_known(self, torrent: Metainfo) -> None:
        """Write into the header of the trace what was not known when it was begun."""
        self._torrent = torrent
        if self._trace is not None:
            self._trace.describe_torrent(self._header(torrent))

    def stop(self) -> list[str]:
        """Write the rest of a trace; return what the user is to know, mostly nothing."""
        return [] if self._trace is None else self._trace.stop()

    def tell(self, why: str) -> str:
        """Write down what happened; return a line that says where it is and how to read it."""
        if self._trace is not None:
            return f"to see what happened so far: actortorrent trace show {self._options.trace}"
        if self._flight is None or self._torrent is None or self._records >= MAX_RECORDS:
            return ""
        self._records += 1
        try:
            path = self._write(self._flight, self._header(self._torrent), why)
        except OSError as error:
            return f"what happened before could not be written: {error.strerror or error}"
        return f"to see what happened before: actortorrent trace show {path}"

    def explain(self, error: Exception) -> str:
        """Do as `tell` does if there is no trace, and the error is a riddle; else say nothing."""
        is_riddle = self._flight is not None and _is_riddle(error)
        return self.tell(described(error)) if is_riddle else ""

    def explain_peer(self, failure: str) -> str:
        """Do as `tell` does for the first peer that fails; more of them say no more."""
        if self._flight is None or self._was_peer_explained:
            return ""
        self._was_peer_explained = True
        return self.tell(failure)

    def _header(self, torrent: Metainfo | Magnet) -> TraceHeader:
        from actortorrent.tracing.header import new_header  # noqa: PLC0415 - see above

        known = torrent if isinstance(torrent, Metainfo) else None
        return new_header(
            peer_id=self._peer_id,
            info_hash=torrent.info_hash,
            piece_count=known.piece_count if known else 0,
            piece_length=known.piece_length if known else 0,
            total_length=known.total_length if known else 0,
            seed=self._options.seed,
            level=self._options.trace_level,
            node=self._options.trace_name,
        )

    def _write(self, recorder: FlightRecorder, header: TraceHeader, why: str) -> Path:
        import tempfile  # noqa: PLC0415 - see above

        from actortorrent.actors.trace_writer import write_all  # noqa: PLC0415

        flight = recorder.look()
        events = flight.events(time.monotonic_ns(), why)
        began_ns, wall_clock_time = self._began
        header = replace(
            header,
            monotonic_ns=began_ns,
            wall_clock_time=wall_clock_time,
            flight_recorder=why,
            missing_events=flight.missing,
        )
        descriptor, path = tempfile.mkstemp(prefix=PREFIX, suffix=SUFFIX)  # mode 0600
        with cast("BinaryIO", os.fdopen(descriptor, "wb", buffering=0)) as file:
            write_all(file, [header.to_line()])
            for first in range(0, len(events), EVENTS_A_WRITE):
                chunk = events[first : first + EVENTS_A_WRITE]
                write_all(file, [event.to_line() for event in chunk])
        return Path(path)


def described(error: BaseException) -> str:
    """Return an error in one line."""
    return f"{type(error).__name__}: {error}"


def _is_riddle(error: Exception) -> bool:
    """Say whether the last events may explain an error: a bug, or a standstill."""
    if isinstance(error, ActorTorrentError):
        return isinstance(error, StalledError) or error.exit_code is ExitCode.BUG
    return True
