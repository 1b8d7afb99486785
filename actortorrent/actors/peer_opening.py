"""`PeerOpening`: from an address, or an accepted socket, to a stream that speaks BitTorrent.

It dials, one address of a host's name after the other, or has a proxy dial
(`wire/proxy_handshake.py`), and agrees with the peer on encryption (`wire/encryption.py`) or
on none. Where encryption is preferred and does not come about, it dials once more and speaks
plainly. All of it is over within named times.
"""

from __future__ import annotations

import os
import socket
from abc import abstractmethod
from collections import deque
from typing import TYPE_CHECKING

from actortorrent.actors.base import Runtime, SocketActor
from actortorrent.actors.peer_socket import (
    EncryptedSocket,
    Endpoint,
    PeerSocket,
    endpoints_of,
    error_of_dialling,
    open_dialling_socket,
)
from actortorrent.actors.peer_values import Connection, TorrentFacts
from actortorrent.errors import PeerProtocolError, ProxyError
from actortorrent.wire.addresses import Address
from actortorrent.wire.encryption import RANDOM_BYTES, Agreement, Initiator, Responder

if TYPE_CHECKING:
    from actortorrent.wire.proxy_handshake import Proxy, ProxyHandshake

CONNECT_SECONDS = 8.0
PROXY_SECONDS = 20.0  # for a proxy to connect us: it may give up on one address and try another
ENCRYPTION_SECONDS = 5.0  # for a peer to answer an encrypted beginning, before it is tried plainly
HANDSHAKE_SECONDS = 10.0  # in all, from the connection on: one byte a second is no excuse
READ_BYTES = 4096  # more than a whole encrypted beginning


class PeerOpening(SocketActor):
    """Open a connection to one peer; `PeerConnection` goes on from there."""

    def __init__(self, runtime: Runtime, connection: Connection, torrent: TorrentFacts) -> None:
        super().__init__(runtime, f"Peer-{connection.conn}")
        self._connection = connection
        self._conn = connection.conn
        self._torrent = torrent
        self._raw_socket = connection.sock
        self._to_dial: deque[Endpoint] = deque()
        self._line: PeerSocket | None = None  # while both sides agree on encryption
        self._side: Initiator | Responder
        self._proxy_talk: ProxyHandshake
        how = torrent.encryption
        self._begins_encrypted = how.dials_encrypted if connection.we_dialled else how.is_on
        self._may_dial_again = connection.we_dialled and how.prefers_plain

    # --- for PeerConnection to fill in ---------------------------------------------------------

    @abstractmethod
    def _our_handshake(self) -> bytes:
        """Return the bytes with which our stream begins."""

    @abstractmethod
    def _greet(self) -> bytes:
        """Return the same, and tell the trace that it is sent now."""

    @abstractmethod
    def _opened(self, sock: PeerSocket, received: bytes) -> None:
        """Go on with a stream of which `received` has come, and on which who dialled has greeted."""

    @abstractmethod
    def _too_late(self) -> None:
        """End it: there is no handshake, and the time for it is over."""

    # --- dialling ------------------------------------------------------------------------------

    def on_start(self) -> None:
        """Begin, as the first message to oneself, so that errors take the one path."""
        self._after(0, "_begin")

    def _begin(self) -> None:
        if self._raw_socket is not None:
            self._connected(PeerSocket(self._raw_socket))
            return
        # With a proxy, the peer's own name is not looked up here: whoever is asked would learn it.
        proxy = self._torrent.proxy
        address = self._connection.address if proxy is None else proxy.address
        self._to_dial = endpoints_of(address.host, address.port, self._torrent.bind)
        self._dial()

    def _dial(self) -> None:
        """Begin to connect to the next of those that the host's name stands for."""
        try:
            sock = open_dialling_socket(self._to_dial[0], self._torrent.bind)
        except OSError as error:
            self._dial_failed(error)
            return
        self._raw_socket = sock
        self._watch(sock, "_dialled", readable=False, writable=True)
        no_answer = TimeoutError("no answer to our dial")
        self._deadline = self._after(CONNECT_SECONDS, "_dial_failed", no_answer)

    def _dialled(self, sock: socket.socket, _readable: bool, _writable: bool) -> None:
        self._deadline.cancel()
        error = error_of_dialling(sock)
        if error is not None:
            self._dial_failed(error)
            return
        self._unwatch(sock)
        if self._torrent.proxy is None:
            self._connected(PeerSocket(sock))
        else:
            self._ask_proxy(PeerSocket(sock), self._torrent.proxy)

    def _dial_failed(self, error: OSError) -> None:
        self._to_dial.popleft()
        if not self._to_dial:
            raise error
        self._hang_up()
        self._dial()

    def _hang_up(self) -> None:
        if self._raw_socket is not None:
            self._unwatch(self._raw_socket)
            self._raw_socket.close()
            self._raw_socket = None

    # --- by a proxy ----------------------------------------------------------------------------

    def _ask_proxy(self, line: PeerSocket, proxy: Proxy) -> None:
        """Have the proxy connect us to the peer."""
        from actortorrent.wire.proxy_handshake import proxy_handshake  # noqa: PLC0415 - rare

        address = self._connection.address
        no_answer = TimeoutError("no answer by the proxy")
        self._deadline = self._after(PROXY_SECONDS, "_proxy_failed", no_answer)
        self._line = line
        try:
            self._proxy_talk = proxy_handshake(proxy, address.host, address.port)
        except ProxyError as error:
            self._proxy_failed(error)
            return
        line.send(self._proxy_talk.begin())
        self._watch(line.sock, "_proxy_ready", writable=bool(line.pending_bytes))

    def _proxy_ready(self, sock: socket.socket, readable: bool, _writable: bool) -> None:
        line = self._line
        assert line is not None
        line.flush()
        if readable:
            try:
                line.send(self._proxy_talk.receive(_read_some(line)))
            except ProxyError as error:
                self._proxy_failed(error)
                return
        self._watch(sock, "_proxy_ready", writable=bool(line.pending_bytes))
        if self._proxy_talk.is_done:
            self._deadline.cancel()
            self._unwatch(sock)
            self._line = None
            self._connected(line)

    def _proxy_failed(self, error: Exception) -> None:
        """End it: it is as if nobody had answered."""
        raise ConnectionError(str(error))

    # --- encryption ----------------------------------------------------------------------------

    def _connected(self, line: PeerSocket) -> None:
        self._deadline = self._after(HANDSHAKE_SECONDS, "_too_late")
        if self._begins_encrypted:
            self._line = line
            self._begin_encrypted(line)
        else:
            self._stands(line, Agreement(None, None, b"", was_hidden=False))

    def _begin_encrypted(self, line: PeerSocket) -> None:
        torrent, chance = self._torrent, os.urandom(RANDOM_BYTES)
        methods, takes_plain = torrent.encryption.methods, torrent.encryption.takes_plain
        if self._connection.we_dialled:
            payload = self._our_handshake()
            self._side = dialler = Initiator(torrent.info_hash, methods, payload, chance)
            line.send(dialler.begin())
            if takes_plain:
                self._deadline.cancel()
                no_answer = TimeoutError("no answer to an encrypted handshake")
                self._deadline = self._after(ENCRYPTION_SECONDS, "_not_encrypted", no_answer)
        else:
            hashes = (torrent.info_hash,)
            self._side = Responder(
                hashes,
                methods,
                chance,
                takes_plain=takes_plain,
                prefers_plain=torrent.encryption.prefers_plain,
            )
        self._await_agreement(line)

    def _await_agreement(self, line: PeerSocket) -> None:
        self._watch(line.sock, "_line_ready", writable=bool(line.pending_bytes))

    def _line_ready(self, _sock: socket.socket, readable: bool, _writable: bool) -> None:
        line = self._line
        assert line is not None
        try:
            line.flush()
            if readable:
                self._listen(line)
        except (OSError, PeerProtocolError) as error:
            self._not_encrypted(error)
            return
        agreement = self._side.agreement
        if agreement is None:
            self._await_agreement(line)
        else:
            self._agreed(line, agreement)

    def _listen(self, line: PeerSocket) -> None:
        answer = self._side.receive(_read_some(line))
        if answer and self._connection.we_dialled:
            self._record_opened(line.sock)
            self._greet()  # it is in the answer, encrypted
        line.send(answer)

    def _not_encrypted(self, error: Exception) -> None:
        """Speak plainly to a peer that we dialled, if we may; else this was the end."""
        how = self._torrent.encryption
        has_been_tried = how.prefers_plain
        if has_been_tried or not (self._connection.we_dialled and how.takes_plain):
            raise error
        self._deadline.cancel()
        self._decide("dial_plainly", str(self._connection.address), why=str(error))
        self._begins_encrypted = False
        self._line = None
        self._hang_up()
        self._dial()

    def _dial_encrypted(self, error: OSError) -> bool:
        """Dial a peer once more that hung up on a plain handshake, if we may; say whether so."""
        if not self._may_dial_again or not isinstance(error, ConnectionError):
            return False
        self._may_dial_again = False
        self._deadline.cancel()
        self._decide("dial_encrypted", str(self._connection.address), why=str(error))
        self._begins_encrypted = True
        self._hang_up()
        self._dial()
        return True

    def _agreed(self, line: PeerSocket, agreement: Agreement) -> None:
        self._unwatch(line.sock)
        if self._connection.we_dialled and self._torrent.encryption.takes_plain:
            self._deadline.cancel()
            self._deadline = self._after(HANDSHAKE_SECONDS, "_too_late")
        self._line = None
        self._stands(line, agreement)

    def _stands(self, line: PeerSocket, agreement: Agreement) -> None:
        we_dialled = self._connection.we_dialled
        if not (we_dialled and agreement.was_hidden):
            self._record_opened(line.sock)
        if agreement.was_hidden:
            self._record("bt:encryption_agreed", {"conn": self._conn, "stream": str(agreement)})
        elif we_dialled:
            line.send(self._greet())
        sending, receiving = agreement.sending, agreement.receiving
        if sending is not None and receiving is not None:
            line = EncryptedSocket(line, sending, receiving)
        self._opened(line, agreement.received)

    def _record_opened(self, sock: socket.socket) -> None:
        """Say between which addresses: by these, two traces know each other's connections."""
        if self._inbox.recorder is not None:
            ends = {"local": sock.getsockname(), "remote": sock.getpeername()}
            named = {side: Address(end[0], end[1]) for side, end in ends.items()}
            self._record("bt:connection_opened", {"conn": self._conn, **named})


def _read_some(line: PeerSocket) -> memoryview:
    buffer = memoryview(bytearray(READ_BYTES))
    return buffer[: line.read_into(buffer)]
