"""aria2c as a seed or a leech; it learns of peers from trackers only, or from the DHT."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from actortorrent.lab.processes import Running
from actortorrent.wire.addresses import Address
from tests.content import Content
from tests.peers.needs import need_command
from tests.peers.processes import free_port, is_listening, wait_until, within

PORT = 6881  # where it has an address of its own
OPTIONS = (
    "--no-conf",
    "--enable-dht=false",
    "--enable-dht6=false",
    "--bt-enable-lpd=false",
    "--enable-peer-exchange=false",
    "--disable-ipv6=true",
    "--async-dns=false",
    "--file-allocation=none",
    "--bt-tracker-interval=1",
    "--show-console-readout=false",
    "--console-log-level=notice",
    "--allow-overwrite=true",
)


def in_the_dht(host: str, node: Address, folder: Path) -> list[str]:
    """Return the options that let aria2c, at an address of its own, join the DHT by a node."""
    return [
        f"--interface={host}",
        f"--dht-listen-addr={host}",
        f"--dht-listen-port={PORT}",
        f"--dht-entry-point={node}",
        f"--dht-file-path={folder / 'dht.dat'}",
        "--enable-dht=true",
    ]


@contextmanager
def aria2_seed(
    content: Content,
    *,
    port: int = 0,
    host: str = "127.0.0.1",
    namespace: str = "",
    extra: Sequence[str] = (),
) -> Iterator[int]:
    """Seed content while the block runs; yields the port."""
    port = port or free_port()
    options = ["--check-integrity=true", "--seed-ratio=0.0", *extra]
    with _start(content, content.folder, port, options, namespace) as process:
        process.wait_for_line("Verification finished|Seeding|Download complete")
        wait_until(lambda: is_listening(host, port, namespace), process, "aria2c listens")
        yield port


@contextmanager
def aria2_fetch(
    content: Content,
    into: Path,
    *,
    port: int = 0,
    namespace: str = "",
    source: str = "",
    extra: Sequence[str] = (),
) -> Iterator[Running]:
    """Fetch content, from the torrent's trackers or whoever dials, while the block runs.

    It ends when done. `source` names the torrent otherwise than by its file.
    """
    options = ["--seed-time=0", *extra]
    with _start(content, into, port or free_port(), options, namespace, source) as process:
        yield process


@contextmanager
def _start(
    content: Content,
    folder: Path,
    port: int,
    options: list[str],
    namespace: str = "",
    source: str = "",
) -> Iterator[Running]:
    command = [need_command("aria2c"), *OPTIONS, f"--listen-port={port}", f"--dir={folder}"]
    with Running(within(namespace, [*command, *options, source or content.torrent])) as process:
        yield process
