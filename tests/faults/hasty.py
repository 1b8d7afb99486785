"""Our own client on a host of a `Network`, with some of its patience cut short."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from actortorrent.lab.processes import Running
from tests.faults.hosts import Network

# What takes half a minute or more otherwise; the order of what happens stays the same.
HASTE = {
    "wire.announces.MIN_INTERVAL_SECONDS": 1,
    "rules.announcing.BACK_OFF_SECONDS": 0.5,
    "rules.address_book.FIRST_RETRY_SECONDS": 0.5,
    "rules.address_book.MOST_RETRY_SECONDS": 2.0,
    "actors.peer_opening.CONNECT_SECONDS": 2.0,
    "actors.peer_socket.QUIET_SECONDS": 1,
    "actors.peer_socket.PROBE_SECONDS": 1,
    "actors.peer_socket.PROBES": 2,
    "actors.peer_socket.UNHEARD_SECONDS": 4,
}
PORT = 6881
FETCHING = '"verified_pieces": [1-9]'
COMPLETE = '"is_complete": true'


def start_on(network: Network, host: int, arguments: Sequence[str | Path]) -> Running:
    """Start a client that listens on all addresses of a host, whatever they are."""
    client = [sys.executable, "-m", "tests.hostile.client", json.dumps(HASTE)]
    alone = ["--no-dht", "--no-lsd", "--no-portmap", "--progress", "json"]
    return Running(network.on(host, [*client, *arguments, *alone, "--port", str(PORT)]))
