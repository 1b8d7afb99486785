"""A peer's socket: reading into a buffer, and writing that never waits; plain or encrypted.

The socket is a blocking one, used only when the inbox says it is ready, and every
call says "do not wait" besides: two peers that both waited to finish a large send
would wait for each other for ever. What does not fit stays here, bounded, until the
socket takes more.
"""

from __future__ import annotations

import os
import socket
from collections import deque
from typing import TYPE_CHECKING, Any

from actortorrent.errors import PeerProtocolError

if TYPE_CHECKING:
    from actortorrent.wire.stream_keys import Cipher

MAX_PENDING_BYTES = 4 * 1024 * 1024
# A peer whose machine, cable or address has gone says nothing of that: the system finds out.
QUIET_SECONDS = 30  # of a line, before the system asks whether the other end is there
PROBE_SECONDS = 5  # between two such questions
PROBES = 4  # without an answer: then the connection is over
UNHEARD_SECONDS = 60  # without a word that what we sent has arrived, likewise
_DONT_WAIT = getattr(socket, "MSG_DONTWAIT", 0)
Endpoint = tuple[socket.AddressFamily, Any]  # as `connect` wants it
_HAS_SENDMSG = hasattr(socket.socket, "sendmsg")


class PeerSocket:
    """Own a connected socket and the bytes that it has not taken yet."""

    __slots__ = ("_pending", "pending_bytes", "sock")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._pending: deque[memoryview] = deque()
        self.pending_bytes = 0
        sock.setblocking(bool(_DONT_WAIT))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _notice_death(sock)

    def read_into(self, buffer: memoryview) -> int:
        """Read what is there, into `buffer`; return its bytes, 0 if nothing was there.

        Raises:
            ConnectionError: if the peer has closed the connection.
        """
        try:
            count = self.sock.recv_into(buffer, 0, _DONT_WAIT)
        except (BlockingIOError, InterruptedError):
            return 0
        if not count:
            raise ConnectionResetError("closed by the peer")
        return count

    def send(self, *parts: bytes | memoryview) -> None:
        """Send parts in order, now as far as the socket takes them, the rest later.

        Raises:
            PeerProtocolError: if the peer has not read for so long that too much waits.
        """
        for part in parts:
            if part:
                self._pending.append(memoryview(part))
                self.pending_bytes += len(part)
        if self.pending_bytes > MAX_PENDING_BYTES:
            raise PeerProtocolError(
                f"expected a peer that reads, found {self.pending_bytes} bytes it did not take"
            )
        self.flush()

    def flush(self) -> None:
        """Send what waits, as far as the socket takes it."""
        while self._pending:
            try:
                count = self._send_some()
            except (BlockingIOError, InterruptedError):
                return
            self.pending_bytes -= count
            self._drop(count)

    def _send_some(self) -> int:
        if _HAS_SENDMSG and len(self._pending) > 1:
            parts = [self._pending[i] for i in range(min(len(self._pending), 64))]
            return self.sock.sendmsg(parts, [], _DONT_WAIT)
        return self.sock.send(self._pending[0], _DONT_WAIT)

    def _drop(self, count: int) -> None:
        while count:
            first = self._pending[0]
            if count < len(first):
                self._pending[0] = first[count:]
                return
            count -= len(first)
            self._pending.popleft()

    def close(self) -> None:
        """Close the connection."""
        self._pending.clear()
        self.sock.close()


def _notice_death(sock: socket.socket) -> None:
    """Have the system end a connection whose other end is there no more, where it can."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", QUIET_SECONDS),
        ("TCP_KEEPINTVL", PROBE_SECONDS),
        ("TCP_KEEPCNT", PROBES),
        ("TCP_USER_TIMEOUT", UNHEARD_SECONDS * 1000),
    ):
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


class EncryptedSocket(PeerSocket):
    """Go on with a socket, and encrypt all that is sent and decrypt all that is read.

    What is sent is copied on the way: it may be a view of something that others read, too.
    """

    __slots__ = ("_receiving", "_sending")

    def __init__(self, before: PeerSocket, sending: Cipher, receiving: Cipher) -> None:
        super().__init__(before.sock)
        self._pending = before._pending  # noqa: SLF001 - what it has not sent goes first
        self.pending_bytes = before.pending_bytes
        self._sending = sending
        self._receiving = receiving

    def read_into(self, buffer: memoryview) -> int:
        """Read what is there, and decrypt it where it lies."""
        count = super().read_into(buffer)
        if count:
            self._receiving.update_into(buffer[:count], buffer[:count])
        return count

    def send(self, *parts: bytes | memoryview) -> None:
        """Send parts in order, encrypted."""
        encrypt = self._sending.update
        super().send(*[encrypt(part) for part in parts])  # small copies cost no new memory pages


def endpoints_of(host: str, port: int, bind: str | None) -> deque[Endpoint]:
    """Return what a host's name stands for, best first, as far as `bind` can reach it.

    Raises:
        OSError: if it stands for nothing.
    """
    family = socket.AF_UNSPEC if bind is None else _family_of(bind)
    try:
        found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
    except UnicodeError:
        raise socket.gaierror(socket.EAI_NONAME, "no name that a host can have") from None
    return deque((entry[0], entry[4]) for entry in found)


def _family_of(bind: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in bind else socket.AF_INET


def open_dialling_socket(endpoint: Endpoint, bind: str | None) -> socket.socket:
    """Begin to connect, without waiting for it; the socket is writable when it is done.

    Raises:
        OSError: if the network is unreachable.
    """
    family, address = endpoint
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if bind is not None:
            sock.bind((bind, 0))
        sock.connect(address)
    except BlockingIOError:
        pass  # under way: the usual case
    except OSError:
        sock.close()
        raise
    return sock


def error_of_dialling(sock: socket.socket) -> OSError | None:
    """Return why a connection that was being made failed, or None if it stands."""
    code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    return OSError(code, os.strerror(code)) if code else None
