"""What sessions have around them in which one actor fails, one session after the other.

Two seeds of ours, a tracker by HTTP and one by UDP that is not there, a web seed, a node of the
DHT that is known by its name and not there, a router that is none: so every actor is there.
"""

from __future__ import annotations

import shutil
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

import pytest

from actortorrent import sources
from actortorrent.actors import port_mapping, web_seed
from actortorrent.actors.routers import Routers
from actortorrent.errors import PortMappingError
from actortorrent.rules import address_book
from actortorrent.wire.metainfo import Metainfo
from tests.actors.playing_trackers import HttpTalk, PlayedHttpTracker
from tests.content import make_content
from tests.crash.failing_case import Case, Outcome, Plant, Surroundings
from tests.crash.handlers import Handler
from tests.leaks import describe_leftovers, take_stock
from tests.sessions.running import seeding
from tests.sessions.web_server import WebServer, with_web_seeds

PIECE_BYTES = 16 * 1024
SIZES = {"a": 150_000, "sub/b": 5_000, "empty": 0, "c": 60_000}
NOWHERE = "udp://127.0.0.1:1/announce"


class Stage:
    """Hold what many sessions have around them, one after the other."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self._count = 0

    def __enter__(self) -> Self:
        enter = self._stack.enter_context
        content = make_content(self._folder / "content", SIZES, piece_length=PIECE_BYTES)
        seeds = [enter(seeding(content, seed=100 + number)) for number in range(2)]
        tracker = enter(PlayedHttpTracker(_name_no_peers))
        web = enter(WebServer(content, lambda asked: asked.serve()))
        torrent = with_web_seeds(content.naming(NOWHERE, tracker.url), web.url).torrent
        peers = tuple(seed.address for seed in seeds)
        self._around = Surroundings(content, Metainfo.from_file(torrent), peers)
        self._patch(enter(pytest.MonkeyPatch.context()))
        return self

    def _patch(self, patch: pytest.MonkeyPatch) -> None:
        """Let all actors be started on the loopback, too, and nobody wait for long."""
        patch.setattr(address_book, "FIRST_RETRY_SECONDS", 0.05)
        patch.setattr(port_mapping, "START_SECONDS", 0.0)
        patch.setattr(web_seed, "BEAT_SECONDS", 0.05)
        patch.setattr(sources, "can_be_mapped", lambda _bind: True)
        patch.setattr(sources, "is_on_loopback", lambda _bind: False)
        patch.setattr(Routers, "ask", _find_no_router)

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def fail(
        self, handler: Handler, plant: Plant | None = None, kind: type[Case] = Case
    ) -> Outcome:
        """Run a session in which a handler fails; it is called, if nobody else does so."""
        plant = plant or Plant()
        if handler.name == "on_end":  # once, and before its work it would free nothing
            plant = Plant(is_late=True)
        outcome = self._run(kind, handler, plant, is_forced=False)
        if not outcome.was_planted and not outcome.faults:
            outcome = self._run(kind, handler, plant, is_forced=True)
        if not outcome.was_planted:
            outcome.faults.append("nobody called it")
        return outcome

    def _run(self, kind: type[Case], handler: Handler, plant: Plant, *, is_forced: bool) -> Outcome:
        self._count += 1
        folder = self._folder / str(self._count)
        folder.mkdir()
        before, outcome = take_stock(), Outcome()
        with _temp_folder(folder):
            case = kind(self._around, handler, folder, outcome)
            with case.planted(plant, is_forced=is_forced):
                case.run(is_forced=is_forced)
            if outcome.was_planted and not outcome.faults:
                outcome.faults += case.judge()
        _let_go(outcome.error)
        of_seeds = str(self._around.content.folder)  # they open and close files as it pleases them
        outcome.faults += [left for left in describe_leftovers(before) if of_seeds not in left]
        shutil.rmtree(folder)
        return outcome


@contextmanager
def _temp_folder(folder: Path) -> Iterator[None]:
    """Have what is left for people lie in a folder while the block runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(folder))
        yield


def _let_go(error: BaseException | None) -> None:
    """Free what the message held that failed, such as a socket: it is in the error's frames."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__


def _name_no_peers(talk: HttpTalk) -> None:
    talk.send_reply({b"interval": 1800, b"peers": b""})


def _find_no_router(*_: object) -> Any:
    raise PortMappingError("there is no router here")
