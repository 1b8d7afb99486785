"""Serve content to libtorrent leeches: the time is the leeches', CPU and memory are the seed's."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from actortorrent.lab.processes import Running
from tests.benchmarks.clients import libtorrent_command
from tests.benchmarks.measuring import LIMIT_SECONDS, Cost, usage_of
from tests.benchmarks.stage import Shape, Stage
from tests.benchmarks.workloads.workload import OURS, Party, Ready
from tests.content import Content
from tests.peers.libtorrent import libtorrent_seed
from tests.peers.own import own_seed


@dataclass(frozen=True, slots=True)
class Seeding:
    """Serve so many leeches at once, which do not know each other, with us and libtorrent."""

    shape: Shape
    leeches: int

    @contextmanager
    def __call__(self, stage: Stage) -> Iterator[Ready]:
        """Seed with both while the block runs; each is idle in the other's turn."""
        content = stage.content(self.shape)
        check = partial(_check_each, content)
        with (
            own_seed(content, extra=["--no-trackers"]) as ours,
            libtorrent_seed(content, extra=["--no-pex"]) as theirs,
        ):
            seeds = {
                OURS: (ours.process.pid, ours.address),
                "libtorrent": (theirs.process.pid, f"127.0.0.1:{theirs.port}"),
            }
            parties = {
                name: Party(partial(self._serve, content, *seed), check)
                for name, seed in seeds.items()
            }
            yield Ready(parties, content.total_length * self.leeches)

    def _serve(self, content: Content, pid: int, address: str, into: Path) -> Cost:
        folders = [into / str(number) for number in range(self.leeches)]
        for folder in folders:
            folder.mkdir()
        cpu_before = usage_of(pid).cpu_seconds
        began = time.monotonic()
        with ExitStack() as stack:
            commands = [libtorrent_command(content, [address], folder) for folder in folders]
            leeches = [stack.enter_context(Running(command)) for command in commands]
            for leech in leeches:
                leech.wait_for_success(LIMIT_SECONDS)
            wall_seconds = time.monotonic() - began
        after = usage_of(pid)
        return Cost(wall_seconds, after.cpu_seconds - cpu_before, after.peak_bytes)


def _check_each(content: Content, into: Path) -> None:
    for folder in into.iterdir():
        content.assert_same_in(folder)
