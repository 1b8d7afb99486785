"""Transmission as a seed or a leech, in a network namespace: it ignores peers on 127.0.0.0/8.

`transmission-cli` is the whole client in one process; it learns of peers from trackers and
takes those that dial it, or those that it finds in the DHT.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import bencodepy

from actortorrent.lab.processes import Running
from actortorrent.wire.addresses import Address, pack_compact
from tests.content import Content
from tests.peers.needs import need_command
from tests.peers.processes import is_listening, wait_until, within

SETTINGS = {
    "message-level": 3,  # the log is heard at once; the status line hides in a buffer
    "dht-enabled": False,
    "lpd-enabled": False,
    "pex-enabled": False,
    "utp-enabled": False,
    "port-forwarding-enabled": False,
    "encryption": 0,  # plain text is fine
    "peer-port-random-on-start": False,
    "upload-slots-per-torrent": 14,
}
PORT = 51413


@contextmanager
def transmission_seed(
    content: Content, *, host: str, namespace: str, dht: Sequence[Address] = ()
) -> Iterator[str]:
    """Seed content while the block runs, in the DHT if nodes are given; yields `host:port`."""
    with _start(content, content.folder, host, namespace, dht=dht) as process:
        process.wait_for_line("Verification is done")
        yield f"{host}:{PORT}"


@contextmanager
def transmission_fetch(
    content: Content,
    into: Path,
    *,
    host: str,
    namespace: str,
    source: str = "",
    dht: Sequence[Address] = (),
) -> Iterator[Running]:
    """Fetch content while the block runs, from whoever dials it, a tracker names or the DHT.

    `source` names the torrent otherwise than by its file; `dht` are nodes to join it by.
    """
    with _start(content, into, host, namespace, source, dht) as process:
        if source:
            wait_until(lambda: is_listening(host, PORT, namespace), process, "it listens")
        else:
            process.wait_for_line("Verification is done")
        yield process


def wait_until_transmission_is_done(process: Running) -> None:
    """Wait until a fetching Transmission has everything."""
    process.wait_for_line('State changed from "Incomplete" to "Complete"')


@contextmanager
def _start(
    content: Content,
    folder: Path,
    host: str,
    namespace: str,
    source: str = "",
    dht: Sequence[Address] = (),
) -> Iterator[Running]:
    settings = folder / f".transmission-{host}"
    settings.mkdir(parents=True, exist_ok=True)
    choices = SETTINGS | {"bind-address-ipv4": host, "peer-port": PORT, "dht-enabled": bool(dht)}
    known = {"id": random.randbytes(20), "nodes": b"".join(map(pack_compact, dht))}
    (settings / "dht.dat").write_bytes(bencodepy.encode(known))
    (settings / "settings.json").write_text(json.dumps(choices))
    command = [need_command("transmission-cli"), "--config-dir", settings, "--download-dir", folder]
    options = ["--port", PORT, "--no-portmap", "--encryption-tolerated"]
    env = {"HOME": str(settings)}
    arguments = [str(part) for part in (*command, *options, source or content.torrent)]
    with Running(within(namespace, arguments), env=env) as process:
        yield process
