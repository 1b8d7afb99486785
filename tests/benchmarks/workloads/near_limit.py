"""Fetch from one seed of ours, against the same bytes without any protocol (`limit.py`)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from actortorrent.lab.processes import Running
from tests.benchmarks import limit
from tests.benchmarks.measuring import Cost, measure
from tests.benchmarks.stage import Shape, Stage
from tests.benchmarks.workloads.fetching import fetching_party
from tests.benchmarks.workloads.workload import OURS, Party, Ready
from tests.peers.own import own_seed

LIMIT = "the limit"


@dataclass(frozen=True, slots=True)
class NearLimit:
    """Fetch one file from a seed of ours, and from a server that only sends it."""

    shape: Shape

    @contextmanager
    def __call__(self, stage: Stage) -> Iterator[Ready]:
        """Seed, and serve, while the block runs."""
        content = stage.content(self.shape)
        ((name, size),) = content.files
        command = [sys.executable, limit.__file__]

        def fetch(into: Path) -> Cost:
            return measure([*command, "fetch", port, str(size), into / name])

        with (
            own_seed(content, extra=["--no-trackers"]) as seed,
            Running([*command, "serve", content.folder / name]) as server,
        ):
            port = server.wait_for_line(r"listening on (\d+)")[1]
            parties = {
                OURS: fetching_party(OURS, content, [seed.address]),
                LIMIT: Party(fetch, content.assert_same_in),
            }
            yield Ready(parties, size)
