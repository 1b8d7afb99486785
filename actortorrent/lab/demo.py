"""`make demo`: a tracker, a seed and a fetch on this machine, each a process of its own.

It makes content, fetches it with the commands that anybody would use, compares every
byte, says what happened, and leaves the trace of the fetch to be read.
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import FrameType

from actortorrent.errors import ExitCode, LabError
from actortorrent.lab.made_content import find_difference, make_files
from actortorrent.lab.processes import ACTORTORRENT, Running

DEFAULT_MIB = 256
DICE_SEED = 7
NAME = "gallery"
TORRENT = f"{NAME}.torrent"
SEEDING, FETCHED, TRACE = Path("seeding"), Path("fetched"), Path("fetch.trace")
MIB = 1024 * 1024
MAKING_SECONDS = 300  # content and torrent, on the slowest machine we think of
STOPPING_SECONDS = 5.0
SPARE_PART = 1.1  # of the disk space that the two copies need
ASK_AGAIN_SECONDS = 0.5  # whether a seed that the tracker does not know yet still runs
SEED_STARTED = r'"started", "peer": "([^"]+)".*"left": 0\b'
HEARD = r'"announced", "what": "(\w+)", "peer": "([^"]+)".*"left": (\d+)'


class Demo:
    """Run the demo in a folder of its own.

    Args:
        folder: where everything is made; all but the trace is removed at the end.
        size_mib: the content, in MiB.
    """

    def __init__(self, folder: Path, size_mib: int) -> None:
        self._folder = folder
        self._bytes = size_mib * MIB
        self._stack = ExitStack()

    def run(self) -> None:
        """Do it all.

        Raises:
            LabError: a process failed, or what was fetched differs.
        """
        with self._stack:
            self._stack.callback(self._remove_content)
            self._make_content()
            tracker = self._start_tracker()
            self._start_seed(tracker)
            seconds = self._fetch()
            self._compare()
            self._tell(tracker, seconds)

    def _make_content(self) -> None:
        content = self._folder / SEEDING / NAME
        self._check_disk()
        count = make_files(content, self._bytes, DICE_SEED)
        _say("content", f"{self._bytes // MIB} MiB of random bytes in {count} files: {content}")

    def _check_disk(self) -> None:
        needed = int(2 * self._bytes * SPARE_PART)
        free = shutil.disk_usage(self._folder).free
        if free < needed:
            place = f"{needed // MIB} MiB needed in {self._folder}, {free // MIB} MiB free"
            raise LabError(f"not enough space: {place}", hint="try: make demo SIZE=16")

    def _start_tracker(self) -> Running:
        command = [sys.executable, "-m", "actortorrent.lab.tracker"]
        tracker = self._stack.enter_context(Running(command, folder=self._folder))
        url = tracker.wait_for_line(r'"listening", "url": "(.*?)"')[1]
        _say("tracker", url)
        self._actortorrent("create", SEEDING / NAME, "--tracker", url, "--output", TORRENT)
        return tracker

    def _start_seed(self, tracker: Running) -> None:
        command = _command("seed", SEEDING, TORRENT, "--port", "0", "--bind", "127.0.0.1")
        seed = self._stack.enter_context(Running([*ACTORTORRENT, *command], folder=self._folder))
        _say("seed", f"$ actortorrent {shlex.join(command)}")
        address = _wait_for_seed(tracker, seed)
        _say("", f"it listens on {address}, and has told the tracker")

    def _fetch(self) -> float:
        began = time.monotonic()
        network = ("--port", "0", "--bind", "127.0.0.1")
        self._actortorrent("fetch", TORRENT, "--output", FETCHED, "--trace", TRACE, *network)
        return time.monotonic() - began

    def _compare(self) -> None:
        difference = find_difference(self._folder / SEEDING / NAME, self._folder / FETCHED / NAME)
        if difference is not None:
            raise LabError(f"what was fetched is not what was seeded: {difference}")
        _say("compared", f"all {self._bytes:,} bytes are the same")

    def _tell(self, tracker: Running, seconds: float) -> None:
        trace = self._folder / TRACE
        rate = self._bytes / MIB / seconds
        _say("took", f"{seconds:.1f} s from start to exit, {rate:.0f} MiB/s")
        for what, peer, left in tracker.find_all(HEARD):
            _say("told", f"{peer} told the tracker: {what}, {int(left):,} bytes left")
        _say("trace", f"{trace} ({trace.stat().st_size / MIB:.1f} MiB)")
        _say("", f"read it: {_own_command()} trace show {shlex.quote(str(trace))}")
        _say("removed", "the content: it was made for this alone; the trace stays")

    def _actortorrent(self, *arguments: str | Path) -> None:
        """Run one of our commands in front: on this terminal, until it ends."""
        command = _command(*arguments)
        _say(command[0], f"$ actortorrent {shlex.join(command)}")
        with _in_front([*ACTORTORRENT, *command], self._folder) as process:
            code = process.wait()
        if code == ExitCode.INTERRUPTED:
            raise KeyboardInterrupt
        if code != ExitCode.DONE:
            raise LabError(f"actortorrent {command[0]} ended with exit code {code}")

    def _remove_content(self) -> None:
        for name in (SEEDING, FETCHED):
            shutil.rmtree(self._folder / name, ignore_errors=True)


def main() -> None:
    """Run the demo and exit, with its processes gone and its content removed."""
    parser = argparse.ArgumentParser(description="Fetch a torrent from a seed on this machine.")
    parser.add_argument("--size", type=int, default=DEFAULT_MIB, metavar="MIB")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, _stop)
    folder = Path(tempfile.mkdtemp(prefix="actortorrent-demo-"))
    try:
        Demo(folder, options.size).run()
    except KeyboardInterrupt:
        print("\ninterrupted: all processes are stopped, and the content is removed")
        sys.exit(ExitCode.INTERRUPTED)
    except LabError as error:
        print(f"the demo failed: {error}", file=sys.stderr)
        if error.hint:
            print(f"  {error.hint}", file=sys.stderr)
        sys.exit(error.exit_code)


@contextmanager
def _in_front(command: list[str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process that has our terminal; Ctrl-C reaches it as it reaches us."""
    process = subprocess.Popen(command, cwd=folder)
    try:
        yield process
    finally:
        with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            process.wait(STOPPING_SECONDS)
        process.kill()
        process.wait()


def _wait_for_seed(tracker: Running, seed: Running) -> str:
    """Return the address that the seed told the tracker."""
    while not seed.ends_within(0):
        with suppress(LabError):
            return tracker.wait_for_line(SEED_STARTED, seconds=ASK_AGAIN_SECONDS)[1]
    raise LabError(f"the seed ended before it served:\n{seed.tail()}")


def _command(*arguments: str | Path) -> list[str]:
    return [str(argument) for argument in arguments]


def _own_command() -> str:
    """Return how our command is called from here: it may not be on the PATH."""
    beside_python = Path(sys.executable).with_name("actortorrent")
    if shutil.which("actortorrent") or not beside_python.exists():
        return "actortorrent"
    with suppress(ValueError):
        return str(beside_python.relative_to(Path.cwd()))
    return str(beside_python)


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _say(what: str, text: str) -> None:
    print(f"{what:<9} {text}", flush=True)


if __name__ == "__main__":
    main()
