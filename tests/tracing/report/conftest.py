"""What tests of the report share: a real swarm's traces, its page, and a browser."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from actortorrent.tracing.report.writing import write_report
from tests.content import make_content
from tests.peers.own import own_fetch, own_seed


@dataclass(frozen=True, slots=True)
class Reported:
    """A fetch from a seed: the traces of both, and the page made of them."""

    traces: tuple[Path, ...]
    page: Path


@pytest.fixture(scope="session")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Reported:
    """Return the report of a small real swarm, made now."""
    folder = tmp_path_factory.mktemp("reported")
    content = make_content(folder / "content", 600_000, name="pictures", piece_length=64 * 1024)
    fetch, seed = folder / "fetch.jsonl", folder / "seed.jsonl"
    level = ("--trace-level", "block")
    with own_seed(content, extra=("--trace", seed, *level)) as seeding:
        into, peers = folder / "out", [seeding.address]
        with own_fetch(content, into, peers=peers, extra=("--trace", fetch, *level)) as fetching:
            fetching.finish()
        seeding.interrupt()
    page = folder / "report.html"
    write_report([fetch, seed], page)
    return Reported((fetch, seed), page)
