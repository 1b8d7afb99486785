"""Ten hosts on a network on which much goes wrong: in the end all have everything."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from actortorrent.lab.processes import Running
from tests.conftest import ContentMaker
from tests.content import Content
from tests.faults.hasty import COMPLETE, FETCHING, PORT, start_on
from tests.faults.hosts import Network

HOSTS = 10
SEED = 1
ODD, EVEN = (3, 5, 7, 9), (2, 4, 6, 8, 10)  # the halves; the seed is one of the odd
SEED_RATE = 2_000_000
LOSS_PERCENT = 10
NEW_ADDRESS = "10.79.0.209"  # odd, as the one before


@contextmanager
def split_tracker(network: Network) -> Iterator[tuple[str, Running]]:
    """Run the tracker on the bridge; yield its URL and its process."""
    command = [sys.executable, "-m", "tests.faults.split_tracker", network.address(0)]
    with Running(network.on(0, command)) as process:
        yield process.wait_for_line("^(http.*)$")[1], process


def join(tracker: Running) -> None:
    """Make one of the two halves."""
    os.kill(tracker.pid, signal.SIGUSR1)
    tracker.wait_for_line("joined")


class Swarm:
    """A seed, and on every other host one that fetches."""

    def __init__(self, network: Network, content: Content, folder: Path, stack: ExitStack) -> None:
        self._network = network
        self._content = content
        self._folder = folder
        self._stack = stack
        seeding = ["seed", content.folder, content.torrent, "--up", str(SEED_RATE)]
        self.seed = self._start(SEED, seeding)
        self.leeches = {host: self._fetch(host) for host in network.hosts if host != SEED}

    def _fetch(self, host: int) -> Running:
        torrent, into = self._content.torrent, self._into(host)
        return self._start(host, ["fetch", torrent, "--output", into, "--keep-seeding"])

    def _start(self, host: int, arguments: Sequence[str | Path]) -> Running:
        return self._stack.enter_context(start_on(self._network, host, arguments))

    def _into(self, host: int) -> Path:
        return self._folder / str(host)

    def wait_until_all_are_complete(self) -> None:
        for host, leech in self.leeches.items():
            leech.wait_for_line(COMPLETE)
            self._content.assert_same_in(self._into(host))

    def stop(self) -> None:
        """Press Ctrl-C everywhere."""
        for process in (self.seed, *self.leeches.values()):
            process.interrupt()
        for process in (self.seed, *self.leeches.values()):
            assert process.wait() == 130, process.tail()


def test_all_finish_whatever_the_network_does(content_maker: ContentMaker, tmp_path: Path) -> None:
    with Network(HOSTS) as network, ExitStack() as stack:
        url, tracker = stack.enter_context(split_tracker(network))
        content = content_maker(4_000_000, piece_length=32 * 1024, trackers=(url,))
        swarm = Swarm(network, content, tmp_path, stack)
        network.lose(2, LOSS_PERCENT)
        network.lose(3, LOSS_PERCENT)
        for host in ODD:
            swarm.leeches[host].wait_for_line(FETCHING)
        network.unplug(5)
        network.switch_off(7)
        network.move(9, NEW_ADDRESS)
        assert not any(swarm.leeches[host].find_all(FETCHING) for host in EVEN)
        join(tracker)
        swarm.leeches[2].wait_for_line(FETCHING)
        network.plug_in(5)
        network.switch_on(7)
        swarm.wait_until_all_are_complete()
        swarm.stop()


def test_who_gets_another_address_goes_on_with_the_same_peer(
    content_maker: ContentMaker, tmp_path: Path
) -> None:
    """Nobody says that the line between them is dead: the system finds out."""
    content = content_maker(2_000_000)
    seeding = ["seed", content.folder, content.torrent, "--up", str(SEED_RATE // 2)]
    with Network(2) as network, start_on(network, SEED, seeding) as seed:
        seed.wait_for_line('"phase": "seeding"')
        peer = ["--peer", f"{network.address(SEED)}:{PORT}"]
        fetching = ["fetch", content.torrent, "--output", tmp_path, *peer]
        with start_on(network, 2, fetching) as leech:
            leech.wait_for_line(FETCHING)
            network.move(2, NEW_ADDRESS)
            leech.wait_for_success()
    content.assert_same_in(tmp_path)
