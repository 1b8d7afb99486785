"""Let one handler of one actor fail in a real session, and see how that ends.

A `Stage` is what a session has around it: two seeds of ours, a tracker by HTTP and one by UDP
that is not there, a web seed, a node of the DHT that is known by its name and not there, a
router that is none. So every actor is there, and most handlers are called by what happens. Of
the others the stage sends the messages itself: when all content has come, or earlier, to actors
that have gone by then.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, cast

import pykka
import pytest
from pykka.messages import ProxyCall

from actortorrent import sources
from actortorrent.actors import port_mapping, web_seed
from actortorrent.actors.base import Actor
from actortorrent.actors.routers import Routers
from actortorrent.actors.trace_writer import TraceWriter
from actortorrent.errors import ActorTorrentError, ExitCode, PortMappingError, StorageError
from actortorrent.options import SessionOptions
from actortorrent.rules import address_book
from actortorrent.rules.encryption import Encryption
from actortorrent.rules.progress import Progress
from actortorrent.session import Session, Summary
from actortorrent.tracing.reader import TraceFile
from actortorrent.wire.addresses import Address
from actortorrent.wire.magnet import Magnet
from actortorrent.wire.metainfo import Metainfo
from tests.actors.playing_trackers import HttpTalk, PlayedHttpTracker
from tests.content import make_content
from tests.crash.claims import saved_pieces, wrongly_claimed_bytes
from tests.crash.handlers import Handler, actor_classes
from tests.leaks import describe_leftovers, take_stock
from tests.sessions.running import seeding
from tests.sessions.web_server import WebServer, with_web_seeds

PATIENCE_SECONDS = 10.0  # far more than any ending takes
PIECE_BYTES = 16 * 1024
SIZES = {"a": 150_000, "sub/b": 5_000, "empty": 0, "c": 60_000}
NOWHERE = "udp://127.0.0.1:1/announce"
UNKNOWN_NODE = Address("localhost", 9)  # of the DHT
FLIGHT = re.compile(r"trace show (\S+actortorrent-flight-\S+\.jsonl)")

# Who fails here is not missed, and the session goes on: some, as people are told; the others
# are short-lived calls, whose failure is an outcome like any other.
TOLD_OF = frozenset({"PeerActor", "MetadataPeerActor", "WebSeed", "TraceWriter"})
CALLS = frozenset({"HttpCall", "UdpCall", "RangeCallActor", "RouterCall", "NodeNameLookup"})
BY_LINK = frozenset({"Metadata", "MetadataPeerActor"})
# Who has gone when all is complete: so the message comes right behind this one.
SOON_GONE = {
    "PeerActor": "lease",
    "WebSeed": "lease",
    "MetadataPeerActor": "ask_part",
    **dict.fromkeys(CALLS, "on_start"),
}


class PlantedError(Exception):
    """Stand for a bug of ours."""


@dataclass
class Outcome:
    """Say how a session went in which a handler failed.

    Attributes:
        was_planted: the handler was called, and failed.
        error: what `run` raised, or None.
        notices: what people were told meanwhile.
        faults: what ought not to be, in words.
    """

    was_planted: bool = False
    error: BaseException | None = None
    summary: Summary | None = None
    notices: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


class Stage:
    """Hold what many sessions have around them, one after the other."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self._count = 0

    def __enter__(self) -> Self:
        enter = self._stack.enter_context
        self.content = make_content(self._folder / "content", SIZES, piece_length=PIECE_BYTES)
        self.seeds = [enter(seeding(self.content, seed=100 + number)) for number in range(2)]
        tracker = enter(PlayedHttpTracker(_name_no_peers))
        web = enter(WebServer(self.content, lambda asked: asked.serve()))
        tracked = self.content.naming(NOWHERE, tracker.url)
        self.torrent = Metainfo.from_file(with_web_seeds(tracked, web.url).torrent)
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

    def fail(self, handler: Handler, nth: int = 1) -> Outcome:
        """Run a session in which a handler fails the `nth` time that it is called."""
        outcome = self._run(handler, nth, is_forced=False)
        if not outcome.was_planted and not outcome.faults:
            outcome = self._run(handler, 1, is_forced=True)
        if not outcome.was_planted:
            outcome.faults.append("nobody called it")
        return outcome

    def _run(self, handler: Handler, nth: int, *, is_forced: bool) -> Outcome:
        self._count += 1
        folder = self._folder / str(self._count)
        folder.mkdir()
        before, outcome = take_stock(), Outcome()
        with _temp_folder(folder):
            case = _Case(self, handler, folder, outcome)
            with case.planted(nth, is_forced=is_forced):
                case.run(is_forced=is_forced)
            if outcome.was_planted and not outcome.faults:
                outcome.faults += case.judge()
        of_seeds = str(self.content.folder)  # they open and close files as it pleases them
        outcome.faults += [left for left in describe_leftovers(before) if of_seeds not in left]
        shutil.rmtree(folder)
        return outcome


class _Case:
    """One session, and the handler that fails in it."""

    def __init__(self, stage: Stage, handler: Handler, folder: Path, outcome: Outcome) -> None:
        self._stage = stage
        self._handler = handler
        self._kind = actor_classes()[handler.actor]
        self._output = folder / "into"
        self._outcome = outcome
        self._progress = Progress()
        self._changed = threading.Condition()
        self._session = Session(
            self._what(), self._options(folder), on_progress=self._heard, on_notice=self._noticed
        )

    def _what(self) -> Metainfo | Magnet:
        if self._handler.actor not in BY_LINK:
            return self._stage.torrent
        return Magnet(self._stage.torrent.info_hash)

    def _options(self, folder: Path) -> SessionOptions:
        return SessionOptions(
            output=self._output,
            peers=tuple(seed.address for seed in self._stage.seeds),
            port=0,
            bind="127.0.0.1",
            dht_nodes=(UNKNOWN_NODE,),
            encryption=Encryption.OFF,
            keep_seeding=True,
            seed=1,
            trace=folder / "trace" if self._kind is TraceWriter else None,
        )

    # --- the failure ---------------------------------------------------------------------

    @contextmanager
    def planted(self, nth: int, *, is_forced: bool) -> Iterator[None]:
        """Have the handler fail the `nth` time while the block runs."""
        usual: Callable[..., Any] = getattr(self._kind, self._handler.name)
        calls = 0

        def fail(actor: Actor, *args: Any, **kwargs: Any) -> Any:
            nonlocal calls
            calls += self._is_ours(actor)
            if calls != nth or self._outcome.was_planted or not self._is_ours(actor):
                return usual(actor, *args, **kwargs)
            self._note_planted()
            if self._handler.name == "on_end":  # or it would free nothing
                usual(actor, *args, **kwargs)
            raise PlantedError("planted")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(self._kind, self._handler.name, fail)
            if is_forced and self._handler.actor in SOON_GONE:
                self._send_behind(SOON_GONE[self._handler.actor], patch)
            yield

    def _note_planted(self) -> None:
        with self._changed:
            self._outcome.was_planted = True
            self._changed.notify_all()

    def _send_behind(self, other: str, patch: pytest.MonkeyPatch) -> None:
        """Have the message sent once, as soon as another comes."""
        usual: Callable[..., Any] = getattr(self._kind, other)
        was_sent = False

        def handle(actor: Actor, *args: Any) -> Any:
            nonlocal was_sent
            if self._is_ours(actor) and not was_sent:
                was_sent = True
                actor._after(0, self._handler.name)
            return usual(actor, *args)

        patch.setattr(self._kind, other, handle)

    def _is_ours(self, actor: Actor) -> bool:
        return isinstance(actor, TraceWriter) or actor._runtime.rng is self._session._rng

    def _force(self) -> None:
        """Send the message to an actor that is there, if it was not sent before."""
        if self._handler.actor in SOON_GONE:
            return
        for ref in pykka.ActorRegistry.get_by_class(self._kind):
            if self._is_ours(cast("Any", ref)._actor_weakref()):
                ref.tell(ProxyCall((self._handler.name,), (), {}))
                return

    # --- the session ---------------------------------------------------------------------

    def run(self, *, is_forced: bool) -> None:
        """Run it until it ends by itself, or has all and is told to stop."""
        thread = threading.Thread(target=self._run, name="session of a test")
        thread.start()
        self._wait(lambda: self._progress.is_complete, "it to be complete")
        if is_forced:
            self._force()
            self._wait(lambda: self._outcome.was_planted, "the failure")
        if self._is_missed and self._outcome.was_planted:
            self._wait(lambda: False, "its end")
        self._session.request_stop()
        thread.join(PATIENCE_SECONDS)
        if thread.is_alive():
            self._outcome.faults.append("it did not end")

    def _run(self) -> None:
        try:
            self._outcome.summary = self._session.run()
        except BaseException as error:  # noqa: BLE001 - it is looked at by `judge`
            self._outcome.error = error
        with self._changed:
            self._changed.notify_all()

    def _heard(self, progress: Progress) -> None:
        with self._changed:
            self._progress = progress
            self._changed.notify_all()

    def _noticed(self, text: str) -> None:
        self._outcome.notices.append(text)

    def _wait(self, is_so: Callable[[], bool], what: str) -> None:
        """Wait until something is so, or it has ended."""
        outcome = self._outcome
        with self._changed:
            came = self._changed.wait_for(
                lambda: is_so() or outcome.error or outcome.summary, PATIENCE_SECONDS
            )
        if not came:
            outcome.faults.append(f"waited in vain for {what}: {self._progress.activity}")

    # --- how it ought to be --------------------------------------------------------------

    @property
    def _is_missed(self) -> bool:
        return self._handler.actor not in TOLD_OF | CALLS

    def judge(self) -> list[str]:
        """Return what ought to be otherwise."""
        return [*self._judge_end(), *self._judge_report(), *self._judge_disk()]

    def _judge_end(self) -> Iterator[str]:
        error = self._outcome.error
        if not self._is_missed:
            if self._outcome.summary is None or not self._outcome.summary.is_complete:
                yield f"expected to be complete, ended with {error!r}"
        elif isinstance(error, ActorTorrentError):
            if error.exit_code is not ExitCode.BUG or "PlantedError: planted" not in str(error):
                yield f"expected the failure, found {error!r}"
        elif not isinstance(error, PlantedError):
            yield f"expected the failure, found {error!r}"

    def _judge_report(self) -> Iterator[str]:
        """See that people are told, and where to read what led to it."""
        told = [*self._outcome.notices, getattr(self._outcome.error, "hint", "")]
        if self._handler.actor in CALLS:
            return
        if not self._is_missed and not any("PlantedError: planted" in one for one in told):
            yield f"expected to be told, heard {told}"
        flights = [found[1] for found in map(FLIGHT.search, told) if found]
        if self._kind is TraceWriter:
            return
        if not flights:
            yield f"expected the flight recorder, heard {told}"
        for flight in flights:
            with TraceFile(Path(flight)) as trace:
                if not list(trace.events()):
                    yield "expected events in the flight recorder, found none"

    def _judge_disk(self) -> Iterator[str]:
        """See that what is claimed is there, and what is there is claimed."""
        try:
            wrong = wrongly_claimed_bytes(self._stage.content, self._output)
            saved = saved_pieces(self._stage.content, self._output)
        except StorageError as error:
            yield str(error)
            return
        if wrong:
            yield f"{wrong} bytes are claimed that are not there"
        there = self._stage.content.pieces_in(self._output)
        if self._had_content and saved != there:
            yield f"expected {sorted(there)} to be saved, found {sorted(saved)}"

    @property
    def _had_content(self) -> bool:
        return self._progress.phase in ("fetching", "seeding", "stopping")


@contextmanager
def _temp_folder(folder: Path) -> Iterator[None]:
    """Have what is left for people lie in a folder while the block runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(folder))
        yield


def _name_no_peers(talk: HttpTalk) -> None:
    talk.send_reply({b"interval": 1800, b"peers": b""})


def _find_no_router(*_: object) -> Any:
    raise PortMappingError("there is no router here")
