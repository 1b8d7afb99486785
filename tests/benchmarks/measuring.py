"""Run a command to its end and say what it took: time, CPU, memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

KIB = 1024
LIMIT_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Cost:
    """Say what one run took.

    Attributes:
        wall_seconds: from start to exit.
        cpu_seconds: user and system, of the process and those it waited for.
        peak_bytes: the most memory resident at a time; mapped files count.
    """

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class Spread:
    """Say where the middle and the ends of several figures lie."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, figures: Sequence[float]) -> Spread:
        """Return the spread of one or more figures."""
        return cls(statistics.median(figures), min(figures), max(figures))


def measure(command: Sequence[str | Path]) -> Cost:
    """Run a command to its end.

    Raises:
        RuntimeError: its exit code is not 0, or it was ended after `LIMIT_SECONDS`.
    """
    with tempfile.TemporaryFile() as output:
        began = time.monotonic()
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.PIPE,  # open until the end: for our libtorrent its life line
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        guard = threading.Timer(LIMIT_SECONDS, process.kill)
        guard.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall_seconds = time.monotonic() - began
        guard.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.stdin is not None:
            process.stdin.close()
        if process.returncode != 0:
            output.seek(0)
            said = output.read()[-2000:].decode(errors="replace")
            raise RuntimeError(f"{command}: exit code {process.returncode}\n{said}")
    return Cost(wall_seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * KIB)
