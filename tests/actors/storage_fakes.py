"""A storage with its neighbours played: what it tells them is kept for the test to see."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

from actortorrent.actors.base import Runtime, proxy_of, stop_all
from actortorrent.actors.content_location import ContentLocation
from actortorrent.actors.storage import Storage, StorageProxy
from actortorrent.options import SessionOptions
from actortorrent.rules.geometry import Geometry, Run
from actortorrent.rules.leases import Cargo, FilledRun
from actortorrent.rules.run_hashing import RunHasher
from actortorrent.wire.metainfo import Metainfo
from tests.content import Content

WAIT_SECONDS = 60.0


class Ear:
    """Stand for any proxy: keep every message, and wake who waits for one."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, tuple[Any, ...]]] = []
        self._news = threading.Condition()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return _Saying(self, name)

    def hear(self, name: str, args: tuple[Any, ...]) -> None:
        with self._news:
            self.heard.append((name, args))
            self._news.notify_all()

    def all(self, name: str) -> list[tuple[Any, ...]]:
        with self._news:
            return [args for heard, args in self.heard if heard == name]

    def wait_for(self, name: str, count: int = 1) -> tuple[Any, ...]:
        """Return the last of the first `count` messages of that name."""

        def is_heard() -> bool:
            return sum(heard == name for heard, _ in self.heard) >= count

        with self._news:
            assert self._news.wait_for(is_heard, WAIT_SECONDS), (name, self.heard)
        return self.all(name)[count - 1]


class _Saying:
    def __init__(self, ear: Ear, name: str) -> None:
        self._ear = ear
        self._name = name

    def defer(self, *args: Any) -> None:
        self._ear.hear(self._name, args)


class CaughtStorage(Storage):
    """A storage that the test can look into, and kill."""

    is_killed = False

    def __init__(self, caught: list[CaughtStorage], *args: Any) -> None:
        super().__init__(*args)
        caught.append(self)

    def save_on_time(self) -> None:
        """Do what the timer does."""
        self._save_on_time()

    def on_end(self, error: BaseException | None) -> None:
        if self.is_killed:
            self._files.close()
        else:
            super().on_end(error)


def _true_bytes(content: Content, metainfo: Metainfo) -> bytes:
    """Return the torrent's bytes; padding, which lies in no file, is zeros."""
    if not (content.folder / content.name).exists():  # only the torrent was made, of zeros
        return bytes(metainfo.total_length if content.files else 0)
    stream = b""
    kept = iter(content.files)
    for entry in metainfo.files:
        if entry.is_padding:
            stream += bytes(entry.length)
        else:
            stream += (content.folder / next(kept)[0]).read_bytes()
    return stream


class StorageUnderTest:
    """A running storage, its torrent's true bytes, and what it told its neighbours."""

    def __init__(
        self,
        content: Content,
        output: Path,
        *,
        selected: Iterable[int] | None = None,
        location: ContentLocation | None = None,
    ) -> None:
        self.metainfo = Metainfo.from_file(content.torrent)
        self.geometry = Geometry(self.metainfo.total_length, self.metainfo.piece_length)
        self.manager, self.reporter = Ear(), Ear()
        chosen = None if selected is None else frozenset(selected)
        options = SessionOptions(output=output, selected_files=chosen)
        reporter = cast("Any", self.reporter)
        runtime = Runtime(rng=random.Random(1))
        caught: list[CaughtStorage] = []
        ref = CaughtStorage.start(caught, runtime, self.metainfo, options, reporter, location)
        (self.actor,) = caught
        self.proxy = proxy_of(ref, StorageProxy)
        self.proxy.report_to.defer(cast("Any", self.manager))
        self.layout = self.proxy.content_layout().get(timeout=WAIT_SECONDS)
        self._bytes = _true_bytes(content, self.metainfo)
        self._last_lease_id = 0

    def check(self) -> int:
        """Check the content; return the pieces verified, as a mask."""
        self.proxy.check_content.defer()
        return cast("int", self.manager.wait_for("content_checked")[0])

    def wanted(self) -> int:
        return self.proxy.wanted_pieces().get(timeout=WAIT_SECONDS)

    def piece(self, index: int) -> bytes:
        return self.stretch(self.geometry.whole_piece(index))

    def stretch(self, run: Run) -> bytes:
        start = self.geometry.piece_offset(run.piece_index) + run.offset
        return self._bytes[start : start + run.length]

    def filled(
        self, run: Run, data: bytes | None = None, hasher: RunHasher | None = None
    ) -> FilledRun:
        self._last_lease_id += 1
        buffer = bytearray(self.stretch(run) if data is None else data)
        hashed = None if hasher is None else hasher.hash(run, buffer)
        return FilledRun(self._last_lease_id, run, Cargo(buffer), hashed)

    def store(self, *runs: Run, conn: int = 1, spoil: bool = False) -> None:
        """Store runs as they should be, or with each bit turned round."""
        filled = []
        for run in runs:
            data = self.stretch(run)
            filled.append(self.filled(run, bytes(byte ^ 0xFF for byte in data) if spoil else data))
        self.proxy.store_runs.defer(conn, tuple(filled))
        self.settle()

    def store_pieces(self, indexes: Iterable[int], *, conn: int = 1) -> None:
        for index in indexes:
            self.store(self.geometry.whole_piece(index), conn=conn)

    def settle(self) -> None:
        """Wait until all that was sent has been handled."""
        self.proxy.ping().get(timeout=WAIT_SECONDS)

    def runs(self, piece_index: int, blocks: int) -> list[Run]:
        """Return a piece as runs of so many blocks."""
        count = self.geometry.block_count(piece_index)
        return [self.geometry.run(piece_index, first, blocks) for first in range(0, count, blocks)]

    def save_on_time(self) -> None:
        """Let the storage save as when its timer is due."""
        self.proxy.actor_ref.proxy().save_on_time().get(timeout=WAIT_SECONDS)

    def verified(self) -> list[int]:
        return sorted(i for _, _, indexes in self.manager.all("runs_stored") for i in indexes)

    def failure(self) -> Any:
        """Return the error that the storage ended with."""
        return self.reporter.wait_for("disk_failed")[0]

    def stop(self) -> None:
        assert stop_all([self.proxy], WAIT_SECONDS) == []

    def kill(self) -> None:
        """End as by `kill -9`: what was not saved before is not saved."""
        self.actor.is_killed = True
        self.stop()
