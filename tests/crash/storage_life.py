"""Let a real storage live through sessions full of what may happen to it, drawn by lot."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from actortorrent.actors.record_keeper import QUIET_SAVES
from actortorrent.rules.bitfield import indexes_of
from tests.actors.storage_fakes import StorageUnderTest
from tests.content import Content, make_content
from tests.crash.disk_ops import Op, Recording

PIECE_BYTES = 32 * 1024
SIZES = {"a": 150_000, "sub/b": 5_000, "sub/empty": 0, "c": 100_000}  # 8 pieces
SELECTIONS = (None, frozenset([0]), frozenset([0, 2]))
STEPS_A_SESSION = 8


def make_small_content(folder: Path, seed: int) -> Content:
    """Return the content of one life."""
    return make_content(folder, SIZES, piece_length=PIECE_BYTES, seed=seed)


def record_life(content: Content, output: Path, sessions: int, rng: random.Random) -> list[Op]:
    """Fetch into a folder in so many sessions, the last of which has all; return what was done."""
    output.mkdir()
    recording = Recording(output)
    with pytest.MonkeyPatch.context() as patch:
        recording.install(patch)
        for number in range(sessions):
            is_last = number == sessions - 1
            _live(content, output, None if is_last else rng.choice(SELECTIONS), rng, is_last)
    return recording.ops


def _live(
    content: Content,
    output: Path,
    selected: frozenset[int] | None,
    rng: random.Random,
    finishes: bool,
) -> None:
    """Run one session."""
    life = _Life(StorageUnderTest(content, output, selected=selected), rng)
    for _ in range(STEPS_A_SESSION):
        rng.choice(life.steps)()
    if finishes:
        life.fetch_rest()
        rng.choice((life.save, life.be_quiet))()
    if rng.random() < 0.5:
        life.storage.stop()
    else:
        life.storage.kill()


class _Life:
    def __init__(self, storage: StorageUnderTest, rng: random.Random) -> None:
        self.storage = storage
        self._rng = rng
        self._lacking = set(indexes_of(storage.wanted() & ~storage.check()))
        self.steps = (
            self.store_piece,
            self.store_piece,
            self.store_part,
            self.store_part,
            self.store_bad_piece,
            self.save,
            self.be_quiet,
        )

    def store_piece(self) -> None:
        if self._lacking:
            self._store(self._rng.choice(sorted(self._lacking)))

    def store_part(self) -> None:
        if self._lacking:
            index = self._rng.choice(sorted(self._lacking))
            self.storage.store(self._rng.choice(self.storage.runs(index, 1)))

    def store_bad_piece(self) -> None:
        if self._lacking:
            runs = self.storage.runs(self._rng.choice(sorted(self._lacking)), 1)
            self.storage.store(*runs, spoil=True)

    def fetch_rest(self) -> None:
        while self._lacking:
            self.store_piece()

    def save(self) -> None:
        self.storage.proxy.save.defer()
        self.storage.settle()

    def be_quiet(self) -> None:
        """Let so much time pass that all is synced."""
        for _ in range(QUIET_SAVES + 3):
            self.storage.save_on_time()

    def _store(self, index: int) -> None:
        self.storage.store(self.storage.geometry.whole_piece(index))
        self._lacking -= set(self.storage.verified())
