"""Calls to trackers: each a short-lived actor that asks one tracker once, reports and ends.

They exist so that the `Tracker` never waits: an `HttpCall` blocks in `requests`, a
`UdpCall` in the look-up of a name. Nobody sends them messages; who started a call may
cancel it. Whatever happens, each reports exactly one outcome.
"""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import pykka
from msgspec import Struct, field
from msgspec.structs import replace

from actortorrent.actors.base import Actor, Runtime, SocketActor
from actortorrent.actors.http_fetching import HttpFetch, HttpLimits
from actortorrent.actors.inbox import Timer
from actortorrent.actors.resolving import (
    Resolve,
    explain_os_error,
    make_socket,
    reachable_from,
    resolve,
)
from actortorrent.errors import TrackerError, TrackerRefusalError
from actortorrent.rules.tracker_calls import (
    CallAnswered,
    CallFailed,
    CallOutcome,
    RunningCall,
    TrackerCall,
)
from actortorrent.wire.addresses import Address
from actortorrent.wire.announces import Reply
from actortorrent.wire.proxy_handshake import Proxy
from actortorrent.wire.tracker_http import build_url, read_reply
from actortorrent.wire.tracker_udp import MAX_PACKET_BYTES
from actortorrent.wire.tracker_udp_exchange import (
    FIRST_PATIENCE_SECONDS,
    UdpConnection,
    UdpExchange,
)

MAX_DATAGRAMS_A_TURN = 16
Report = Callable[[CallOutcome], None]


@dataclass(frozen=True, slots=True)
class UdpLimits:
    """Bound a UDP call: packets go out after 0 and 15 s, the wait is over after 45."""

    first_patience_seconds: float = FIRST_PATIENCE_SECONDS
    total_seconds: float = 45.0


class CallStarter(Struct, frozen=True):
    """Start calls for a session; `StartCall` of the rules is this.

    Attributes:
        bind: our own address to ask from, or None.
        find_addresses: looks up a host; blocks.
        proxy: what asks trackers for us, or None; it cannot ask those that speak UDP.
    """

    runtime: Runtime
    bind: str | None = None
    http_limits: HttpLimits = field(default_factory=HttpLimits)
    udp_limits: UdpLimits = field(default_factory=UdpLimits)
    find_addresses: Resolve = resolve
    proxy: Proxy | None = None

    def __call__(self, call: TrackerCall, report: Report) -> RunningCall:
        """Start a call; `report` gets its outcome, in the call's own thread.

        Should the call itself fail, that is its outcome, and no end of the session.
        """
        runtime = replace(self.runtime, actor_failed=_leave_to_report)
        if call.url.is_udp:
            assert self.proxy is None, "it would go around the proxy"
            return _RunningUdpCall(UdpCall.start(runtime, self, call, report))
        fetch = HttpFetch(
            bind=self.bind,
            proxy=self.proxy,
            limits=self.http_limits,
            find_addresses=self.find_addresses,
        )
        HttpCall.start(runtime, call, fetch, report)
        return fetch


def _leave_to_report(_actor_name: str, _error: BaseException) -> None:
    """Do nothing: `on_end` reports it."""


class _RunningUdpCall(Struct, frozen=True):
    ref: pykka.ActorRef[UdpCall]

    def cancel(self) -> None:
        self.ref.stop(block=False)


class HttpCall(Actor):
    """Ask one tracker by HTTP; cancelled through its `HttpFetch`."""

    def __init__(
        self, runtime: Runtime, call: TrackerCall, fetch: HttpFetch, report: Report
    ) -> None:
        super().__init__(runtime, f"HttpCall-{call.number}")
        self._call = call
        self._fetch = fetch
        self._once = _Once(call, report)

    def on_start(self) -> None:
        """Begin, as a message like any other."""
        self._after(0, "_ask")

    def on_end(self, error: BaseException | None) -> None:
        """Report what has not been reported."""
        self._once.report_end(error)

    def _ask(self) -> None:
        url, ask = self._call.url.text, self._call.ask
        try:
            answer = self._fetch.run(build_url(url, ask))
            self._once.report_reply(read_reply(answer.status, answer.body, ask))
        except TrackerError as error:
            self._once.report_error(error)
        self.stop()


class UdpCall(SocketActor):
    """Ask one tracker by UDP, sending again what is not answered (BEP 15)."""

    _exchange: UdpExchange  # from `_begin` on, and so whenever a socket is open

    def __init__(
        self, runtime: Runtime, starter: CallStarter, call: TrackerCall, report: Report
    ) -> None:
        super().__init__(runtime, f"UdpCall-{call.number}")
        self._starter = starter
        self._call = call
        self._once = _Once(call, report)
        self._sock: socket.socket | None = None
        self._sock_address: Address | None = None
        self._patience: Timer | None = None

    def on_start(self) -> None:
        """Begin, and set an end to it."""
        self._after(0, "_begin")
        self._after(self._starter.udp_limits.total_seconds, "_give_up")

    def on_end(self, error: BaseException | None) -> None:
        """Free the socket; report what has not been reported."""
        self._close_socket()
        self._once.report_end(error)

    def _begin(self) -> None:
        call = self._call
        try:
            addresses = self._find_addresses()
        except TrackerError as error:
            self._fail(error)
            return
        self._exchange = UdpExchange(
            call.ask,
            call.url.path_and_query,
            addresses,
            random.SystemRandom(),  # ids that nobody can guess
            connection=call.connection,
            first_patience_seconds=self._starter.udp_limits.first_patience_seconds,
        )
        self._send()

    def _find_addresses(self) -> tuple[Address, ...]:
        if self._call.connection is not None:
            return (self._call.connection.address,)
        found = self._starter.find_addresses(self._call.url.host, self._call.url.port)
        return reachable_from(self._starter.bind, found)

    def _send(self) -> None:
        """Send the packet that is due, and wait for its answer with patience."""
        try:
            sock = self._open_socket(self._exchange.address)
            with suppress(BlockingIOError):  # as good as lost on the way
                sock.send(self._exchange.next_packet(time.monotonic()))
        except OSError as error:
            self._abandon_address(error)
            return
        if self._patience is not None:
            self._patience.cancel()
        self._patience = self._after(self._exchange.patience_seconds, "_lose_patience")

    def _lose_patience(self) -> None:
        self._exchange.lose_patience()
        self._send()

    def _abandon_address(self, error: OSError) -> None:
        if self._exchange.abandon_address():
            self._send()
        else:
            self._fail(TrackerError(explain_os_error(error)))

    def _socket_ready(self, sock: socket.socket, _readable: bool, _writable: bool) -> None:
        try:
            for _ in range(MAX_DATAGRAMS_A_TURN):
                if self._receive(sock.recv(MAX_PACKET_BYTES)):
                    return
        except BlockingIOError:
            return
        except OSError as error:  # "nobody listens there", says its host
            self._abandon_address(error)
        except TrackerError as error:
            self._fail(error)

    def _receive(self, packet: bytes) -> bool:
        """Take a datagram, and say whether the next is no more for this turn."""
        if not self._exchange.receive(packet, time.monotonic()):
            return False
        if self._exchange.reply is None:
            self._send()
        else:
            self._once.report_reply(self._exchange.reply, self._exchange.connection)
            self.stop()
        return True

    def _give_up(self) -> None:
        self._fail(TrackerError(f"no answer in {self._starter.udp_limits.total_seconds:g} s"))

    def _fail(self, error: TrackerError) -> None:
        self._once.report_error(error)
        self.stop()

    def _open_socket(self, address: Address) -> socket.socket:
        """Return a socket that sends to this address and hears from nobody else."""
        if self._sock is not None and self._sock_address == address:
            return self._sock
        self._close_socket()
        self._sock = sock = make_socket(socket.SOCK_DGRAM, address, self._starter.bind)
        self._sock_address = address
        sock.setblocking(False)
        sock.connect((address.host, address.port))
        self._watch(sock, "_socket_ready")
        return sock

    def _close_socket(self) -> None:
        if self._sock is not None:
            self._unwatch(self._sock)
            self._sock.close()
            self._sock = None


class _Once:
    """Report the first outcome of a call, and nothing after it."""

    def __init__(self, call: TrackerCall, report: Report) -> None:
        self._number = call.number
        self._report = report
        self._has_reported = False

    def report_reply(self, reply: Reply, connection: UdpConnection | None = None) -> None:
        self._tell(CallAnswered(self._number, reply, connection))

    def report_error(self, error: TrackerError) -> None:
        has_refused = isinstance(error, TrackerRefusalError)
        self._tell(CallFailed(self._number, str(error), has_refused))

    def report_end(self, error: BaseException | None) -> None:
        why = "cancelled" if error is None else f"a bug in the call: {type(error).__name__}"
        self._tell(CallFailed(self._number, why))

    def _tell(self, outcome: CallOutcome) -> None:
        if not self._has_reported:
            self._has_reported = True
            self._report(outcome)
