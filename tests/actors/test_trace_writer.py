from __future__ import annotations

import errno
import io
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from actortorrent.actors.base import Actor, Proxy, Runtime, message, proxy_of, stop_all
from actortorrent.actors.trace_writer import (
    Trace,
    TraceWriter,
    TraceWriterProxy,
    start_trace,
    write_all,
)
from actortorrent.errors import StorageError, UsageError
from actortorrent.tracing.capture import capture_trace
from actortorrent.tracing.reader import TraceFile
from actortorrent.tracing.recorder import EntryQueue
from tests.tracing.traces import HEADER, broken_laws

PATIENCE_SECONDS = 60.0


class Talker(Actor):
    """Say things to itself."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime, "Talker")

    def say(self, what: str, buffer: bytes) -> None:
        self._decide("said", what, size=len(buffer))


class TalkerProxy(Proxy):
    """The messages that a talker takes."""

    say = message(Talker.say)


class FakeFile(io.RawIOBase):
    """A file whose disk goes away, or hangs, after its first `sound_writes`."""

    def __init__(self, sound_writes: int, *, hangs: bool = False) -> None:
        self.written = bytearray()
        self.may_go_on = threading.Event()
        self.is_hanging = threading.Event()
        self._sound_writes = sound_writes
        self._hangs = hangs

    def write(self, data: object) -> int:
        assert isinstance(data, memoryview)
        self._sound_writes -= 1
        if self._sound_writes < 0 and self._hangs:
            self.is_hanging.set()
            assert self.may_go_on.wait(PATIENCE_SECONDS)
        elif self._sound_writes < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.written += data[:1000]
        return min(1000, len(data))


def write_to(file: FakeFile, queue: EntryQueue) -> Trace:
    notices: list[str] = []
    writer = TraceWriter.start(queue, file, notices.append)
    return Trace(queue, proxy_of(writer, TraceWriterProxy), notices)


def record(queue: EntryQueue, count: int) -> None:
    for lc in range(1, count + 1):
        queue.record(time.monotonic_ns(), "x", "A", lc, "", {"n": lc})


def test_a_torrent_that_becomes_known_is_written_into_the_header(tmp_path: Path) -> None:
    unknown = replace(HEADER, piece_count=0, piece_length=0, total_length=0)
    trace = start_trace(tmp_path / "x", unknown)
    record(trace.recorder, 3)  # type: ignore[arg-type]
    largest = replace(HEADER, piece_count=10**7, piece_length=10**8, total_length=2**64)
    trace.describe_torrent(largest)
    assert trace.stop() == []
    with TraceFile(tmp_path / "x") as written:
        assert written.header == replace(largest, level=unknown.level)
        assert [event.name for event in written.events()][:3] == ["x"] * 3


def test_what_actors_do_is_in_the_file_when_it_is_stopped(tmp_path: Path) -> None:
    with capture_trace() as captured:
        trace = start_trace(tmp_path / "x", HEADER)
        talker = proxy_of(Talker.start(Runtime(recorder=trace.recorder)), TalkerProxy)
        for number in range(2000):
            talker.say.defer(f"{number}", bytes(16384))
        assert stop_all([talker], PATIENCE_SECONDS) == []
    assert trace.stop() == []
    with TraceFile(tmp_path / "x") as written:
        *events, end = written.events()
        assert written.has_end
    assert tuple(events) == captured.events
    assert broken_laws(events) == []
    assert end.data["events"] == len(events)
    assert end.data["by_name"] == {
        "actor:spawned": 1,
        "actor:message": 2001,
        "actor:decision": 2000,
        "actor:reply": 1,
        "actor:stopped": 1,
    }


def test_no_payload_and_no_folder_is_in_the_file(tmp_path: Path) -> None:
    trace = start_trace(tmp_path / "x", HEADER)
    talker = proxy_of(Talker.start(Runtime(recorder=trace.recorder)), TalkerProxy)
    talker.say.defer(f"at {tmp_path}/somewhere", b"secret" * 100)
    stop_all([talker], PATIENCE_SECONDS)
    trace.stop()
    text = (tmp_path / "x").read_text("ascii")
    assert "<600 bytes>" in text
    assert "at somewhere" in text
    assert "secret" not in text
    assert str(tmp_path) not in text


KILLED = """
import sys, threading
from pathlib import Path
from actortorrent.actors.base import Runtime, proxy_of
from actortorrent.actors.trace_writer import start_trace
from tests.actors.test_trace_writer import Talker, TalkerProxy
from tests.tracing.traces import HEADER

path = Path(sys.argv[1])
trace = start_trace(path, HEADER)
talker = proxy_of(Talker.start(Runtime(recorder=trace.recorder)), TalkerProxy)
while True:
    for _ in range(50):
        talker.say.defer("x", b"y")
    talker.ping().get()
    if path.stat().st_size > 50_000:
        print("go", flush=True)
"""


def test_the_file_of_a_killed_process_is_readable_to_its_last_whole_line(tmp_path: Path) -> None:
    path = tmp_path / "x"
    command = [sys.executable, "-c", KILLED, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"go\n"
        process.send_signal(signal.SIGKILL)
        process.stdout.read()
    with TraceFile(path) as written:
        count = sum(1 for _ in written.events())
        assert not written.has_end
    assert count >= path.read_bytes().count(b"\n") - 1 > 100


def test_what_did_not_fit_is_counted_in_the_file_and_told() -> None:
    queue, file = EntryQueue("piece", limit=10), FakeFile(1000)
    record(queue, 15)
    trace = write_to(file, queue)
    assert trace.stop() == ["the trace lacks 5 events: they came too fast"]
    lines = bytes(file.written).splitlines()
    assert len(lines) == 12
    assert b'"name":"trace:gap"' in lines[10]
    assert b'"lost":5' in lines[10]
    assert b'"lost":5' in lines[11]


def test_a_full_disk_ends_the_trace_and_nothing_else() -> None:
    queue, file = EntryQueue("piece"), FakeFile(2)
    record(queue, 100)
    trace = write_to(file, queue)
    assert trace.stop() == ["the trace ends early: No space left on device"]
    record(queue, 3)
    assert len(queue) == 0
    assert len(file.written) == 2000


def test_a_disk_that_hangs_holds_up_nobody() -> None:
    queue, file = EntryQueue("piece", limit=100), FakeFile(0, hangs=True)
    record(queue, 1)
    trace = write_to(file, queue)
    assert file.is_hanging.wait(PATIENCE_SECONDS)
    record(queue, 1000)
    assert len(queue) == 100
    assert trace.stop(timeout_seconds=0.05) == ["the trace was not written out within 0.05 s"]
    file.may_go_on.set()
    assert trace.writer.actor_ref.join(PATIENCE_SECONDS)
    assert b'"lost":900' in bytes(file.written)


def test_an_earlier_trace_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "x"
    for _ in range(2):
        assert start_trace(path, HEADER).stop() == []
    assert path.read_bytes().count(b"file_schema") == 1


def test_a_file_that_is_no_trace_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "x.torrent"
    path.write_bytes(b"d8:announce...")
    with pytest.raises(UsageError, match="is no trace: it is not overwritten"):
        start_trace(path, HEADER)
    assert path.read_bytes() == b"d8:announce..."


def test_a_file_that_cannot_be_written_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot write the trace"):
        start_trace(tmp_path / "nowhere" / "x", HEADER)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_disk_that_is_full_from_the_start_is_told_at_once() -> None:
    with pytest.raises(StorageError, match="No space left"):
        start_trace(Path("/dev/full"), HEADER)


def test_a_trace_may_go_where_there_is_no_file() -> None:
    trace = start_trace(Path(os.devnull), HEADER, "block")
    assert trace.recorder.level == "block"
    assert trace.stop() == []


def test_lines_are_written_whole_in_however_many_steps() -> None:
    file = FakeFile(1000)
    lines = [b"x" * 700 + b"\n"] * 5
    write_all(file, lines)  # type: ignore[arg-type]
    assert bytes(file.written) == b"".join(lines)
