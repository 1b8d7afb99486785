"""Peers that are connected and silent: what they cost a client that waits for one of them."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from actortorrent.lab.processes import ACTORTORRENT, PATIENCE_SECONDS, Running
from actortorrent.wire.handshake import HANDSHAKE_BYTES, PEER_ID_BYTES, Handshake
from tests.benchmarks.clients import Words
from tests.benchmarks.measuring import Cost, usage_of
from tests.benchmarks.stage import Shape, Stage
from tests.benchmarks.workloads.workload import OURS, Party, Ready
from tests.content import Content
from tests.peers.processes import free_port, is_listening, wait_until

SETTLING_SECONDS = 12.0  # so long after its last message a peer is looked after more often
WATCHED_SECONDS = 20.0
LEAST_WATCHED_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Idling:
    """Connect so many peers that have nothing, and want nothing yet, to a fetch of ours."""

    shape: Shape
    peers: int

    @contextmanager
    def __call__(self, stage: Stage) -> Iterator[Ready]:
        """Make the content; each run connects peers of its own."""
        seconds = max(LEAST_WATCHED_SECONDS, WATCHED_SECONDS * min(1.0, stage.scale * 4))
        run = partial(self._watch, stage.content(self.shape), seconds)
        yield Ready({OURS: Party(run)})

    def _watch(self, content: Content, seconds: float, into: Path) -> Cost:
        port = free_port()
        options = ["--no-trackers", "--no-portmap", "--no-dht", "--no-lsd"]
        options += ["--progress", "none"]
        options += ["--max-peers", str(self.peers)]
        options += ["--bind", "127.0.0.1", "--port", str(port)]
        with ExitStack() as stack:
            command: Words = [*ACTORTORRENT, "fetch", content.torrent, "--output", into, *options]
            client = stack.enter_context(Running(command))
            wait_until(lambda: is_listening("127.0.0.1", port), client, "listening")
            for _ in range(self.peers):
                stack.enter_context(_idle_peer(content.info_hash, port))
            time.sleep(SETTLING_SECONDS)
            before = usage_of(client.pid)
            time.sleep(seconds)
            after = usage_of(client.pid)
        return Cost(seconds, after.cpu_seconds - before.cpu_seconds, after.peak_bytes)


def _idle_peer(info_hash: bytes, port: int) -> socket.socket:
    """Shake hands and say no more; what comes stays in the socket."""
    peer = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)
    peer.sendall(Handshake(info_hash, os.urandom(PEER_ID_BYTES)).encode())
    heard = peer.recv(HANDSHAKE_BYTES, socket.MSG_WAITALL)
    assert len(heard) == HANDSHAKE_BYTES, "it closed the connection of an idle peer"
    return peer
