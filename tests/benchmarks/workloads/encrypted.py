"""Fetch from one seed of ours, encrypted (MSE, RC4) and in plain: what hiding costs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.benchmarks.stage import Shape, Stage
from tests.benchmarks.workloads.fetching import fetching_party
from tests.benchmarks.workloads.workload import OURS, Ready
from tests.peers.own import own_seed

PLAIN = "in plain"


@dataclass(frozen=True, slots=True)
class Encrypted:
    """Fetch one file from a seed of ours, with and without encryption."""

    shape: Shape

    @contextmanager
    def __call__(self, stage: Stage) -> Iterator[Ready]:
        """Seed while the block runs."""
        content = stage.content(self.shape)
        with own_seed(content, extra=["--no-trackers"]) as seed:
            parties = {
                OURS: fetching_party("encrypted", content, [seed.address]),
                PLAIN: fetching_party(OURS, content, [seed.address]),
            }
            yield Ready(parties, content.total_length)
