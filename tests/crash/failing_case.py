"""One session in which one handler of one actor fails, and how it ought to end.

Most handlers are called by what happens. Of the others the messages are sent here: when all
content has come, or earlier, to actors that have gone by then.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, cast

import pykka
import pytest
from pykka.messages import ProxyCall

from actortorrent.actors.base import Actor
from actortorrent.actors.trace_writer import TraceWriter
from actortorrent.errors import ActorTorrentError, ExitCode, StorageError
from actortorrent.options import SessionOptions
from actortorrent.rules.encryption import Encryption
from actortorrent.rules.progress import Progress
from actortorrent.session import Session, Summary
from actortorrent.tracing.reader import TraceFile
from actortorrent.wire.addresses import Address
from actortorrent.wire.magnet import Magnet
from actortorrent.wire.metainfo import Metainfo
from tests.content import Content
from tests.crash.claims import saved_pieces, wrongly_claimed_bytes
from tests.crash.handlers import Handler, actor_classes

PATIENCE_SECONDS = 100.0  # far more than any ending takes
FLIGHT = re.compile(r"trace show (\S+actortorrent-flight-\S+\.jsonl)")
UNKNOWN_NODE = Address("localhost", 9)  # of the DHT

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


@dataclass(frozen=True, slots=True)
class Plant:
    """Say when a handler fails: the `nth` time that it is called, before or behind its work."""

    nth: int = 1
    is_late: bool = False


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


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Name what the session finds around it."""

    content: Content
    torrent: Metainfo
    peers: tuple[Address, ...]


class Case:
    """A session that fetches, and the handler that fails in it."""

    soon_gone: ClassVar[Mapping[str, str]] = SOON_GONE

    def __init__(
        self, around: Surroundings, handler: Handler, folder: Path, outcome: Outcome
    ) -> None:
        self._around = around
        self._handler = handler
        self._kind = actor_classes()[handler.actor]
        self._output = folder / "into"
        self._outcome = outcome
        self._progress = Progress()
        self._changed = threading.Condition()
        self._trace = folder / "trace" if self._kind is TraceWriter else None
        self._session = self._new_session()

    def _new_session(self) -> Session:
        torrent: Metainfo | Magnet = self._around.torrent
        if self._handler.actor in BY_LINK:
            torrent = Magnet(torrent.info_hash)
        options = self._options(self._around.peers)
        return Session(torrent, options, on_progress=self._heard, on_notice=self._noticed)

    def _options(self, peers: tuple[Address, ...]) -> SessionOptions:
        return SessionOptions(
            output=self._output,
            peers=peers,
            port=0,
            bind="127.0.0.1",
            dht_nodes=(UNKNOWN_NODE,),
            encryption=Encryption.OFF,
            keep_seeding=True,
            seed=1,
            trace=self._trace,
        )

    # --- the failure ---------------------------------------------------------------------

    @contextmanager
    def planted(self, plant: Plant, *, is_forced: bool) -> Iterator[None]:
        """Have the handler fail while the block runs."""
        nth = 1 if is_forced else plant.nth
        usual: Callable[..., Any] = getattr(self._kind, self._handler.name)
        calls = 0

        def fail(actor: Actor, *args: Any, **kwargs: Any) -> Any:
            nonlocal calls
            calls += self._is_ours(actor)
            if calls != nth or self._outcome.was_planted or not self._is_ours(actor):
                return usual(actor, *args, **kwargs)
            self._note_planted()
            if plant.is_late and not is_forced:
                usual(actor, *args, **kwargs)
            raise PlantedError("planted")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(self._kind, self._handler.name, fail)
            if is_forced and self._handler.actor in self.soon_gone:
                self._send_behind(self.soon_gone[self._handler.actor], patch)
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
        if self._handler.actor in self.soon_gone:
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
        self._let_it_work()
        if is_forced:
            self._force()
            self._wait(lambda: self._outcome.was_planted, "the failure")
        if self._is_missed and self._outcome.was_planted:
            self._wait(lambda: False, "its end")
        self._session.request_stop()
        thread.join(PATIENCE_SECONDS)
        if thread.is_alive():
            self._outcome.faults.append("it did not end")

    def _let_it_work(self) -> None:
        self._wait(lambda: self._progress.is_complete, "it to be complete")

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
        with self._changed:
            came = self._changed.wait_for(lambda: is_so() or self._has_ended, PATIENCE_SECONDS)
        if not came:
            self._outcome.faults.append(f"waited in vain for {what}: {self._progress.activity}")

    @property
    def _has_ended(self) -> bool:
        return self._outcome.error is not None or self._outcome.summary is not None

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
            wrong = wrongly_claimed_bytes(self._around.content, self._output)
            saved = saved_pieces(self._around.content, self._output)
        except StorageError as error:
            yield str(error)
            return
        if wrong:
            yield f"{wrong} bytes are claimed that are not there"
        there = self._around.content.pieces_in(self._output)
        if self._had_content and saved != there:
            yield f"expected {sorted(there)} to be saved, found {sorted(saved)}"

    @property
    def _had_content(self) -> bool:
        return self._progress.phase in ("fetching", "seeding", "stopping")
