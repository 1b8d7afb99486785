"""Start clients as processes of their own, hear what they print, and never leave one behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from actortorrent.errors import LabError

PATIENCE_SECONDS = 60.0  # for what takes a second where nothing is wrong
CLOSING_SECONDS = 5.0
READ_BYTES = 64 * 1024
TAIL_LINES = 20  # of a process that failed, in the error
TAIL_CHARACTERS = 300  # of each
HAS_GROUPS = hasattr(os, "killpg")

# How to run our own command, whether or not it is on the PATH.
ACTORTORRENT = (sys.executable, "-m", "actortorrent")

_LINE_ENDS = re.compile(rb"[\r\n]+")


class Running:
    """A process in a group of its own, killed when its `with` block ends.

    What it prints, on stdout and stderr alike, is gathered by a thread: so the process is
    never held up by a full pipe, and a line can be waited for. A line ends in newline or
    carriage return. The standard input stays open until the block ends.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        folder: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.command = [str(part) for part in command]
        self._process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**os.environ, **(env or {})},
            start_new_session=HAS_GROUPS,
        )
        self._lines: list[str] = []
        self._news = threading.Condition()  # its lock may be taken again by who holds it
        self._has_ended = False
        self._reader = threading.Thread(target=self._read, name=f"output of {self.command[0]}")
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill()
        if error is not None:
            error.add_note(f"--- {' '.join(self.command)}\n{self.tail()}")

    @property
    def pid(self) -> int:
        """Return the id of the process; also that of its group."""
        return self._process.pid

    @property
    def lines(self) -> tuple[str, ...]:
        """Return the lines printed so far."""
        with self._news:
            return tuple(self._lines)

    def tail(self) -> str:
        """Return the last lines printed, but for objects that are meant for programs, if it can."""
        words = [line for line in self.lines if not line.startswith("{")] or self.lines
        return "\n".join(line[:TAIL_CHARACTERS] for line in words[-TAIL_LINES:])

    def wait_for_line(self, pattern: str, seconds: float = PATIENCE_SECONDS) -> re.Match[str]:
        """Return the first match of `pattern` in a line, waiting until it is printed.

        Raises:
            LabError: the process ended, or `seconds` passed, without such a line.
        """
        seen = 0
        deadline = time.monotonic() + seconds
        with self._news:
            while True:
                for line in self._lines[seen:]:
                    if found := re.search(pattern, line):
                        return found
                seen = len(self._lines)
                if self._has_ended:
                    raise self._failure(f"ended without printing {pattern!r}")
                if not self._news.wait(deadline - time.monotonic()):
                    raise self._failure(f"did not print {pattern!r} in {seconds:g} s")

    def find_all(self, pattern: str) -> list[tuple[str, ...]]:
        """Return the groups of `pattern` in each line printed so far that has it."""
        found = (re.search(pattern, line) for line in self.lines)
        return [match.groups() for match in found if match]

    def wait(self, seconds: float = PATIENCE_SECONDS) -> int:
        """Return the exit code, waiting for the end; all lines are then read.

        Raises:
            LabError: it still runs after so long.
        """
        if not self.ends_within(seconds):
            raise self._failure(f"still runs after {seconds:g} s")
        self._reader.join(CLOSING_SECONDS)
        return self._process.wait()

    def wait_for_success(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait for the end.

        Raises:
            LabError: it still runs after so long, or its exit code is not 0.
        """
        code = self.wait(seconds)
        if code != 0:
            raise self._failure(f"exit code {code}")

    def ends_within(self, seconds: float) -> bool:
        """Return whether the process ends in this time: a pause that its end cuts short."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        return self._process.returncode is not None

    def interrupt(self) -> None:
        """Do to the process what Ctrl-C does."""
        self._signal(signal.SIGINT)

    def kill(self) -> None:
        """End the whole group at once, as `kill -9` does, and wait until it is gone."""
        self._signal(getattr(signal, "SIGKILL", signal.SIGTERM))
        self._process.wait()
        self._reader.join(CLOSING_SECONDS)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError):  # it ended by itself
            if HAS_GROUPS:
                os.killpg(self.pid, number)
            else:
                self._process.send_signal(number)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in _lines_of(self._process.stdout):
            with self._news:
                self._lines.append(line)
                self._news.notify_all()
        with self._news:
            self._has_ended = True
            self._news.notify_all()

    def _failure(self, what: str) -> LabError:
        return LabError(f"{' '.join(self.command)}: {what}\n{self.tail()}")


def _lines_of(stream: IO[bytes]) -> Iterator[str]:
    rest = b""
    while chunk := os.read(stream.fileno(), READ_BYTES):
        *whole, rest = _LINE_ENDS.split(rest + chunk)
        yield from (line.decode(errors="replace") for line in whole)
    if rest:
        yield rest.decode(errors="replace")
