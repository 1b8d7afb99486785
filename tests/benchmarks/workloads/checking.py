"""Read and hash content that is in the page cache: `verify` and `create`, against SHA-1 alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from actortorrent.lab.processes import ACTORTORRENT
from actortorrent.wire.metainfo import Metainfo
from tests.benchmarks import hash_all
from tests.benchmarks.clients import Words
from tests.benchmarks.measuring import Cost, measure
from tests.benchmarks.stage import KIB, Shape, Stage
from tests.benchmarks.workloads.workload import OURS, Party, Ready
from tests.content import Content

SHA1 = "SHA-1 alone"
MADE = "made.torrent"


@dataclass(frozen=True, slots=True)
class Checking:
    """Run `verify` or `create` on content, and SHA-1 on all cores at once on the same."""

    command: str
    shape: Shape

    @contextmanager
    def __call__(self, stage: Stage) -> Iterator[Ready]:
        """Have the content read once, so that it is cached."""
        content = stage.content(self.shape)
        files = [content.folder / path for path, _ in content.files]
        alone: Words = [sys.executable, hash_all.__file__, *files]
        measure(alone)
        ours = _verifying(content) if self.command == "verify" else _creating(content)
        parties = {OURS: ours, SHA1: Party(lambda _: measure(alone))}
        yield Ready(parties, content.total_length)


def _verifying(content: Content) -> Party:
    command: Words = [*ACTORTORRENT, "verify", "--quiet", content.torrent, content.folder]
    return Party(lambda _: measure(command))


def _creating(content: Content) -> Party:
    return Party(partial(_create, content), partial(_check_hashes, content))


def _create(content: Content, into: Path) -> Cost:
    command: Words = [*ACTORTORRENT, "create", content.folder / content.name]
    command += ["--piece-length", f"{content.piece_length // KIB}K"]
    return measure([*command, "--quiet", "--output", into / MADE])


def _check_hashes(content: Content, into: Path) -> None:
    made, meant = Metainfo.from_file(into / MADE), Metainfo.from_file(content.torrent)
    assert made.piece_count == meant.piece_count, "another number of pieces"
    for index in range(meant.piece_count):
        assert made.piece_hash(index) == meant.piece_hash(index), f"piece {index} differs"
