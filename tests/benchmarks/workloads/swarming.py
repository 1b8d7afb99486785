"""A swarm of ours whose every member may send so much a second, against its ideal time.

No swarm can be faster than its seed sends all once, nor than all together send what all
leeches lack: with equal limits the former takes longer. CPU is that of all leeches, memory
that of the largest.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from actortorrent.lab.tracker import EmbeddedTracker
from tests.benchmarks.measuring import LIMIT_SECONDS, Cost, usage_of
from tests.benchmarks.stage import MIB, Shape, Stage
from tests.benchmarks.workloads.workload import OURS, Party, Ready
from tests.content import Content
from tests.peers.own import own_fetch, own_seed

IDEAL = "the ideal"


@dataclass(frozen=True, slots=True)
class Swarming:
    """Let so many leeches fetch content at once from one seed and from each other."""

    shape: Shape
    leeches: int
    up_mib: int

    @contextmanager
    def __call__(self, stage: Stage) -> Iterator[Ready]:
        """Have nobody there yet: each run starts a swarm of its own."""
        content = stage.content(self.shape)
        ideal = Cost(self.ideal_seconds(content.total_length), 0.0, 0)
        ours = Party(partial(self._run, content), partial(_check_each, content))
        yield Ready({OURS: ours, IDEAL: Party(lambda _: ideal)}, content.total_length)

    def ideal_seconds(self, byte_count: int) -> float:
        """Return the least time in which such a swarm can be complete."""
        limit = self.up_mib * MIB
        return max(byte_count / limit, self.leeches * byte_count / (limit * (self.leeches + 1)))

    def _run(self, content: Content, into: Path) -> Cost:
        extra = ["--up", f"{self.up_mib}M", "--encryption", "off", "--no-portmap"]
        with ExitStack() as stack:
            tracked = content.naming(stack.enter_context(EmbeddedTracker()).url)
            stack.enter_context(own_seed(tracked, extra=extra))
            began = time.monotonic()
            leeches = [
                stack.enter_context(
                    own_fetch(tracked, into / str(number), extra=[*extra, "--keep-seeding"])
                )
                for number in range(self.leeches)
            ]
            for leech in leeches:
                leech.wait_until_complete(LIMIT_SECONDS)
            wall_seconds = time.monotonic() - began
            usages = [usage_of(leech.process.pid) for leech in leeches]
        cpu_seconds = sum(usage.cpu_seconds for usage in usages)
        return Cost(wall_seconds, cpu_seconds, max(usage.peak_bytes for usage in usages))


def _check_each(content: Content, into: Path) -> None:
    for folder in into.iterdir():
        content.assert_same_in(folder)
