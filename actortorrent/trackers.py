"""Ask a torrent's trackers once, without a session: what `announce` and `scrape` do.

All are asked side by side, and each answer is handed over as it comes. When the last
has come, or the time is up, nothing is left running.
"""

from __future__ import annotations

import queue
import random
import time
from collections.abc import Generator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from actortorrent.actors.base import Runtime
from actortorrent.actors.http_fetching import HttpLimits
from actortorrent.actors.interfaces import own_address
from actortorrent.actors.tracker_calls import CallStarter, UdpLimits
from actortorrent.errors import UsageError
from actortorrent.rules.tracker_calls import (
    CallAnswered,
    CallFailed,
    CallOutcome,
    RunningCall,
    TrackerCall,
)
from actortorrent.wire.announces import (
    AnnounceEvent,
    AnnounceReply,
    AnnounceRequest,
    Ask,
    Reply,
    ScrapeReply,
    ScrapeRequest,
)
from actortorrent.wire.handshake import new_peer_id
from actortorrent.wire.metainfo import Metainfo
from actortorrent.wire.proxy_handshake import Proxy
from actortorrent.wire.tracker_udp_exchange import UdpConnection
from actortorrent.wire.tracker_urls import TrackerUrl, sort_out

__all__ = [
    "DEFAULT_PORT",
    "DEFAULT_SECONDS",
    "AnnounceEvent",
    "AnnounceReply",
    "Reply",
    "ScrapeReply",
    "TrackerAnswer",
    "announce_once",
    "scrape_once",
]

MAX_PARALLEL = 16  # calls at once
DEFAULT_PORT = 6881
DEFAULT_SECONDS = 30.0  # for each tracker
GRACE_SECONDS = 1.0  # beyond that, for a call to end by itself
GOODBYE_SECONDS = 1.5


class TrackerAnswer(Struct, frozen=True):
    """Say what a tracker answered, or why it did not.

    Attributes:
        url: without its secrets: `http://tracker.example:6969/…`.
        reply: None where it failed.
        error: why it failed, cleaned, in one line; else empty.
        has_refused: whether it was the tracker itself that said no.
        seconds: how long it took.
    """

    url: str
    reply: Reply | None
    error: str = ""
    has_refused: bool = False
    seconds: float = 0.0


def announce_once(
    metainfo: Metainfo,
    *,
    trackers: Sequence[str] = (),
    event: AnnounceEvent | None = None,
    port: int = DEFAULT_PORT,
    bind: str | None = None,
    proxy: Proxy | None = None,
    timeout_seconds: float = DEFAULT_SECONDS,
) -> Generator[TrackerAnswer, None, None]:
    """Announce to each tracker as one who has nothing yet, and yield what each answers.

    Args:
        metainfo: the torrent.
        trackers: whom to ask instead of the torrent's own trackers.
        event: what to announce; None announces `started`, and `stopped` when all is done,
            so that nobody dials a client that is not there.
        port: where we would listen.
        bind: our own address to ask from, or an interface's name, or None.
        proxy: what asks for us, or None; it cannot ask those that speak UDP.
        timeout_seconds: how long to wait for each tracker.

    Raises:
        UsageError: if there is no tracker to ask.
    """
    rng = random.SystemRandom()
    ask = AnnounceRequest(
        info_hash=metainfo.info_hash,
        peer_id=new_peer_id(rng),
        port=port,
        uploaded=0,
        downloaded=0,
        left=metainfo.total_length,
        event=AnnounceEvent.STARTED if event is None else event,
        key=rng.getrandbits(32),
    )
    start_call = _call_starter(bind, proxy, timeout_seconds)
    questions = _Questions(metainfo, trackers, ask, start_call, timeout_seconds)
    return questions.ask_all(says_goodbye=event is None)


def scrape_once(
    metainfo: Metainfo,
    *,
    trackers: Sequence[str] = (),
    bind: str | None = None,
    proxy: Proxy | None = None,
    timeout_seconds: float = DEFAULT_SECONDS,
) -> Generator[TrackerAnswer, None, None]:
    """Ask each tracker how many peers the torrent has, and yield what each answers.

    Raises:
        UsageError: if there is no tracker to ask.
    """
    ask = ScrapeRequest(metainfo.info_hash)
    start_call = _call_starter(bind, proxy, timeout_seconds)
    questions = _Questions(metainfo, trackers, ask, start_call, timeout_seconds)
    return questions.ask_all(says_goodbye=False)


def _call_starter(bind: str | None, proxy: Proxy | None, timeout_seconds: float) -> CallStarter:
    return CallStarter(
        Runtime(),
        own_address(bind),
        HttpLimits(total_seconds=timeout_seconds),
        UdpLimits(total_seconds=timeout_seconds),
        proxy=proxy,
    )


class _Questions:
    """Put one question to many trackers."""

    def __init__(
        self,
        metainfo: Metainfo,
        trackers: Sequence[str],
        ask: Ask,
        start_call: CallStarter,
        timeout_seconds: float,
    ) -> None:
        tiers = [trackers] if trackers else metainfo.tracker_tiers
        urls, self._unusable = sort_out(tiers, takes_udp=start_call.proxy is None)
        self._waiting = list(dict.fromkeys(url for tier in urls for url in tier))
        if not self._waiting and not self._unusable:
            raise UsageError("this torrent names no tracker", hint="name one with --tracker URL")
        self._ask = ask
        self._timeout_seconds = timeout_seconds
        self._start_call = start_call
        self._outcomes: queue.SimpleQueue[CallOutcome] = queue.SimpleQueue()
        self._running: dict[int, tuple[TrackerUrl, RunningCall, float]] = {}
        self._calls_made = 0

    def ask_all(self, *, says_goodbye: bool) -> Generator[TrackerAnswer, None, None]:
        """Yield an answer for each tracker, in the order in which they come."""
        answered: list[tuple[TrackerUrl, UdpConnection | None]] = []
        try:
            yield from (TrackerAnswer(url, None, why) for url, why in self._unusable)
            while self._waiting or self._running:
                self._start_waiting()
                oldest = min(began for _, _, began in self._running.values())
                deadline = oldest + self._timeout_seconds + GRACE_SECONDS
                url, outcome, seconds = self._next_outcome(deadline)
                if isinstance(outcome, CallAnswered):
                    answered.append((url, outcome.connection))
                yield _answer(url, outcome, seconds)
        finally:
            self._cancel_all()
            if says_goodbye:
                self._say_goodbye(answered)

    def _start_waiting(self) -> None:
        while self._waiting and len(self._running) < MAX_PARALLEL:
            self._start(self._waiting.pop(0), self._ask, None)

    def _start(self, url: TrackerUrl, ask: Ask, connection: UdpConnection | None) -> None:
        self._calls_made += 1
        call = TrackerCall(self._calls_made, url, ask, connection)
        running = self._start_call(call, self._outcomes.put)
        self._running[call.number] = (url, running, time.monotonic())

    def _next_outcome(self, deadline: float) -> tuple[TrackerUrl, CallOutcome, float]:
        """Wait for an outcome; at the deadline the oldest call, hanging in a look-up, fails."""
        while True:
            try:
                outcome = self._outcomes.get(True, max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                number = next(iter(self._running))
                outcome = CallFailed(number, f"no answer in {self._timeout_seconds:g} s")
            if outcome.number in self._running:
                url, running, began = self._running.pop(outcome.number)
                running.cancel()
                return url, outcome, time.monotonic() - began

    def _say_goodbye(self, known: list[tuple[TrackerUrl, UdpConnection | None]]) -> None:
        assert isinstance(self._ask, AnnounceRequest)
        stopped = replace(self._ask, event=AnnounceEvent.STOPPED, wanted_peers=0)
        deadline = time.monotonic() + GOODBYE_SECONDS
        for url, connection in known:
            self._start(url, stopped, connection)
        while self._running and time.monotonic() < deadline:
            self._next_outcome(deadline)
        self._cancel_all()

    def _cancel_all(self) -> None:
        for _, running, _ in self._running.values():
            running.cancel()
        self._running.clear()


def _answer(url: TrackerUrl, outcome: CallOutcome, seconds: float) -> TrackerAnswer:
    if isinstance(outcome, CallAnswered):
        return TrackerAnswer(str(url), outcome.reply, seconds=seconds)
    return TrackerAnswer(str(url), None, outcome.message, outcome.has_refused, seconds)
