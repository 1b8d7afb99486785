"""`PeerConnection`: the part of a peer's actor that owns the socket and moves the bytes.

It dials or takes an accepted socket, shakes hands, reads, writes without ever waiting,
watches the clock, and ends in one place. What the messages mean is none of its
business: they go to the handlers that `peer.py` registers.

Any breach of the protocol and any error of the socket, whichever message brought it
about, ends the connection in `_handle_receive`: a peer is never repaired.
"""

from __future__ import annotations

import socket
import time
from abc import abstractmethod
from collections import deque
from collections.abc import Callable
from typing import Any

from actortorrent.actors.base import Runtime, SocketActor
from actortorrent.actors.peer_socket import (
    Endpoint,
    PeerSocket,
    endpoints_of,
    error_of_dialling,
    open_dialling_socket,
)
from actortorrent.actors.peer_values import Connection, Neighbours, Parting, TorrentFacts
from actortorrent.actors.wire_trace import WireTrace
from actortorrent.errors import PeerProtocolError, StorageError
from actortorrent.wire.addresses import Address
from actortorrent.wire.handshake import Handshake
from actortorrent.wire.messages import KeepAlive, Message
from actortorrent.wire.peer_protocol import Block, Event, PeerProtocol

CONNECT_SECONDS = 8.0
HANDSHAKE_SECONDS = 10.0  # in all, from the connection on: one byte a second is no excuse
SILENCE_SECONDS = 130.0  # keep-alives come every two minutes
KEEP_ALIVE_SECONDS = 100.0
FIRST_BEAT_SECONDS = 0.3  # soon, so that a first rate is known
BUSY_BEAT_SECONDS = 1.0
IDLE_BEAT_SECONDS = 10.0
READS_A_TURN = 4  # then the mailbox gets its turn


class PeerConnection(SocketActor):
    """Own a connection to one peer; `PeerActor` gives what comes a meaning."""

    shown_state = tuple(
        f"_protocol.{flag}"
        for flag in ("am_choking", "am_interested", "peer_choking", "peer_interested")
    )

    def __init__(
        self,
        runtime: Runtime,
        connection: Connection,
        torrent: TorrentFacts,
        neighbours: Neighbours,
    ) -> None:
        super().__init__(runtime, f"Peer-{connection.conn}")
        self._connection = connection
        self._conn = connection.conn
        self._torrent = torrent
        self._tell = neighbours
        self._protocol = PeerProtocol(
            torrent.info_hash,
            torrent.peer_id,
            torrent.geometry.piece_count,
            piece_length=torrent.geometry.piece_length,
            total_length=torrent.geometry.total_length,
            we_dialled=connection.we_dialled,
        )
        self._trace = WireTrace(self._inbox, self._conn, self._protocol)
        self._handlers: dict[type, Callable[[Any], None]] = {Handshake: self._handshake_came}
        self._raw_socket = connection.sock
        self._to_dial: deque[Endpoint] = deque()
        self._socket: PeerSocket | None = None
        self._has_answered = False
        self._is_welcome = False  # the swarm has nothing against the peer
        self._held: list[Event] = []  # what it said before that was known
        self._watched = (False, False)
        self._last_received = self._last_sent = time.monotonic()
        self._parting = (Parting.FAILED, "it failed")

    # --- for PeerActor to fill in --------------------------------------------------------------

    @abstractmethod
    def _joined(self, handshake: Handshake) -> None:
        """Begin to trade: hands are shaken."""

    @abstractmethod
    def _blocks_came(self, blocks: list[Block], now: float) -> None:
        """Take blocks; their data holds until the next read."""

    @abstractmethod
    def _serve(self) -> None:
        """Send what was asked for, as far as the socket takes it."""

    @abstractmethod
    def _has_more_to_send(self) -> bool:
        """Say whether `_serve` would send something once the socket takes more."""

    @abstractmethod
    def _most_bytes_to_read(self) -> int | None:
        """Return how many bytes may be read now; None for any number."""

    @abstractmethod
    def _did_read(self, byte_count: int) -> None:
        """Count bytes that were read."""

    @abstractmethod
    def _look_after(self, now: float) -> None:
        """Do, about once a second, what only time brings about."""

    # --- beginning -----------------------------------------------------------------------------

    def on_start(self) -> None:
        """Begin, as the first message to oneself, so that errors take the one path."""
        self._after(0, "_begin")

    def _begin(self) -> None:
        if self._raw_socket is not None:
            self._connected(self._raw_socket)
            return
        address = self._connection.address
        self._to_dial = endpoints_of(address.host, address.port, self._torrent.bind)
        self._dial()

    def _dial(self) -> None:
        """Begin to connect to the next of those that the host's name stands for."""
        try:
            sock = open_dialling_socket(self._to_dial.popleft(), self._torrent.bind)
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
        if error is None:
            self._unwatch(sock)
            self._connected(sock)
        else:
            self._dial_failed(error)

    def _dial_failed(self, error: OSError) -> None:
        if not self._to_dial:
            raise error
        if self._raw_socket is not None:
            self._unwatch(self._raw_socket)
            self._raw_socket.close()
            self._raw_socket = None
        self._dial()

    def _connected(self, sock: socket.socket) -> None:
        self._socket = PeerSocket(sock)
        self._record_opened(sock)
        self._deadline = self._after(HANDSHAKE_SECONDS, "_too_late")
        if self._connection.we_dialled:
            self._send(self._protocol.handshake())
        self._rewatch()

    def _record_opened(self, sock: socket.socket) -> None:
        """Say between which addresses: by these, two traces know each other's connections."""
        if self._inbox.recorder is not None:
            ends = {"local": sock.getsockname(), "remote": sock.getpeername()}
            named = {side: Address(end[0], end[1]) for side, end in ends.items()}
            self._record("bt:connection_opened", {"conn": self._conn, **named})

    def _too_late(self) -> None:
        self._go(Parting.NEVER_ANSWERED, "no handshake came")

    # --- the socket -------------------------------------------------------------------------

    def _socket_ready(self, _sock: socket.socket, readable: bool, writable: bool) -> None:
        if writable:
            self._open_socket().flush()
            self._serve()
        if readable:
            self._read()
        self._rewatch()

    def _read(self) -> None:
        sock = self._open_socket()
        for _ in range(READS_A_TURN):
            if self._awaits_welcome:
                return
            buffer = self._protocol.receive_buffer()
            most_bytes = self._most_bytes_to_read()
            if most_bytes is not None:
                buffer = buffer[:most_bytes]
            count = sock.read_into(buffer) if buffer else 0
            if not count:
                return
            self._did_read(count)
            self._received(count)
            if count < len(buffer):
                return

    def _received(self, byte_count: int) -> None:
        now = self._last_received = time.monotonic()
        events = self._protocol.received(byte_count)
        blocks = [event for event in events if type(event) is Block]
        if blocks:
            self._trace.blocks_came(blocks)
            self._blocks_came(blocks, now)
        if len(blocks) != len(events):
            self._take(events)

    def _take(self, events: list[Event]) -> None:
        for event in events:
            handler = self._handlers.get(type(event))
            if self._awaits_welcome:
                self._held.append(event)
            elif handler is not None:
                self._trace.becomes_cause(event)
                handler(event)
        self._serve()  # all that was asked for at once: a few large reads and writes

    @property
    def _awaits_welcome(self) -> bool:
        return self._has_answered and not self._is_welcome

    def _welcome(self) -> None:
        """Take what was held back, and read on."""
        self._is_welcome = True
        held, self._held = self._held, []
        self._take(held)
        self._rewatch()

    def _send(self, *parts: bytes | memoryview) -> None:
        self._last_sent = time.monotonic()
        self._open_socket().send(*parts)

    def _say(self, *messages: Message) -> None:
        self._send(b"".join([self._protocol.send(one) for one in messages]))
        self._rewatch()

    def _open_socket(self) -> PeerSocket:
        if self._socket is None:
            raise ConnectionError("not connected")
        return self._socket

    def _rewatch(self) -> None:
        """Wait for what matters now: reading unless a limit forbids, writing if anything waits."""
        sock = self._socket
        if sock is None or self.actor_stopped.is_set():
            return
        may_read = not self._awaits_welcome and self._most_bytes_to_read() != 0
        wanted = (may_read, bool(sock.pending_bytes) or self._has_more_to_send())
        if wanted != self._watched:
            self._watched = wanted
            self._watch(sock.sock, "_socket_ready", readable=wanted[0], writable=wanted[1])

    def _handshake_came(self, handshake: Handshake) -> None:
        self._deadline.cancel()
        self._has_answered = True
        if not self._connection.we_dialled:
            self._send(self._protocol.handshake())
        if handshake.peer_id == self._torrent.peer_id:  # now both ends know it
            self._go(Parting.OURSELVES, "the other end is ourselves")
            return
        self._joined(handshake)
        self._after(FIRST_BEAT_SECONDS, "_beat")

    def _beat(self) -> None:
        now = time.monotonic()
        if now - self._last_received > SILENCE_SECONDS:
            raise ConnectionError(f"silent for {SILENCE_SECONDS:.0f} s")
        if now - self._last_sent > KEEP_ALIVE_SECONDS:
            self._say(KeepAlive())
        self._look_after(now)
        is_busy = now - max(self._last_received, self._last_sent) < IDLE_BEAT_SECONDS
        self._after(BUSY_BEAT_SECONDS if is_busy else IDLE_BEAT_SECONDS, "_beat")

    # --- the end -------------------------------------------------------------------------------

    def _handle_receive(self, message: Any) -> Any:
        try:
            return super()._handle_receive(message)
        except PeerProtocolError as error:
            self._go(Parting.MISBEHAVED, str(error))
        except StorageError as error:
            self._go(Parting.LEFT, f"what it asked for cannot be read: {error}")
        except OSError as error:
            parting = Parting.LEFT if self._has_answered else Parting.NEVER_ANSWERED
            self._go(parting, error.strerror or str(error))
        return None

    def _go(self, parting: Parting, reason: str) -> None:
        if not self.actor_stopped.is_set():
            self._parting = (parting, reason)
            self._stop()

    def on_end(self, error: BaseException | None) -> None:
        """Close the connection, and tell the swarm how it ended."""
        parting, reason = self._parting
        if error is not None:
            parting, reason = Parting.FAILED, f"{type(error).__name__}: {error}"
        self._trace.tell_blocks()  # those since the last beat
        self._record("bt:connection_closed", {"conn": self._conn, "why": reason})
        if self._socket is not None:
            self._socket.close()
        elif self._raw_socket is not None:
            self._raw_socket.close()
        self._tell.swarm.peer_left.defer(self._conn, parting, reason)
