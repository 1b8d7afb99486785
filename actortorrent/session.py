"""A session: one torrent, from start to end.

It starts the actors (`crew.py`), sleeps on the outbox of the `Reporter` until that says
that it is over, or somebody asks it to stop, or an actor has failed, and stops them. Of a
magnet link, it first has the torrent fetched from peers, and then goes on as with any.
"""

from __future__ import annotations

import contextlib
import queue
import random
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import structs

from actortorrent.actors.base import NO_ANSWER, Runtime
from actortorrent.actors.peer import PeerActor
from actortorrent.actors.reporter import ContentKnown, MetadataKnown, Notice, TrackersLeft
from actortorrent.crew import Crew
from actortorrent.errors import ActorTorrentError, DeadlockError, shortage_of
from actortorrent.options import SessionOptions
from actortorrent.rules.ending import End
from actortorrent.rules.progress import Progress
from actortorrent.rules.selection import files_of_link
from actortorrent.session_values import (
    ActorFailed,
    PeerFailed,
    RecordRequested,
    StopRequested,
    Summary,
    as_bug,
)
from actortorrent.story import Story, described
from actortorrent.wire.handshake import new_peer_id
from actortorrent.wire.magnet import Magnet
from actortorrent.wire.metainfo import Metainfo
from actortorrent.wire.metainfo_writing import document_around

if TYPE_CHECKING:
    from actortorrent.actors.content_location import ContentLocation

__all__ = ["Session", "Summary"]

GOODBYE_SECONDS = 1.5  # for the trackers to hear that we go
PEER_NAMES = ("Peer-", "WebSeed-")  # how the names begin of actors that nobody else needs

T = TypeVar("T")
Settle = Callable[[Metainfo], SessionOptions | None]


class Session:
    """Run one torrent; `run` returns when it is done.

    Args:
        torrent: the torrent, or the link that names one.
        options: how it is to run.
        settle: of a link, called in the thread of `run` when the torrent is known; returns how
            to go on, or None to end there. Without it, the files that the link names are
            fetched, else all.
        on_progress: called in the thread of `run`, about twice a second.
        on_notice: called in the thread of `run` with one line that people should know.
        location: where the content lies, for seeding what is there; without it, it is
            fetched into `options.output`.
        peer_class: the actor of a connection, for those who want another behaviour.
    """

    def __init__(
        self,
        torrent: Metainfo | Magnet,
        options: SessionOptions,
        *,
        settle: Settle | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        on_notice: Callable[[str], None] | None = None,
        location: ContentLocation | None = None,
        peer_class: type[PeerActor] = PeerActor,
    ) -> None:
        self._torrent = torrent
        self._settle = settle or self._settle_by_link
        self._options = options
        self._on_progress = on_progress
        self._on_notice = on_notice
        self._location = location
        self._peer_class = peer_class
        self._outbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._rng = random.Random(options.seed)
        self._peer_id = new_peer_id(self._rng)
        self._crew: Crew | None = None
        self._story = Story(options)
        self._progress = Progress()
        self._fetching_began = self._fetching_ended = 0.0
        self._is_calling_out = False
        self._last_reports: list[Any] = []  # that came while all were stopped

    @property
    def port(self) -> int:
        """Return the port that the session listens on, while it runs."""
        return 0 if self._crew is None else self._crew.port

    def request_stop(self) -> None:
        """Make `run` return soon; safe from other threads and from signal handlers."""
        self._outbox.put(StopRequested())

    def request_record(self) -> None:
        """Make the session write its flight recorder to a file, say where, and go on.

        Safe from other threads and from signal handlers.
        """
        self._outbox.put(RecordRequested())

    def run(self) -> Summary:
        """Run until done, and return how it went.

        Raises:
            ActorTorrentError: one of its kinds says why it could not be done.
        """
        began = time.monotonic()
        try:
            was_interrupted = self._start_and_listen()
        except Exception as error:
            self._explain(error)
            raise
        finally:
            self._stop()
        self._hear_last_failures()
        return Summary(
            progress=self._progress,
            output=self._options.output,
            elapsed_seconds=time.monotonic() - began,
            was_interrupted=was_interrupted,
            is_complete=self._progress.is_complete,
            average_download_rate=self._average_download_rate(),
            trace=self._options.trace,
        )

    def _start_and_listen(self) -> bool:
        try:
            return self._listen(self._start())
        except NO_ANSWER as error:
            raise self._why_no_answer(error) from error

    def _start(self) -> Crew:
        torrent, options = self._torrent, self._options
        self._story.begin(torrent, self._peer_id)
        runtime = Runtime(
            recorder=self._story.recorder,
            actor_failed=self._actor_failed,
            rng=self._rng,
        )
        goals = options.goals(is_seed_only=self._location is not None)
        crew = self._crew = Crew(
            runtime, torrent, options, self._peer_id, self._location, self._peer_class
        )
        if isinstance(torrent, Magnet):
            crew.start_by_link(goals, self._outbox, torrent.peers)
        else:
            crew.start(torrent, goals, self._outbox)
        return crew

    # --- listening -----------------------------------------------------------------------------

    def _listen(self, crew: Crew) -> bool:
        """Hear reports until the session is over; say whether it was interrupted."""
        while True:
            report = self._outbox.get()
            if isinstance(report, StopRequested):
                self._tell_stopping()
                return True
            if isinstance(report, MetadataKnown):
                if not self._torrent_came(report.raw_info, crew):
                    return False
                continue
            if isinstance(report, End):
                if report.error is not None:
                    raise report.error
                return False
            self._hear(report, crew)

    def _hear(self, report: Any, crew: Crew) -> None:
        match report:
            case Progress():
                self._show(report)
            case Notice(text=text):
                self._notice(text)
            case ContentKnown():
                self._fetching_began = time.monotonic()
                crew.open_doors()
            case RecordRequested():
                self._notice(self._story.tell("asked for"))
            case PeerFailed(text=text):
                self._tell_peer_failed(text)
            case ActorFailed():
                raise as_bug(report) from report.error

    def _tell_peer_failed(self, text: str) -> None:
        self._notice(text)
        self._notice(self._story.explain_peer(text))

    # --- a torrent by its link -------------------------------------------------------------------

    def _torrent_came(self, raw_info: bytes, crew: Crew) -> bool:
        """Go on with the torrent that a link named; say whether there is more to do."""
        magnet = self._torrent
        assert isinstance(magnet, Magnet)
        document = document_around(
            raw_info, tracker_tiers=magnet.tracker_tiers, web_seeds=magnet.web_seeds
        )
        metainfo = Metainfo.from_bytes(document)
        self._is_calling_out = True
        options = self._settle(metainfo)
        self._is_calling_out = False
        self._torrent = metainfo
        self._story.torrent_known(metainfo)
        if options is None:
            return False
        self._options = options
        crew.torrent_known(metainfo, options)
        return True

    def _settle_by_link(self, metainfo: Metainfo) -> SessionOptions:
        assert isinstance(self._torrent, Magnet)
        selected = files_of_link(self._torrent, metainfo.files)
        return replace(self._options, selected_files=selected)

    def _explain(self, error: Exception) -> None:
        """Say in an error where to read what led to it, if that is a riddle."""
        told = "" if self._is_calling_out else self._story.explain(error)
        if told and isinstance(error, ActorTorrentError):
            error.hint = f"{error.hint}; {told}" if error.hint else told
        else:
            self._notice(told)

    def _show(self, progress: Progress) -> None:
        if progress.phase == "seeding" and not self._fetching_ended:
            self._fetching_ended = time.monotonic()
        self._progress = progress
        self._call(self._on_progress, progress)

    def _tell_stopping(self) -> None:
        if self._progress.phase != "starting":
            activity = "telling the trackers that we go, and saving"
            stopping = structs.replace(self._progress, phase="stopping", activity=activity)
            self._call(self._on_progress, stopping)

    def _notice(self, text: str) -> None:
        if text:
            self._call(self._on_notice, text)

    def _call(self, callback: Callable[[T], None] | None, report: T) -> None:
        """Call who watches; what they raise ends the session, and is no failure of ours."""
        if callback is not None:
            self._is_calling_out = True
            callback(report)
            self._is_calling_out = False

    def _actor_failed(self, name: str, error: BaseException) -> None:
        """Hear, in the failing actor's thread, that it has failed.

        A peer's death is nobody else's; any other actor's ends the session, and so does
        a deadlock.
        """
        shortage = shortage_of(error)
        if name.startswith(PEER_NAMES) and shortage is not None:
            self._outbox.put(Notice(f"{name} ended: {shortage}"))
        elif name.startswith(PEER_NAMES) and not isinstance(error, DeadlockError):
            self._outbox.put(PeerFailed(f"{name} failed, a bug of ours: {described(error)}"))
        else:
            self._outbox.put(ActorFailed(name, error))

    def _why_no_answer(self, error: BaseException) -> ActorTorrentError:
        """Return the failure of the actor that does not answer, if one was heard of."""
        with contextlib.suppress(queue.Empty):
            while True:
                report = self._outbox.get_nowait()
                if isinstance(report, ActorFailed):
                    return as_bug(report)
        return as_bug(ActorFailed("an actor", error))

    # --- stopping ------------------------------------------------------------------------------

    def _stop(self) -> None:
        if self._crew is not None:
            self._stop_crew(self._crew)
        for notice in self._story.stop():
            self._notice(notice)

    def _stop_crew(self, crew: Crew) -> None:
        crew.sources.leave()
        crew.stop_peers()
        tracker = crew.sources.tracker
        if tracker is not None and tracker.actor_ref.is_alive():
            self._await_goodbye(time.monotonic() + GOODBYE_SECONDS)
        self._progress = crew.last_progress() or self._progress
        crew.stop_all()

    def _await_goodbye(self, deadline: float) -> None:
        """Wait until the trackers know that we go, but not for long."""
        while (seconds := deadline - time.monotonic()) > 0:
            try:
                report = self._outbox.get(timeout=seconds)
            except queue.Empty:
                return
            self._last_reports.append(report)
            if isinstance(report, (TrackersLeft, ActorFailed)):
                return

    def _hear_last_failures(self) -> None:
        """Tell which actors failed while all were stopped; raise the first that is no peer's."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._last_reports.append(self._outbox.get_nowait())
        for report in self._last_reports:
            if isinstance(report, PeerFailed):
                self._tell_peer_failed(report.text)
            elif isinstance(report, ActorFailed):
                error = as_bug(report)
                self._explain(error)
                raise error from report.error

    def _average_download_rate(self) -> float:
        ended = self._fetching_ended or time.monotonic()
        seconds = ended - self._fetching_began
        is_known = self._fetching_began and seconds > 0
        return self._progress.fetched_bytes / seconds if is_known else 0.0
