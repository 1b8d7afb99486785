"""Our own client under a limit of the system's, as `ulimit` sets it."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from actortorrent.errors import ExitCode
from actortorrent.lab.processes import ACTORTORRENT, Running
from tests.content import Content
from tests.peers.needs import need_command
from tests.peers.own import Arguments, OwnClient

KIB = 1024
MIB = 1024 * KIB
HOST = "127.0.0.1"
ALONE = ("--no-dht", "--no-lsd", "--no-portmap", "--no-trackers")

FILE_BYTES = resource.RLIMIT_FSIZE
MEMORY = resource.RLIMIT_AS
DESCRIPTORS = resource.RLIMIT_NOFILE
_OPTIONS = {FILE_BYTES: "--fsize", MEMORY: "--as", DESCRIPTORS: "--nofile"}


@contextmanager
def limited_fetch(
    content: Content,
    into: Path,
    limit: tuple[int, int],
    peers: list[str],
    *,
    extra: Arguments = (),
) -> Iterator[OwnClient]:
    """Fetch while the block runs, with one `limit`: which, and how much."""
    kind, most = limit
    dial = [part for peer in peers for part in ("--peer", peer)]
    options = ["--bind", HOST, "--port", "0", "--progress", "json", *ALONE, *extra]
    arguments = ["fetch", content.torrent, "--output", into, *dial, *options]
    command = [
        need_command("prlimit"),
        f"{_OPTIONS[kind]}={most}:{most}",
        *ACTORTORRENT,
        *arguments,
    ]
    with Running(command) as process:
        yield OwnClient(process, HOST)


def told_by(client: OwnClient, code: ExitCode, seconds: float = 60.0) -> str:
    """Wait for an end with this code, and return what it says: one line, and what to do."""
    assert client.process.wait(seconds) == code, client.process.tail()
    return line_of(client)


def line_of(client: OwnClient) -> str:
    """Return the one line on stderr of a client that has ended with an error."""
    words = [line for line in client.process.lines if not line.startswith("{")]
    assert 1 <= len(words) <= 2, "\n".join(words)
    assert words[0].startswith("actortorrent: ")
    assert "bug" not in words[0]
    assert all(line.startswith("  ") for line in words[1:])
    message = words[0].removeprefix("actortorrent: ")
    assert all(error["message"] == message for error in client.events("error"))
    return message
