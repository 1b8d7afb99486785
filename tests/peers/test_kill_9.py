"""A fetch killed at any instant goes on where it was: nothing verified is asked for again."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import pytest

from actortorrent.lab.processes import PATIENCE_SECONDS
from tests.conftest import ContentMaker
from tests.content import Content
from tests.peers.own import own_fetch
from tests.peers.scripted import Manner, Notes, ScriptedPeer

KILLS = 50
BYTES = 48_000_000  # more than all rounds are served together
MOST_BLOCKS = 80  # served in one round, so that there is a fetch left to kill
EARLY = 0.2  # of the kills fall into start-up or the check, or thereabouts
EARLY_SECONDS = 0.8


class Round:
    """Serve so many blocks, then stop, and let the test know."""

    def __init__(self, block_count: int) -> None:
        self.notes = Notes(on_request=self._requested)
        self.is_served = threading.Event()
        self.is_over = threading.Event()
        self._block_count = block_count

    def _requested(self, count: int) -> None:
        if count >= self._block_count:
            self.is_served.set()
            self.is_over.wait()


@pytest.mark.timeout(600)  # 20 where nothing else is going on
def test_what_fifty_kills_leave_is_whole_and_nothing_was_fetched_twice(
    content_maker: ContentMaker, tmp_path: Path
) -> None:
    content = content_maker({"a.bin": BYTES // 3, "b.bin": BYTES - BYTES // 3})
    rng = random.Random(9)
    into = tmp_path / "into"
    for number in range(KILLS):
        here = content.pieces_in(into)
        asked = _fetch_and_kill(content, into, rng)
        assert not asked & here, f"kill {number}: pieces here, and asked for again"
    here = content.pieces_in(into)
    assert 0 < len(here) < content.piece_count
    with (
        ScriptedPeer(content, Manner.SERVING) as seed,
        own_fetch(content, into, peers=[seed.address]) as leech,
    ):
        done = leech.finish()
    content.assert_same_in(into)
    assert not {asked.piece_index for asked in seed.notes.requests} & here
    assert done["fetched_bytes"] <= content.total_length - content.length_of(here)


def _fetch_and_kill(content: Content, into: Path, rng: random.Random) -> set[int]:
    """Start a fetch, kill it at some instant, and return the pieces that it asked for."""
    this = Round(rng.randint(1, MOST_BLOCKS))
    with (
        ScriptedPeer(content, Manner.SERVING, this.notes) as seed,
        own_fetch(content, into, peers=[seed.address]) as leech,
    ):
        is_early = rng.random() < EARLY
        this.is_served.wait(rng.uniform(0.05, EARLY_SECONDS) if is_early else PATIENCE_SECONDS)
        leech.process.ends_within(rng.uniform(0, 0.02))  # the last blocks are on their way
        leech.process.kill()
        this.is_over.set()
    return {asked.piece_index for asked in this.notes.requests}
