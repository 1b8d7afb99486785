"""Run a command to its end and say what it took: time, CPU, memory."""

from __future__ import annotations

import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

KIB = 1024
LIMIT_SECONDS = 600
STARTER = str(Path(__file__).with_name("starter.py"))


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


@dataclass(frozen=True, slots=True)
class Usage:
    """Say what a process that still runs has taken so far."""

    cpu_seconds: float
    peak_bytes: int


def usage_of(pid: int) -> Usage:
    """Read what a process, not those it started, has taken; on Linux only."""
    folder = Path("/proc", str(pid))
    # Behind the name, which may hold anything: state is field 3, utime and stime 14 and 15.
    fields = (folder / "stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", (folder / "status").read_text())
    return Usage(ticks / os.sysconf("SC_CLK_TCK"), int(peak) * KIB)


def usage_of_self() -> Usage:
    """Return what this process has taken."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return Usage(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * KIB)


def measure(command: Sequence[str | Path]) -> Cost:
    """Run a command to its end.

    Raises:
        RuntimeError: its exit code is not 0, or it was ended after `LIMIT_SECONDS`.
    """
    reading, report = os.pipe()
    # -I and -S: nothing is imported that it does not need, so that it is small.
    starter = [sys.executable, "-I", "-S", STARTER, str(report), str(LIMIT_SECONDS)]
    with tempfile.TemporaryFile() as output, os.fdopen(reading, "rb") as told:
        process = subprocess.Popen(
            [*starter, *(str(part) for part in command)],
            stdin=subprocess.PIPE,  # open until the end: for our libtorrent its life line
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=[report],
        )
        os.close(report)
        figures = told.read().split()
        process.communicate()
        if figures[3:] != [b"0"]:
            output.seek(0)
            said = output.read()[-2000:].decode(errors="replace")
            code = b" ".join(figures[3:]).decode()
            raise RuntimeError(f"{' '.join(map(str, command))}: exit code {code}\n{said}")
    wall_seconds, cpu_seconds, peak_kib, _ = figures
    return Cost(float(wall_seconds), float(cpu_seconds), int(peak_kib) * KIB)
