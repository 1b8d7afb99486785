"""A real swarm, each peer a process of its own with a trace of its own."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from tests.content import make_content
from tests.peers.libtorrent import libtorrent_fetch
from tests.peers.own import own_fetch, own_seed

LEECHES = 4
LEVELS = ("block", "block", "block", "piece", "piece")  # of the seed, and of each leech


def trace_swarm(folder: Path) -> list[Path]:
    """Run a seed and leeches, with libtorrent among them, and return the traces of ours.

    Their level is "block", and "piece" of the last two.
    """
    content = make_content(folder / "content", {"a": 1_000_000, "b": 300_001})
    names = ["seed", *(f"leech-{number + 1}" for number in range(LEECHES))]
    paths = [folder / f"{name}.trace" for name in names]
    options: list[list[str | Path]] = [
        ["--trace", path, "--trace-level", level, "--no-trackers"]
        for path, level in zip(paths, LEVELS, strict=True)
    ]
    with ExitStack() as stack:
        seed = stack.enter_context(own_seed(content, extra=[*options[0], "--up", "2M"]))
        leeches, peers = [], [seed.address]
        for number in range(LEECHES):
            extra = [*options[number + 1], "--keep-seeding"]
            fetch = own_fetch(content, folder / names[number + 1], peers=peers, extra=extra)
            leeches.append(stack.enter_context(fetch))
            peers.append(leeches[-1].address)
        other = stack.enter_context(libtorrent_fetch(content, folder / "other", peers=peers))
        for leech in leeches:
            leech.wait_until_complete()
        other.wait_until_done()
        for process in (*leeches, seed):
            process.interrupt()
    return paths
