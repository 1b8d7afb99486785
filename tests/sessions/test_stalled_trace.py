"""A disk that hangs under a trace: a pipe that nobody reads, which is full after 64 KiB."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from actortorrent.actors import trace_writer
from actortorrent.actors.base import Runtime, proxy_of, stop_all
from actortorrent.actors.trace_writer import start_trace
from actortorrent.tracing.capture import capture_trace
from actortorrent.tracing.events import GAP, Event
from actortorrent.tracing.reader import TraceFile
from actortorrent.tracing.recorder import QUEUE_LIMIT, EntryQueue, Recorder
from tests.actors.test_trace_writer import Talker, TalkerProxy
from tests.conftest import ContentMaker
from tests.sessions.running import fetching
from tests.sessions.scripted_peer import ScriptedPeer
from tests.tracing.traces import HEADER

KIB = 1024
MIB = 1024 * KIB
PATIENCE_SECONDS = 60.0
MOST_GROWTH_BYTES = 80 * MIB  # of the process, however long the disk hangs


class HangingDisk:
    """A place for a trace where nothing more can be written until `go_on` is called."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "pipe"
        self._written = folder / "trace"
        os.mkfifo(self.path)
        self._pipe = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        self._reader = threading.Thread(target=self._read)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self._reader.ident:
            self._reader.start()
        self._reader.join(PATIENCE_SECONDS)
        os.close(self._pipe)

    def go_on(self) -> None:
        """Take all that comes from now on."""
        os.set_blocking(self._pipe, True)
        self._reader.start()

    def _read(self) -> None:
        with self._written.open("wb") as file:
            while data := os.read(self._pipe, 64 * KIB):
                file.write(data)

    def trace(self) -> TraceFile:
        """Return what was written in the end, when the writer has closed it."""
        self._reader.join(PATIENCE_SECONDS)
        assert not self._reader.is_alive()
        return TraceFile(self._written)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[HangingDisk]:
    with HangingDisk(tmp_path) as disk:
        yield disk


class Counting:
    """Pass events on to a recorder, and count them."""

    def __init__(self, recorder: Recorder) -> None:
        self._record = recorder.record
        self._numbers = itertools.count()
        self.claim = recorder.claim
        self.level = recorder.level

    def record(self, *event: Any) -> None:
        """Take one event."""
        next(self._numbers)
        self._record(*event)

    @property
    def count(self) -> int:
        """Return how many came, once no more come."""
        return next(self._numbers)


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_memory_does_not_grow_with_what_happens_while_a_disk_hangs(disk: HangingDisk) -> None:
    trace = start_trace(disk.path, HEADER)
    counting = Counting(trace.recorder)
    talker = proxy_of(Talker.start(Runtime(recorder=counting)), TalkerProxy)
    before = resident_bytes()
    for number in range(1, QUEUE_LIMIT + 1):
        talker.say.defer("x", b"x" * (16 * KIB))  # 512 MiB of blocks in all
        if number % 256 == 0:
            talker.ping().get(timeout=PATIENCE_SECONDS)
    grown = resident_bytes() - before
    assert stop_all([talker], PATIENCE_SECONDS) == []
    disk.go_on()
    (notice,) = trace.stop(PATIENCE_SECONDS)
    with disk.trace() as written:
        *events, end = written.events()
    assert grown < MOST_GROWTH_BYTES
    assert len(events) - gaps(events) + written.lost == counting.count
    assert end.data["lost"] == written.lost > QUEUE_LIMIT // 2
    assert notice == f"the trace lacks {written.lost} events: they came too fast"


def gaps(events: list[Event]) -> int:
    return sum(event.name == GAP for event in events)


def test_a_session_goes_on_while_the_disk_of_its_trace_hangs(
    disk: HangingDisk,
    content_maker: ContentMaker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trace_writer, "EntryQueue", partial(EntryQueue, limit=700))
    content = content_maker(8 * MIB, piece_length=32 * KIB)
    with capture_trace("block") as captured, ScriptedPeer(content) as peer:
        session = fetching(
            content,
            tmp_path / "into",
            [peer],
            trace=disk.path,
            trace_level="block",
            keep_seeding=True,
        )
        with session:
            session.wait_until(lambda progress: progress.phase == "seeding", "all to be there")
            disk.go_on()
            session.stop()
    content.assert_same_in(tmp_path / "into")
    with disk.trace() as written:
        *events, _end = written.events()
    assert written.has_end
    assert written.lost > 100
    assert len(events) - gaps(events) + written.lost == len(captured.events)
    assert f"the trace lacks {written.lost} events: they came too fast" in session.notices
