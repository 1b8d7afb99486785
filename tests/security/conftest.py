"""What tests of this folder share: a fetch from strangers, in a terminal, with its trace."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from actortorrent.lab.processes import ACTORTORRENT
from tests.content import Content
from tests.security.strangers import on_a_terminal, strangers


@dataclass(frozen=True, slots=True)
class Fetched:
    """Hold what a fetch left.

    Attributes:
        folder: where the content is, in `into`.
        got: what the terminal got.
    """

    content: Content
    folder: Path
    trace: Path
    got: bytes


@pytest.fixture(scope="module")
def fetched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fetched]:
    """Fetch from strangers, who stay as long as there are tests of a module."""
    folder = tmp_path_factory.mktemp("strangers")
    trace = folder / "fetch.trace"
    with strangers(folder / "theirs") as content:
        where = ["--bind", "127.0.0.1", "--port", "0", "--no-dht"]
        told = [
            "--trace",
            str(trace),
            "--trace-level",
            "block",
            "--verbose",
            "--stall-timeout",
            "30",
        ]
        command = [*ACTORTORRENT, "fetch", str(content.torrent), "-o", str(folder / "into")]
        got = on_a_terminal([*command, *where, *told], folder)
        yield Fetched(content, folder, trace, got)
