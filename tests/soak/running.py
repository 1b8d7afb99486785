"""A long run: content is made, fetched by the process that is watched, compared, and thrown away."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Self

from tests.actors.playing_trackers import HttpTalk, PlayedHttpTracker
from tests.content import Content, make_content
from tests.peers.processes import free_port
from tests.sessions.scripted_peer import ScriptedPeer
from tests.soak.crowd import Crowd
from tests.soak.judging import Left, Sample, Seen

MIB = 1024 * 1024
SIZES = {"a.bin": MIB, "b/c.bin": MIB, "b/d.txt": 12_345}
PIECE_BYTES = 64 * 1024
NOBODY = "127.0.0.1:1"  # whom the tracker names, too


@dataclass(frozen=True, slots=True)
class Course:
    """Say how long a run is, and how quick.

    Attributes:
        seconds: how long torrents are begun.
        torrents: at most so many.
        rate: at which each is fetched, in bytes a second; None: as fast as it goes.
        period_seconds: between two visits, and two samples.
    """

    seconds: float
    torrents: int | None = None
    rate: int | None = MIB
    period_seconds: float = 1.0


class Worker:
    """The process that is watched."""

    def __init__(self, seeded: Content) -> None:
        where = [str(seeded.folder), str(seeded.torrent)]
        command = [sys.executable, "-m", "tests.soak.worker", *where]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.port = int(self._told()["port"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def fetch(self, **what: Any) -> int:
        """Have something fetched; return the blocks of memory that Python has handed out then."""
        self._pipe.write(f"{json.dumps(what)}\n")
        self._pipe.flush()
        return self._told()["blocks"]

    def end(self) -> Left:
        """Have it stop seeding, and say what is left."""
        self._pipe.close()
        return Left(**self._told())

    def look(self, seconds: float) -> Sample:
        """Return what it has now, as the kernel tells it."""
        folder = Path(f"/proc/{self._process.pid}")
        lines = (folder / "status").read_text().splitlines()
        status = dict(line.split(":", 1) for line in lines)
        memory_kib = int(status["VmRSS"].split()[0])
        count = sum(1 for _ in (folder / "fd").iterdir())
        return Sample(seconds, memory_kib / 1024, int(status["Threads"]), count)

    @property
    def _pipe(self) -> IO[str]:
        assert self._process.stdin is not None
        return self._process.stdin

    def _told(self) -> dict[str, int]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the process ended: exit code {self._process.wait()}"
        told: dict[str, int] = json.loads(line)
        return told


@dataclass(slots=True)
class Tracker:
    """Name to everybody the peers that are there now."""

    peers: list[str] = field(default_factory=list)

    def __call__(self, talk: HttpTalk) -> None:
        talk.send_reply({"interval": 1800, "peers": b"".join(map(_compact, self.peers))})


def run(course: Course, folder: Path) -> Seen:
    """Run it to its end in a folder, and return what was seen."""
    seeded = make_content(folder / "seeded", SIZES, piece_length=PIECE_BYTES)
    tracker = Tracker()
    samples: list[Sample] = []
    blocks: list[int] = []
    wrong = 0
    with ExitStack() as stack:
        worker = stack.enter_context(Worker(seeded))
        url = stack.enter_context(PlayedHttpTracker(tracker)).url
        crowd = stack.enter_context(Crowd((seeded, worker.port), course.period_seconds))
        began = time.monotonic()
        with _sampling(worker, samples, course.period_seconds):
            while time.monotonic() - began < course.seconds and len(blocks) != course.torrents:
                place = folder / str(len(blocks))
                content = make_content(
                    place, SIZES, piece_length=PIECE_BYTES, seed=1 + len(blocks), trackers=(url,)
                )
                blocks.append(_fetch(content, worker, crowd, tracker, course.rate))
                wrong += not _is_right(content)
                shutil.rmtree(place)
        seconds = time.monotonic() - began
        left = worker.end()
    return Seen(seconds, tuple(samples), tuple(blocks), crowd.visits, wrong, left)


def _fetch(
    content: Content, worker: Worker, crowd: Crowd, tracker: Tracker, rate: int | None
) -> int:
    port = free_port()
    with ScriptedPeer(content) as steady:
        tracker.peers = [str(steady.address), NOBODY]
        crowd.fetched = (content, port)
        blocks = worker.fetch(
            source=str(content.torrent),
            output=str(content.folder / "into"),
            port=port,
            download_limit=rate,
        )
        crowd.fetched = None
    return blocks


def _is_right(content: Content) -> bool:
    try:
        content.assert_same_in(content.folder / "into")
    except AssertionError:
        return False
    return True


@contextmanager
def _sampling(worker: Worker, samples: list[Sample], period_seconds: float) -> Iterator[None]:
    is_over = threading.Event()
    began = time.monotonic()

    def sample() -> None:
        while not is_over.wait(period_seconds):
            samples.append(worker.look(time.monotonic() - began))

    thread = threading.Thread(target=sample, name="sampling")
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def _compact(address: str) -> bytes:
    host, _, port = address.partition(":")
    return bytes(map(int, host.split("."))) + struct.pack("!H", int(port))
