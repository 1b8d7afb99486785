"""opentracker: a real tracker, HTTP and UDP, that serves only torrents it is told of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from actortorrent.lab.processes import Running
from tests.peers.needs import need_command
from tests.peers.processes import free_port, is_listening, wait_until, within

WHITELIST = "allowed.txt"


@dataclass(frozen=True, slots=True)
class OpenTracker:
    """Say where a tracker is reached."""

    http_url: str
    udp_url: str

    def allows(self, info_hash: bytes) -> bool:
        """Return whether the tracker has read, in a thread of its own, that it may serve this."""
        about: dict[str, bytes | int] = {"info_hash": info_hash, "peer_id": bytes(20)}
        about |= {"port": 1, "left": 1}
        reply = requests.get(self.http_url, about, timeout=60).content
        requests.get(self.http_url, {**about, "event": "stopped"}, timeout=60)
        return b"failure reason" not in reply

    def wait_until_it_knows(self, info_hash: bytes, client: Running) -> None:
        """Wait until a `client` has announced the torrent."""

        def is_known() -> bool:
            url = self.http_url.replace("/announce", "/scrape")
            reply = requests.get(url, {"info_hash": info_hash}, timeout=60).content
            return b"8:completei1e" in reply

        wait_until(is_known, client, "the tracker knows of it")


@contextmanager
def opentracker(
    folder: Path, allowed: Sequence[bytes], *, host: str = "127.0.0.1", namespace: str = ""
) -> Iterator[OpenTracker]:
    """Run a tracker for these info-hashes; `folder` is where it shuts itself in, if root."""
    command = need_command("opentracker")
    port = 6969 if namespace else free_port(host)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / WHITELIST).write_text("".join(f"{info_hash.hex()}\n" for info_hash in allowed))
    folder.chmod(0o755)  # started by root, it becomes `nobody`, and reads the list again
    where = ["-i", host, "-p", str(port), "-P", str(port)]
    arguments: list[str | Path] = [command, *where, "-d", folder, "-w", WHITELIST]
    with Running(within(namespace, arguments), folder=folder) as process:
        wait_until(lambda: is_listening(host, port, namespace), process, "opentracker listens")
        tracker = OpenTracker(f"http://{host}:{port}/announce", f"udp://{host}:{port}/announce")
        if allowed and not namespace:
            wait_until(lambda: tracker.allows(allowed[-1]), process, "opentracker reads its list")
        yield tracker
