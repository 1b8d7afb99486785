"""Calls to web seeds: each a short-lived actor that fetches some ranges, and ends.

They exist so that the `WebSeed` never waits: a call blocks in `requests`, or until it may read
more. Nobody sends them messages; the `WebSeed` may cancel its call. Each tells what comes as it
comes, and then exactly one outcome.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from actortorrent.actors.base import Actor, Runtime
from actortorrent.actors.http_ranges import Allowance, RangeFetch
from actortorrent.rules.leases import Cargo
from actortorrent.rules.web_seed_answers import Fault, Refusal
from actortorrent.rules.web_seed_ranges import Part, RangeCall

if TYPE_CHECKING:
    from actortorrent.actors.web_seed import WebSeedProxy
    from actortorrent.wire.proxy_handshake import Proxy

TELL_BYTES = 256 * 1024  # come together before they are passed on,
TELL_SECONDS = 0.25  # or what came in this time


class RangeCallStarter(Struct, frozen=True):
    """Start calls for a session.

    Attributes:
        bind: our own address to ask from, or None.
        proxy: what asks for us, or None.
    """

    runtime: Runtime
    bind: str | None = None
    proxy: Proxy | None = None

    def __call__(self, call: RangeCall, allowance: Allowance, tell: WebSeedProxy) -> RunningRanges:
        """Start a call; should the call itself fail, that is its outcome."""
        runtime = replace(self.runtime, actor_failed=_leave_to_report)
        fetch = RangeFetch(bind=self.bind, proxy=self.proxy)
        RangeCallActor.start(runtime, call, fetch, allowance, tell)
        return RunningRanges(fetch, allowance)


def _leave_to_report(_actor_name: str, _error: BaseException) -> None:
    """Do nothing: `on_end` reports it."""


class RunningRanges(Struct, frozen=True):
    """Hold by which a call can be ended."""

    fetch: RangeFetch
    allowance: Allowance

    def cancel(self) -> None:
        """End it: it reads no more."""
        self.fetch.cancel()
        self.allowance.close()


class RangeCallActor(Actor):
    """Fetch some ranges; cancelled through its `RunningRanges`."""

    def __init__(
        self,
        runtime: Runtime,
        call: RangeCall,
        fetch: RangeFetch,
        allowance: Allowance,
        tell: WebSeedProxy,
    ) -> None:
        super().__init__(runtime, f"RangeCall-{-call.conn}-{call.number}")
        self._call = call
        self._fetch = fetch
        self._allowance = allowance
        self._tell = tell
        self._came = bytearray()
        self._told_at = 0.0
        self._has_told_end = False

    def on_start(self) -> None:
        """Begin, as a message like any other."""
        self._after(0, "_ask")

    def on_end(self, error: BaseException | None) -> None:
        """Report what has not been reported."""
        why = "cancelled" if error is None else f"{type(error).__name__}: {error}"
        self._tell_end(Refusal(Fault.BUSY, why))

    def _ask(self) -> None:
        self._told_at = time.monotonic()
        outcome = self._fetch.fetch(self._call.parts, self._allowance, self._take, self._note)
        self._tell_bytes()
        self._tell_end(outcome)
        self.stop()

    def _take(self, data: bytes) -> None:
        self._came += data
        if len(self._came) >= TELL_BYTES or time.monotonic() - self._told_at >= TELL_SECONDS:
            self._tell_bytes()

    def _tell_bytes(self) -> None:
        came, self._came = self._came, bytearray()
        self._told_at = time.monotonic()
        if came:
            self._tell.bytes_came.defer(self._call.number, Cargo(came))

    def _tell_end(self, outcome: Refusal | None) -> None:
        if not self._has_told_end:
            self._has_told_end = True
            self._tell.call_ended.defer(self._call.number, outcome)

    def _note(self, part: Part, status: int) -> None:
        asked = {"file": part.file_index, "first_byte": part.first_byte, "bytes": part.length}
        self._record("bt:web_seed_answered", {"conn": self._call.conn, **asked, "status": status})
