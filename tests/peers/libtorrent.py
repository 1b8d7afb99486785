"""libtorrent as a seed or a leech, in a process of its own (see `libtorrent_peer.py`)."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from actortorrent.lab.processes import Running
from tests.content import Content
from tests.peers.needs import need_module
from tests.peers.processes import within

SCRIPT = Path(__file__).with_name("libtorrent_peer.py")


class Libtorrent:
    """A libtorrent process and where it listens."""

    def __init__(self, process: Running) -> None:
        self.process = process
        self.port = int(process.wait_for_line(r'"listening", "port": (\d+)')[1])

    def wait_until_seeding(self) -> None:
        """Wait until it has found that it has everything."""
        self.process.wait_for_line(r'"checked", "is_seed": true')

    def wait_until_done(self) -> None:
        """Wait until it has fetched everything and written it to disk."""
        self.process.wait_for_line(r'"event": "done"')


@contextmanager
def libtorrent_seed(
    content: Content, *, host: str = "127.0.0.1", namespace: str = "", extra: Sequence[str] = ()
) -> Iterator[Libtorrent]:
    """Seed content while the block runs."""
    with _start("seed", content, content.folder, host, namespace, extra) as client:
        client.wait_until_seeding()
        yield client


@contextmanager
def libtorrent_fetch(
    content: Content,
    into: Path,
    *,
    host: str = "127.0.0.1",
    namespace: str = "",
    peers: Sequence[str] = (),
    extra: Sequence[str] = (),
) -> Iterator[Libtorrent]:
    """Fetch content into a folder while the block runs."""
    dial = [part for peer in peers for part in ("--peer", peer)]
    with _start("fetch", content, into, host, namespace, [*dial, *extra]) as client:
        yield client


@contextmanager
def _start(
    mode: str, content: Content, folder: Path, host: str, namespace: str, extra: Sequence[str]
) -> Iterator[Libtorrent]:
    need_module("libtorrent")
    # -P: or this folder's libtorrent.py would stand before the real one.
    script: list[str | Path] = [sys.executable, "-P", SCRIPT]
    command = [*script, mode, content.torrent, folder, "--host", host, *extra]
    with Running(within(namespace, command)) as process:
        yield Libtorrent(process)
