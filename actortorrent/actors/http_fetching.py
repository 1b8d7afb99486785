"""Fetch one small document by HTTP(S) from somebody who may be hostile, in bounded time and space.

`requests` speaks HTTP (`http_requests.py`); what it leaves open is closed here:

* its timeout starts anew with each byte: a timer shuts the socket down at the deadline,
  whatever is going on (a handshake, a header, a body); `cancel` does the same earlier;
* a body is read in small steps, unpacked, up to a limit: a gzip bomb ends there;
* redirects are followed by hand: few, only to http(s), and never from a public address
  to a local one, judged by the very address that is then dialled.

Through a proxy, names are looked up there and not here, so only addresses in URLs are judged.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from msgspec import Struct

from actortorrent.actors.resolving import (
    Resolve,
    explain_os_error,
    is_local,
    make_socket,
    reachable_from,
    resolve,
)
from actortorrent.errors import ProxyError, TrackerError
from actortorrent.wire.addresses import Address
from actortorrent.wire.proxy_handshake import Proxy, ProxyHandshake, proxy_handshake
from actortorrent.wire.tracker_http import MAX_REPLY_BYTES
from actortorrent.wire.tracker_urls import parse_tracker_url

if TYPE_CHECKING:
    from requests import Response

STEP_BYTES = 16 * 1024
REDIRECT_STATUSES = (301, 302, 303, 307, 308)
_TO_LOCAL = "it redirects from a public address to a local one"


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """Bound one fetch."""

    total_seconds: float = 30.0
    connect_seconds: float = 10.0  # for each address of the host
    body_bytes: int = MAX_REPLY_BYTES
    redirects: int = 5


class HttpAnswer(Struct, frozen=True):
    """Hold what came: the status, and the body unpacked."""

    status: int
    body: bytes


class HttpFetch:
    """Fetch once; `run` in a thread made for it, `cancel` from any.

    Args:
        bind: our own address to ask from, or None.
        proxy: through which to ask, or None.
        limits: what to put up with.
        find_addresses: looks up a host.
        is_local_address: tells local addresses from public ones.
    """

    def __init__(
        self,
        *,
        bind: str | None = None,
        proxy: Proxy | None = None,
        limits: HttpLimits | None = None,
        find_addresses: Resolve = resolve,
        is_local_address: Callable[[Address], bool] = is_local,
    ) -> None:
        self._bind = bind
        self._proxy = proxy
        self._limits = limits or HttpLimits()
        self._find_addresses = find_addresses
        self._is_local_address = is_local_address
        self._line = Line()
        self._has_been_public = False

    def run(self, url: str) -> HttpAnswer:
        """Return the answer; at the deadline at the latest it ends.

        Raises:
            TrackerError: whatever went wrong; its text holds no part of the URL.
        """
        # It takes long to load, and many trackers are asked by UDP: so only here.
        from actortorrent.actors.http_requests import FAILURES, explain, is_of_time  # noqa: PLC0415

        seconds = self._limits.total_seconds
        late = f"no whole answer in {seconds:g} s"
        timer = threading.Timer(seconds, self._line.cut, (late,))
        timer.daemon = True
        timer.start()
        try:
            return self._follow(url)
        except FAILURES as error:
            self._line.check()
            raise TrackerError(late if is_of_time(error) else explain(error)) from None
        finally:
            timer.cancel()
            self._line.release()

    def cancel(self) -> None:
        """End a fetch under way, or one that has not begun."""
        self._line.cut("cancelled")

    def _follow(self, url: str) -> HttpAnswer:
        for _ in range(self._limits.redirects + 1):
            answer = self._fetch(url)
            if isinstance(answer, HttpAnswer):
                return answer
            url = answer
        raise TrackerError(f"more than {self._limits.redirects} redirects")

    def _fetch(self, url: str) -> HttpAnswer | str:
        """Return the answer, or the URL to which we are sent."""
        from actortorrent.actors.http_requests import asking  # noqa: PLC0415 - see `run`

        if self._proxy is not None:
            self._judge(url)
        with asking(url, self._dial, self._limits.total_seconds, self._proxy) as response:
            target = response.headers.get("Location")
            if response.status_code in REDIRECT_STATUSES and target:
                return redirected(url, target)
            return HttpAnswer(response.status_code, self._read_body(response))

    def _read_body(self, response: Response) -> bytes:
        body = bytearray()
        while True:
            step: bytes = response.raw.read1(STEP_BYTES, decode_content=True)
            self._line.check()  # a line that was cut looks like an end
            if not step:
                return bytes(body)
            body += step
            if len(body) > self._limits.body_bytes:
                raise TrackerError(f"expected at most {self._limits.body_bytes} bytes, found more")

    # --- connections ------------------------------------------------------------------------

    def _dial(self, host: str, port: int) -> socket.socket:
        if self._proxy is not None:
            return self._dial_by_proxy(self._proxy, host, port)
        sock, address = self._connect_to_any(self._allowed(self._addresses_of(host, port)))
        self._has_been_public |= not self._is_local_address(address)
        return sock

    def _dial_by_proxy(self, proxy: Proxy, host: str, port: int) -> socket.socket:
        """Connect to a proxy; to one that speaks HTTP, `requests` then says what it wants."""
        sock, _ = self._connect_to_any(self._addresses_of(proxy.host, proxy.port))
        if proxy.scheme == "http":
            return sock
        try:
            _ask_proxy(sock, proxy_handshake(proxy, host, port))
        except (ProxyError, OSError) as error:
            sock.close()
            self._line.check()
            why = explain_os_error(error) if isinstance(error, OSError) else str(error)
            raise TrackerError(why) from None
        return sock

    def _judge(self, url: str) -> None:
        """Refuse a local address in a URL, once we have been at a public one."""
        host, is_local_host = parse_tracker_url(url).host, False
        with suppress(ValueError):  # it is a name
            is_local_host = self._is_local_address(Address(str(ipaddress.ip_address(host)), 1))
        if is_local_host and self._has_been_public:
            raise TrackerError(_TO_LOCAL)
        self._has_been_public |= not is_local_host

    def _addresses_of(self, host: str, port: int) -> tuple[Address, ...]:
        return reachable_from(self._bind, self._find_addresses(host, port))

    def _connect_to_any(self, addresses: tuple[Address, ...]) -> tuple[socket.socket, Address]:
        why = ""
        for address in addresses:
            try:
                return self._connect(address), address
            except OSError as error:
                self._line.check()
                why = explain_os_error(error)
        raise TrackerError(why)

    def _allowed(self, addresses: tuple[Address, ...]) -> tuple[Address, ...]:
        """Leave out local addresses, once we have been at a public one."""
        if not self._has_been_public:
            return addresses
        public = tuple(address for address in addresses if not self._is_local_address(address))
        if not public:
            raise TrackerError(_TO_LOCAL)
        return public

    def _connect(self, address: Address) -> socket.socket:
        sock = make_socket(socket.SOCK_STREAM, address, self._bind)
        try:
            self._line.hold(sock)
            sock.settimeout(self._limits.connect_seconds)
            sock.connect((address.host, address.port))
            self._line.check()
        except BaseException:
            sock.close()
            raise
        return sock


def _ask_proxy(sock: socket.socket, talk: ProxyHandshake) -> None:
    """Have a proxy lead a line to where it is to go; what is said is far less than a buffer."""
    sock.send(talk.begin())
    while not talk.is_done:
        data = sock.recv(STEP_BYTES)
        if not data:
            raise ProxyError("expected an answer of the proxy, found that it hung up")
        if answer := talk.receive(data):
            sock.send(answer)


class Line:
    """Hold the socket in use, so that another thread can cut it.

    It holds a duplicate of its own: TLS moves the descriptor into another object, and a
    descriptor that its owner closed may already be somebody else's.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sock: socket.socket | None = None
        self._cut_because = ""

    def hold(self, sock: socket.socket) -> None:
        """Take the place of the socket before; raises TrackerError if the line is cut."""
        self.release()
        with self._lock:
            if not self._cut_because:
                self._sock = sock.dup()
        self.check()

    def cut(self, why: str) -> None:
        """Shut down the socket, and all to come; who waits on it is woken."""
        with self._lock:
            self._cut_because = self._cut_because or why
            if self._sock is not None:
                with suppress(OSError):  # not connected, or no more
                    self._sock.shutdown(socket.SHUT_RDWR)

    def check(self) -> None:
        """Raise TrackerError if the line is cut."""
        if self._cut_because:
            raise TrackerError(self._cut_because)

    def release(self) -> None:
        """Let go of the socket."""
        with self._lock:
            if self._sock is not None:
                self._sock.close()
            self._sock = None


def redirected(url: str, target: str) -> str:
    """Return the URL to which a redirect leads; raises TrackerError if it is not of the web."""
    new = urljoin(url, target)
    if parse_tracker_url(new).is_udp:
        raise TrackerError("it redirects to something that is not http or https")
    return new
