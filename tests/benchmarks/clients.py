"""The commands with which each client fetches: all of them exit when everything is written."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from actortorrent.lab.processes import ACTORTORRENT
from tests.content import Content
from tests.peers.aria2 import OPTIONS as ARIA2_OPTIONS
from tests.peers.libtorrent import SCRIPT as LIBTORRENT_SCRIPT
from tests.peers.processes import free_port

USUAL_MAX_PEERS = 50  # of ours, unless told

Words = list[str | Path]
Command = Callable[[Content, Sequence[str], Path], Words]


def actortorrent_command(
    content: Content, peers: Sequence[str], into: Path, *, is_encrypted: bool = False
) -> Words:
    """Return how our client fetches content from peers."""
    options = [
        "--no-trackers",
        "--port",
        "0",
        "--no-portmap",
        "--no-dht",
        "--no-lsd",
        "--progress",
        "none",
    ]
    options += ["--encryption", "require" if is_encrypted else "off"]
    options += _dial(peers)
    if len(peers) > USUAL_MAX_PEERS:
        options += ["--max-peers", str(len(peers))]
    return [*ACTORTORRENT, "fetch", content.torrent, "--output", into, *options]


def unrecorded_command(content: Content, peers: Sequence[str], into: Path) -> Words:
    """Return how our client fetches it without a flight recorder."""
    usual = actortorrent_command(content, peers, into)
    return [sys.executable, "-m", "tests.benchmarks.unrecorded", *usual[len(ACTORTORRENT) :]]


def traced_command(content: Content, peers: Sequence[str], into: Path) -> Words:
    """Return how our client fetches it while it writes a trace."""
    trace = into.with_name("trace.jsonl")
    return [*actortorrent_command(content, peers, into), "--trace", trace]


def libtorrent_command(content: Content, peers: Sequence[str], into: Path) -> Words:
    """Return how libtorrent fetches it; it flushes its cache before it exits."""
    script: Words = [sys.executable, "-P", LIBTORRENT_SCRIPT]
    return [*script, "fetch", content.torrent, into, "--no-pex", *_dial(peers)]


def aria2_command(content: Content, _: Sequence[str], into: Path) -> Words:
    """Return how aria2 fetches it from those that the torrent's tracker names."""
    options = [f"--listen-port={free_port()}", f"--dir={into}", "--seed-time=0", "--quiet"]
    return ["aria2c", *ARIA2_OPTIONS, *options, content.torrent]


def is_installed(client: str) -> bool:
    """Say whether a client can be measured here."""
    return client != "aria2" or shutil.which("aria2c") is not None


def _dial(peers: Sequence[str]) -> list[str]:
    return [part for peer in peers for part in ("--peer", peer)]


COMMANDS: dict[str, Command] = {
    "actortorrent": actortorrent_command,
    "libtorrent": libtorrent_command,
    "aria2": aria2_command,
    "encrypted": partial(actortorrent_command, is_encrypted=True),
    "unrecorded": unrecorded_command,
    "traced": traced_command,
}
