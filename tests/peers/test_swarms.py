"""Many peers at once: leeches that trade, addresses that are dead, and Ctrl-C among them all."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from actortorrent.lab.tracker import EmbeddedTracker, Heard
from tests.chance import usually
from tests.conftest import ContentMaker
from tests.content import Content
from tests.peers.libtorrent import libtorrent_seed
from tests.peers.own import own_fetch, own_seed
from tests.peers.processes import free_port
from tests.peers.scripted import Manner, ScriptedPeer, unreachable_address

LEECHES = 4
STARTS = 100
AT_ONCE = 2  # as many as CI has cores
REFUSING, UNREACHABLE, SILENT, LIVE = 20, 20, 20, 5
START_SECONDS = 25.0
CTRL_C_SECONDS = 2.0


def test_one_seed_and_four_leeches_that_trade(content_maker: ContentMaker, tmp_path: Path) -> None:
    content = content_maker({"a.bin": 5_000_000, "b.bin": 3_000_000})
    with ExitStack() as stack:
        tracker = stack.enter_context(EmbeddedTracker())
        tracked = content.naming(tracker.url)
        seed = stack.enter_context(own_seed(tracked, extra=["--up", "3M"]))
        leeches = [
            stack.enter_context(
                own_fetch(tracked, tmp_path / f"leech-{number}", extra=["--keep-seeding"])
            )
            for number in range(LEECHES)
        ]
        for leech in leeches:
            leech.wait_until_complete()
        sent = [leech.interrupt()["uploaded_bytes"] for leech in leeches]
        sent_by_seed = seed.interrupt()["uploaded_bytes"]
    for number in range(LEECHES):
        content.assert_same_in(tmp_path / f"leech-{number}")
    assert all(sent), f"each leech uploads: {sent}"
    assert sent_by_seed < LEECHES * content.total_length, "the seed need not send all to each"


@contextmanager
def dead_and_live_addresses(content: Content) -> Iterator[list[str]]:
    """Yield 60 addresses that lead nowhere and 5 of real seeds."""
    with ExitStack() as stack:
        refusing = [f"127.0.0.1:{free_port()}" for _ in range(REFUSING)]
        unreachable = [stack.enter_context(unreachable_address()) for _ in range(UNREACHABLE)]
        silent = [
            stack.enter_context(ScriptedPeer(content, Manner.SILENT)).address for _ in range(SILENT)
        ]
        live = [
            f"127.0.0.1:{stack.enter_context(libtorrent_seed(content)).port}" for _ in range(LIVE)
        ]
        yield [*refusing, *unreachable, *silent, *live]


@pytest.mark.timeout(600)  # 25 where nothing else is going on
def test_a_hundred_starts_among_dead_addresses_all_finish(
    content_maker: ContentMaker, tmp_path: Path
) -> None:
    content = content_maker(300_000)

    def start(number: int) -> float:
        peers = random.Random(number).sample(addresses, len(addresses))
        began = time.monotonic()
        with own_fetch(content, tmp_path / f"start-{number}", peers=peers) as leech:
            leech.finish(START_SECONDS)
        content.assert_same_in(tmp_path / f"start-{number}")
        return time.monotonic() - began

    with dead_and_live_addresses(content) as addresses, ThreadPoolExecutor(AT_ONCE) as pool:
        seconds = sorted(pool.map(start, range(STARTS)))
    assert seconds[-1] < START_SECONDS


@usually  # it is quick; whether it gets the processor at once, is chance
def test_ctrl_c_among_peers_in_every_state(content_maker: ContentMaker, tmp_path: Path) -> None:
    content = content_maker(20_000_000, name="large.bin")
    heard: list[Heard] = []
    with ExitStack() as stack:
        tracker = stack.enter_context(EmbeddedTracker(on_announce=heard.append))
        dialling = [stack.enter_context(unreachable_address()) for _ in range(10)]
        others = [
            stack.enter_context(ScriptedPeer(content, manner)).address
            for manner in (Manner.SILENT, Manner.CHOKING, Manner.STALLING, Manner.SERVING)
            for _ in range(10)
        ]
        leech = stack.enter_context(
            own_fetch(
                content.naming(tracker.url),
                tmp_path / "into",
                peers=[*dialling, *others],
                extra=["--down", "2M", "--max-peers", "60"],
            )
        )
        leech.process.wait_for_line(r'"verified_pieces": [1-9]\d')
        leech.process.interrupt()
        began = time.monotonic()
        code = leech.process.wait(60)
        seconds = time.monotonic() - began
        before = leech.events("done")[0]["verified_bytes"]
    assert code == 130
    assert seconds <= CTRL_C_SECONDS
    assert [str(one.request.event) for one in heard] == ["started", "stopped"]
    assert verified_at_the_start_of(content, tmp_path / "into") >= before > 0


def verified_at_the_start_of(content: Content, into: Path) -> int:
    """Return what a next fetch, that finds nobody, knows to be here."""
    with own_fetch(content, into, extra=["--no-trackers", "--stall-timeout", "0.5"]) as leech:
        assert leech.process.wait() == 4
        verified: int = leech.events("progress")[-1]["verified_bytes"]
    return verified
