"""Others that freeze, trackers that restart and forget, and clocks that jump: it goes on."""

from __future__ import annotations

import itertools
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from actortorrent.lab.processes import Running as Process
from actortorrent.lab.tracker import EmbeddedTracker, Heard
from actortorrent.rules import announcing
from actortorrent.rules.progress import Progress
from actortorrent.wire import announces
from tests.conftest import ContentMaker
from tests.faults.hasty import FETCHING
from tests.faults.limited import ALONE
from tests.peers.own import own_fetch, own_seed
from tests.peers.processes import free_port
from tests.sessions.running import fetch, fetching, seeding

RATE = 1_500_000
TEN_YEARS = 10 * 365 * 24 * 3600
PATIENCE_SECONDS = 60.0
T = TypeVar("T", int, float)


def freeze(process: Process) -> None:
    os.killpg(process.pid, signal.SIGSTOP)


def thaw(process: Process) -> None:
    os.killpg(process.pid, signal.SIGCONT)


def test_what_a_frozen_peer_owes_comes_from_another_and_it_may_come_back(
    content_maker: ContentMaker, tmp_path: Path
) -> None:
    content = content_maker(4_000_000)
    extra = (*ALONE, "--up", str(RATE))
    with own_seed(content, extra=extra) as frozen, own_seed(content, extra=extra) as other:
        peers = [frozen.address, other.address]
        with own_fetch(content, tmp_path / "one", peers=peers, extra=ALONE) as leech:
            leech.process.wait_for_line(FETCHING)
            freeze(frozen.process)
            leech.finish()
        other.interrupt()
        with own_fetch(content, tmp_path / "two", peers=peers[:1], extra=ALONE) as leech:
            leech.process.wait_for_line('"peers_dialling": 1')
            thaw(frozen.process)
            leech.finish()
        frozen.interrupt()
    for folder in ("one", "two"):
        content.assert_same_in(tmp_path / folder)


def has_failed(progress: Progress) -> bool:
    return any("failed" in line for line in progress.trackers)


def test_a_tracker_that_restarts_has_forgotten_all_and_is_told_again(
    content_maker: ContentMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announces, "MIN_INTERVAL_SECONDS", 1)
    monkeypatch.setattr(announcing, "BACK_OFF_SECONDS", 0.2)
    announced = threading.Event()
    port = free_port()

    def tracker(on_announce: Callable[[Heard], None] = lambda _: None) -> EmbeddedTracker:
        return EmbeddedTracker(port=port, interval_seconds=1, on_announce=on_announce)

    content = content_maker(1_000_000).naming(f"http://127.0.0.1:{port}/announce")
    with seeding(content):
        with tracker(lambda _: announced.set()):
            assert announced.wait(PATIENCE_SECONDS)
        with fetching(content, tmp_path) as leech:
            leech.wait_until(has_failed, "the dead tracker to be noticed")
            with tracker():
                leech.finish_whole()


def jumping(clock: Callable[[], T], by: T) -> Callable[[], T]:
    """Return a clock that is ten years ahead, then ten years behind, and so on."""
    ways = itertools.cycle((by, -by))
    return lambda: clock() + next(ways)


def test_a_clock_that_jumps_ten_years_at_every_look_changes_nothing(
    content_maker: ContentMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = content_maker({"a": 2_000_000, "b": 300_000})
    monkeypatch.setattr(time, "time", jumping(time.time, TEN_YEARS))
    monkeypatch.setattr(time, "time_ns", jumping(time.time_ns, TEN_YEARS * 10**9))
    with seeding(content) as seed:
        assert fetch(content, tmp_path, [seed]).progress.fetched_bytes == content.total_length
        assert fetch(content, tmp_path, [seed]).progress.fetched_bytes == 0
