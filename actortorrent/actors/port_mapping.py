"""`PortMapper`: has the router let peers in, for as long as the session lasts.

It asks the router to send connections to our port, asks again before that runs out, and
takes it back at the end. It never waits: each conversation with the router is a call of
its own (`port_mapping_calls.py`). A session goes well without it, so it fails in silence:
only the trace says why.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from actortorrent.actors.base import Actor, Proxy, Runtime, message, proxy_of
from actortorrent.rules.port_mapping import (
    LIFETIME_SECONDS,
    RETRY_SECONDS,
    MappingCall,
    MappingDone,
    MappingOutcome,
    RunningMapping,
    StartMapping,
    Way,
    seconds_to_renewal,
)
from actortorrent.wire.port_mapping import NONCE_BYTES, MappingGranted, MappingRequest, Transport

if TYPE_CHECKING:
    from actortorrent.actors.reporter import ReporterProxy
    from actortorrent.actors.tracker import TrackerProxy

START_SECONDS = 1.0  # a session that is over sooner needs no port
ANSWER_SECONDS = 0.3  # for a router to answer when we go: one that is there is quicker

Port = tuple[Transport, int]


class PortMapper(Actor):
    """Keep ports of ours mapped at the router.

    Args:
        ports: ours, at least one; peers are told the first if it is another outside.
        reporter: is told, for people, that we can be reached.
        tracker: is told which port to announce, if it is not our own; None: there is none.
        start_call: starts a call to the router (`MappingStarter`).
    """

    def __init__(
        self,
        runtime: Runtime,
        ports: Sequence[Port],
        reporter: ReporterProxy,
        tracker: TrackerProxy | None,
        start_call: StartMapping,
    ) -> None:
        super().__init__(runtime, "PortMapper")
        self._ports = tuple(ports)
        self._reporter = reporter
        self._tracker = tracker
        self._start_call = start_call
        self._nonce = os.urandom(NONCE_BYTES)
        self._way: Way | None = None
        self._granted: tuple[MappingGranted, ...] = ()
        self._call: RunningMapping | None = None
        self._calls_made = 0
        self._is_leaving = False
        self._is_taking_back = False

    def on_start(self) -> None:
        """Begin, but not at once."""
        self._after(START_SECONDS, "_map")

    # --- messages ----------------------------------------------------------------------------

    def leave(self) -> None:
        """Take back what was mapped, and then end."""
        if self._is_leaving:
            return
        self._is_leaving = True
        if self._call is None or self._call.cancel():
            self._take_back()
        else:
            self._after(ANSWER_SECONDS, "_lose_patience", self._calls_made)

    def mapping_ended(self, outcome: MappingOutcome) -> None:
        """Take what came of a call."""
        if outcome.number != self._calls_made:  # of one that nobody waits for
            return
        self._call = None
        if self._is_taking_back:
            self._record("bt:port_unmapped", {"outcome": str(outcome)})
            self._stop()
            return
        if isinstance(outcome, MappingDone):
            self._mapped(outcome)
        else:
            self._failed(outcome.why)
        if self._is_leaving:
            self._take_back()

    # --- mapping -----------------------------------------------------------------------------

    def _map(self) -> None:
        if not self._is_leaving:
            self._ask(LIFETIME_SECONDS)

    def _ask(self, lifetime_seconds: int) -> None:
        self._calls_made += 1
        external = [one.external_port for one in self._granted] or [port for _, port in self._ports]
        requests = tuple(
            MappingRequest(transport, port, outside, lifetime_seconds)
            for (transport, port), outside in zip(self._ports, external, strict=True)
        )
        call = MappingCall(self._calls_made, requests, self._nonce, self._way)
        report = proxy_of(self.actor_ref, PortMapperProxy).mapping_ended.defer
        self._call = self._start_call(call, report)

    def _mapped(self, done: MappingDone) -> None:
        was_known = done.granted and self._granted
        self._way, self._granted = done.way, done.granted
        first, ours = done.granted[0], self._ports[0][1]
        outside = {"port": ours, "external_port": first.external_port, "way": str(done.way)}
        seconds = first.lifetime_seconds
        self._record("bt:port_mapped", {**outside, "lifetime_seconds": seconds})
        if not was_known:
            where = f" of {first.external_host}" if first.external_host else ""
            self._reporter.notice.defer(
                f"peers outside can reach us on port {first.external_port}{where} ({done.way})"
            )
        if self._tracker is not None and first.external_port != ours:
            self._tracker.reachable_on.defer(first.external_port)
        self._after(seconds_to_renewal(done.granted), "_map")

    def _failed(self, why: str) -> None:
        self._record("bt:port_not_mapped", {"why": why})
        self._way, self._granted = None, ()
        self._after(RETRY_SECONDS, "_map")

    def _lose_patience(self, call_number: int) -> None:
        if call_number == self._calls_made:
            self._take_back()

    def _take_back(self) -> None:
        if self._granted:
            self._is_taking_back = True
            self._ask(0)
        else:
            self._stop()


class PortMapperProxy(Proxy):
    """The messages that the port mapper takes."""

    leave = message(PortMapper.leave)
    mapping_ended = message(PortMapper.mapping_ended)
