"""What it takes before anything is done: the version, and a torrent of one block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from actortorrent.lab.processes import ACTORTORRENT
from tests.benchmarks.measuring import measure
from tests.benchmarks.stage import KIB, Stage
from tests.benchmarks.workloads.fetching import fetching_party
from tests.benchmarks.workloads.workload import OURS, Party, Ready
from tests.content import make_content
from tests.peers.libtorrent import libtorrent_seed

SMALL_BYTES = 16 * KIB


@contextmanager
def saying_the_version(_: Stage) -> Iterator[Ready]:
    """Run `actortorrent --version`."""
    yield Ready({OURS: Party(lambda _: measure([*ACTORTORRENT, "--version"]))})


@contextmanager
def fetching_a_block(stage: Stage) -> Iterator[Ready]:
    """Fetch a torrent of one block from a libtorrent seed, from start to exit."""
    content = make_content(stage.folder / "one-block", SMALL_BYTES, piece_length=SMALL_BYTES)
    with libtorrent_seed(content) as seed:
        peers = [f"127.0.0.1:{seed.port}"]
        parties = {
            client: fetching_party(client, content, peers) for client in (OURS, "libtorrent")
        }
        yield Ready(parties, SMALL_BYTES)
