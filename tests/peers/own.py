"""Our own client as a process, started as a user starts it, read by its JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from actortorrent.lab.processes import ACTORTORRENT, PATIENCE_SECONDS, Running
from tests.content import Content
from tests.peers.processes import within

Arguments = Sequence[str | Path]


class OwnClient:
    """A process of ours and what it said."""

    def __init__(self, process: Running, host: str) -> None:
        self.process = process
        self._host = host

    @property
    def address(self) -> str:
        """Return where it listens, as `host:port`, as soon as it does."""
        port = self.process.wait_for_line(r'"listening", "port": (\d+)')[1]
        return f"{self._host}:{port}"

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the JSON objects of one kind printed so far, in order."""
        lines = (line for line in self.process.lines if line.startswith("{"))
        return [event for event in map(json.loads, lines) if event["event"] == name]

    def wait_until_complete(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until everything is here and verified."""
        self.process.wait_for_line(r'"is_complete": true', seconds)

    def finish(self, seconds: float = PATIENCE_SECONDS) -> dict[str, Any]:
        """Wait for the end, which must be a success, and return its "done"."""
        self.process.wait_for_success(seconds)
        (done,) = self.events("done")
        return done

    def interrupt(self, seconds: float = PATIENCE_SECONDS) -> dict[str, Any]:
        """Press Ctrl-C, wait for the end, and return its "done"."""
        self.process.interrupt()
        code = self.process.wait(seconds)
        assert code == 130, f"exit code {code}:\n{self.process.tail()}"
        (done,) = self.events("done")
        return done


@contextmanager
def own_fetch(
    content: Content,
    into: Path,
    *,
    peers: Sequence[str] = (),
    host: str = "127.0.0.1",
    namespace: str = "",
    listens: bool = True,
    source: str = "",
    extra: Arguments = (),
) -> Iterator[OwnClient]:
    """Fetch content into a folder while the block runs; it ends by itself when done.

    `source` names the torrent otherwise than by its file.
    """
    dial = [part for peer in peers for part in ("--peer", peer)]
    arguments = ["fetch", source or content.torrent, "--output", into, *dial, *extra]
    with _start(arguments, host, namespace, listens=listens) as client:
        yield client


@contextmanager
def own_seed(
    content: Content,
    *,
    peers: Sequence[str] = (),
    host: str = "127.0.0.1",
    namespace: str = "",
    extra: Arguments = (),
) -> Iterator[OwnClient]:
    """Seed content while the block runs, from the moment on when it has checked it."""
    dial = [part for peer in peers for part in ("--peer", peer)]
    with _start(
        ["seed", content.folder, content.torrent, *dial, *extra], host, namespace
    ) as client:
        client.process.wait_for_line('"phase": "seeding"')
        yield client


@contextmanager
def _start(
    arguments: Arguments, host: str, namespace: str, *, listens: bool = True
) -> Iterator[OwnClient]:
    options = ["--bind", host, *(["--port", "0"] if listens else []), "--progress", "json"]
    command = within(namespace, [*ACTORTORRENT, *arguments, *options])
    with Running(command) as process:
        yield OwnClient(process, host)
