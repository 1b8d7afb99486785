"""A tracker that is two, each of which knows half of the hosts, until it is told to be one.

As a process of its own it prints where it is, and becomes one at a SIGUSR1.
"""

from __future__ import annotations

import random
import signal
import sys
import threading

from actortorrent.lab.tracked_peers import TrackedPeers
from actortorrent.lab.tracker import EmbeddedTracker

INTERVAL_SECONDS = 1
REMEMBERED_SECONDS = 60


class SplitTracker(EmbeddedTracker):
    """Name to each host those whose addresses are even, or odd, as its own is."""

    def __init__(self, host: str) -> None:
        super().__init__(host=host, interval_seconds=INTERVAL_SECONDS)
        self._all = self._peers
        self._halves = [TrackedPeers(REMEMBERED_SECONDS, random.Random(half)) for half in range(2)]
        self._one_at_a_time = threading.Lock()
        self._is_split = True

    def join(self) -> None:
        """Name all to all from now on."""
        self._is_split = False
        print("joined", flush=True)

    def announce(self, query: str, host: str) -> bytes:
        """Answer an announce."""
        half = self._halves[int(host.rpartition(".")[2]) % 2]
        with self._one_at_a_time:
            self._peers = half if self._is_split else self._all
            return super().announce(query, host)


def main() -> None:
    """Run on an address."""
    with SplitTracker(host=sys.argv[1]) as tracker:
        signal.signal(signal.SIGUSR1, lambda *_: tracker.join())
        print(tracker.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
