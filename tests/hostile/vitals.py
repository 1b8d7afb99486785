"""What a process takes: memory, threads, descriptors and processor time, as Linux tells it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

MIB = 1024 * 1024
SETTLE_SECONDS = 5.0  # for threads that were told to end, on a busy machine
LOOK_SECONDS = 0.01
REST_SECONDS = 0.3  # in which nothing changes: it is at rest


@dataclass(frozen=True, slots=True)
class Vitals:
    """Hold what a process has at one moment; memory in bytes."""

    resident: int
    peak: int
    threads: int
    descriptors: int


class Watched:
    """Watch one process from outside.

    Nothing tells when a thread of another process has ended: so `settle` looks again and again.
    """

    def __init__(self, pid: int) -> None:
        self._folder = Path(f"/proc/{pid}")

    def look(self) -> Vitals:
        """Return how it is now; the peak is that since `forget_peak`."""
        status = dict(
            line.split(":", 1) for line in (self._folder / "status").read_text().splitlines()
        )
        return Vitals(
            resident=int(status["VmRSS"].split()[0]) * 1024,
            peak=int(status["VmHWM"].split()[0]) * 1024,
            threads=int(status["Threads"]),
            descriptors=sum(1 for _ in (self._folder / "fd").iterdir()),
        )

    def forget_peak(self) -> None:
        """Take what it has now as the peak."""
        (self._folder / "clear_refs").write_text("5")

    def settle(self, threads: int, descriptors: int) -> Vitals:
        """Wait until it has no more than so many of both; return what it has in the end."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            now = self.look()
            is_settled = now.threads <= threads and now.descriptors <= descriptors
            if is_settled or time.monotonic() > deadline:
                return now
            time.sleep(LOOK_SECONDS)

    def rest(self) -> Vitals:
        """Wait until the counts of threads and descriptors stay as they are; return them."""
        deadline = time.monotonic() + SETTLE_SECONDS
        now = self.look()
        while True:
            before = now
            time.sleep(REST_SECONDS)
            now = self.look()
            is_same = (now.threads, now.descriptors) == (before.threads, before.descriptors)
            if is_same or time.monotonic() > deadline:
                return now

    def cpu_seconds(self) -> float:
        """Return the processor time that all its threads took so far."""
        tasks = (self._folder / "task").glob("*/schedstat")
        return sum(int(one.read_text().split()[0]) for one in tasks) / 1e9

    def busy(self, seconds: float) -> float:
        """Return how much of one core it takes, over so long a while."""
        before, began = self.cpu_seconds(), time.monotonic()
        time.sleep(seconds)
        return max(0.0, self.cpu_seconds() - before) / (time.monotonic() - began)
