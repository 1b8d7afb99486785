"""Start a client as a process of its own, hear what it prints, and never leave it behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

PATIENCE_SECONDS = 30.0  # for what takes a second where nothing is wrong
CLOSING_SECONDS = 5.0
LINE_ENDS = re.compile(rb"[\r\n]+")


class Running:
    """A process in a group of its own, killed when its `with` block ends.

    Its output is gathered by a thread, so that the process is never held up by a pipe
    that is full, and a line can be waited for. A line ends in newline or carriage return.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        namespace: str = "",
        folder: Path | None = None,
        env: dict[str, str] | None = None,
    ) -> None:
        within = ("ip", "netns", "exec", namespace) if namespace else ()
        self.command = [str(part) for part in (*within, *command)]
        self._process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=os.environ | (env or {}),
            start_new_session=True,
        )
        self._lines: list[str] = []
        self._news = threading.Condition()
        self._has_ended = False
        self._reader = threading.Thread(target=self._read, name=f"output of {command[0]}")
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

    def tail(self, count: int = 30) -> str:
        """Return the last lines printed."""
        return "\n".join(self.lines[-count:])

    def wait_for_line(self, pattern: str, seconds: float = PATIENCE_SECONDS) -> re.Match[str]:
        """Return the first match of `pattern` in a line, waiting for it until printed.

        Raises:
            AssertionError: the process ended, or `seconds` passed, without such a line.
        """
        seen = 0
        deadline = time.monotonic() + seconds
        with self._news:
            while True:
                for line in self._lines[seen:]:
                    if found := re.search(pattern, line):
                        return found
                seen = len(self._lines)
                assert not self._has_ended, self._complain(f"ended without {pattern!r}")
                in_time = self._news.wait(deadline - time.monotonic())
                assert in_time, self._complain(f"no {pattern!r} in {seconds} s")

    def wait(self, seconds: float = PATIENCE_SECONDS) -> int:
        """Return the exit code, waiting for the end, with all lines then read."""
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(self._complain(f"still runs after {seconds} s")) from None
        self._reader.join(CLOSING_SECONDS)
        return code

    def wait_for_success(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait for the end, and fail unless the exit code is 0."""
        code = self.wait(seconds)
        assert code == 0, self._complain(f"exit code {code}")

    def has_ended_within(self, seconds: float) -> bool:
        """Return whether the process ends in this time: a pause that its end cuts short."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def interrupt(self) -> None:
        """Do what Ctrl-C does: signal the whole group."""
        os.killpg(self.pid, signal.SIGINT)

    def kill(self) -> None:
        """End the whole group at once, as `kill -9` does, and wait until it is gone."""
        with suppress(ProcessLookupError):  # it may have ended by itself
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join(CLOSING_SECONDS)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in _split_lines(self._process.stdout):
            with self._news:
                self._lines.append(line)
                self._news.notify_all()
        with self._news:
            self._has_ended = True
            self._news.notify_all()

    def _complain(self, what: str) -> str:
        return f"{what}: {' '.join(self.command)}\n" + "\n".join(self._lines[-30:])


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port that nobody listens on, neither TCP nor UDP."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as tcp:
        tcp.bind((host, 0))
        port: int = tcp.getsockname()[1]
        with socket.socket(family, socket.SOCK_DGRAM) as udp:
            udp.bind((host, port))
    return port


def wait_until(
    holds: Callable[[], bool], process: Running, what: str, seconds: float = PATIENCE_SECONDS
) -> None:
    """Ask `holds` every few milliseconds until it does, or `process` ends, or time is up.

    For clients that print nothing when they are ready.
    """
    deadline = time.monotonic() + seconds
    while not holds():
        assert not process.has_ended_within(0.02), f"ended before {what}:\n{process.tail()}"
        assert time.monotonic() < deadline, f"no {what} in {seconds} s:\n{process.tail()}"


def is_listening(host: str, port: int, namespace: str = "") -> bool:
    """Return whether somebody accepts connections there."""
    if namespace:
        connect = ["bash", "-c", f"exec 3<>/dev/tcp/{host}/{port}"]
        command = ["ip", "netns", "exec", namespace, *connect]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def _split_lines(stream: IO[bytes]) -> Iterator[str]:
    rest = b""
    while chunk := os.read(stream.fileno(), 65536):
        *whole, rest = LINE_ENDS.split(rest + chunk)
        yield from (line.decode(errors="replace") for line in whole)
    if rest:
        yield rest.decode(errors="replace")
