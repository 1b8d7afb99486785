"""A `Tracker` between fakes: what it tells them, and calls that the test itself answers."""

from __future__ import annotations

import queue
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast

from actortorrent.actors.base import Actor, Runtime, proxy_of, stop_all
from actortorrent.actors.tracker import Tracker, TrackerProxy
from actortorrent.rules.announcing import AnnounceIdentity
from actortorrent.rules.tracker_calls import (
    CallAnswered,
    CallFailed,
    CallOutcome,
    StartCall,
    TrackerCall,
)
from actortorrent.rules.tracker_status import TrackerState, TrackerStatus
from actortorrent.wire.addresses import Address
from actortorrent.wire.announces import AnnounceReply, AnnounceRequest
from actortorrent.wire.tracker_udp_exchange import UdpConnection

ME = AnnounceIdentity(b"h" * 20, b"p" * 20, 6881, 7)
PEERS = (Address("192.0.2.1", 6881),)
GOOD = AnnounceReply(peers=PEERS, interval_seconds=900, seeders=3, leechers=4)
SECONDS = 60.0  # for what takes none where nothing is wrong


class FakeSwarm(Actor):
    def __init__(self, told: queue.SimpleQueue[tuple[object, ...]]) -> None:
        super().__init__(Runtime(), "Swarm")
        self._told = told

    def peers_found(self, addresses: tuple[Address, ...], source: str) -> None:
        self._told.put(("peers", addresses, source))

    def told_own_address(self, who: str, our_host: str) -> None:
        self._told.put(("our address", who, our_host))


class FakeReporter(Actor):
    def __init__(
        self, told: queue.SimpleQueue[TrackerStatus], left: queue.SimpleQueue[str]
    ) -> None:
        super().__init__(Runtime(), "Reporter")
        self._told = told
        self._left = left

    def tracker_changed(self, status: TrackerStatus) -> None:
        self._told.put(status)

    def trackers_left(self) -> None:
        self._left.put("left")


class FakeCall:
    """A call that the test itself answers."""

    def __init__(self, call: TrackerCall, report: Callable[[CallOutcome], None]) -> None:
        assert isinstance(call.ask, AnnounceRequest)
        self.call, self.ask = call, call.ask
        self.host = call.url.host
        self.event = call.ask.event
        self.is_cancelled = False
        self._report = report

    def cancel(self) -> None:
        self.is_cancelled = True

    def answer(self, reply: AnnounceReply = GOOD, connection: UdpConnection | None = None) -> None:
        self._report(CallAnswered(self.call.number, reply, connection))

    def fail(self, why: str = "dead", *, has_refused: bool = False) -> None:
        self._report(CallFailed(self.call.number, why, has_refused))


class Stage:
    """A `Tracker` between fakes."""

    def __init__(self, *tiers: list[str], is_private: bool, start_call: StartCall | None) -> None:
        self.calls: queue.SimpleQueue[FakeCall] = queue.SimpleQueue()
        self.peers: queue.SimpleQueue[tuple[object, ...]] = queue.SimpleQueue()
        self.statuses: queue.SimpleQueue[TrackerStatus] = queue.SimpleQueue()
        self.left: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.swarm = FakeSwarm.start(self.peers)
        self.reporter = FakeReporter.start(self.statuses, self.left)
        ref = Tracker.start(
            Runtime(rng=random.Random(1)),
            self.swarm.proxy(),
            self.reporter.proxy(),
            ME,
            tiers,
            is_private,
            start_call or self._start_call,
        )
        self.tracker = proxy_of(ref, TrackerProxy)

    def _start_call(self, call: TrackerCall, report: Callable[[CallOutcome], None]) -> FakeCall:
        fake = FakeCall(call, report)
        self.calls.put(fake)
        return fake

    def call(self) -> FakeCall:
        """Return the next call that is made."""
        return self.calls.get(timeout=SECONDS)

    def no_call(self) -> None:
        """Fail if another call has been made by now."""
        self.tracker.ping().get(timeout=SECONDS)
        assert self.calls.empty(), self.calls.get().call

    def status(self, state: TrackerState) -> TrackerStatus:
        """Return the next status of this kind."""
        while True:
            status = self.statuses.get(timeout=SECONDS)
            if status.state is state:
                return status


@contextmanager
def stage(
    *tiers: list[str], is_private: bool = False, start_call: StartCall | None = None
) -> Iterator[Stage]:
    made = Stage(*tiers, is_private=is_private, start_call=start_call)
    try:
        yield made
    finally:
        proxies = [made.tracker, made.swarm.proxy(), made.reporter.proxy()]
        assert stop_all(cast("list[TrackerProxy]", proxies), SECONDS) == []
