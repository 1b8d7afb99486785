"""Fetch the same content from the same libtorrent seeds, each client in its turn.

libtorrent and we are given the seeds' addresses. aria2 can only be given a tracker, and
takes a second or so to turn to it, which counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from actortorrent.lab.tracker import EmbeddedTracker
from tests.benchmarks.clients import COMMANDS, is_installed
from tests.benchmarks.measuring import Cost, measure
from tests.benchmarks.stage import Shape, Stage
from tests.benchmarks.workloads.workload import OURS, Party, Ready
from tests.content import Content
from tests.peers.libtorrent import libtorrent_seed


@dataclass(frozen=True, slots=True)
class Fetching:
    """Fetch content of a shape from so many libtorrent seeds."""

    shape: Shape
    seeds: int = 1
    clients: tuple[str, ...] = (OURS, "libtorrent")

    @contextmanager
    def __call__(self, stage: Stage) -> Iterator[Ready]:
        """Seed while the block runs."""
        clients = [one for one in (stage.clients or self.clients) if is_installed(one)]
        content = stage.content(self.shape)
        with ExitStack() as stack:
            extra = ["--no-pex", "--eager"]  # who fetches is measured, not how soon they warm up
            if "aria2" in clients:
                content = content.naming(stack.enter_context(EmbeddedTracker()).url)
                extra += ["--trackers"]
            print(f"starting {self.seeds} x libtorrent as seed", flush=True)
            seeds = [
                stack.enter_context(libtorrent_seed(content, extra=extra))
                for _ in range(self.seeds)
            ]
            peers = [f"127.0.0.1:{seed.port}" for seed in seeds]
            parties = {client: fetching_party(client, content, peers) for client in clients}
            yield Ready(parties, content.total_length)


def fetching_party(client: str, content: Content, peers: Sequence[str]) -> Party:
    """Return a client that fetches content from peers; what it wrote is compared."""
    run = partial(_fetch, client, content, peers)
    return Party(run, content.assert_same_in)


def _fetch(client: str, content: Content, peers: Sequence[str], into: Path) -> Cost:
    return measure(COMMANDS[client](content, peers, into))
