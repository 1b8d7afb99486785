"""`PeerConnection`: the part of a peer's actor that owns the socket and moves the bytes.

It shakes hands on what `peer_opening.py` opened, reads, writes without ever waiting,
watches the clock, and ends in one place. What the messages mean is none of its
business: they go to the handlers that `peer.py` registers.

Any breach of the protocol and any error of the socket, whichever message brought it
about, ends the connection in `_handle_receive`: a peer is never repaired.
"""

from __future__ import annotations

import socket
import time
from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from actortorrent.actors.base import Proxy, Runtime, message
from actortorrent.actors.peer_extensions import PeerExtensions
from actortorrent.actors.peer_opening import PeerOpening
from actortorrent.actors.peer_socket import PeerSocket
from actortorrent.actors.peer_values import Connection, Parting, TorrentFacts
from actortorrent.actors.wire_trace import WireTrace
from actortorrent.errors import PeerProtocolError, StorageError
from actortorrent.rules.talk_limit import talk_at_first, talk_left
from actortorrent.wire.extension_handshake import EXTENSION_HANDSHAKE_ID
from actortorrent.wire.handshake import Handshake, reserved_bytes
from actortorrent.wire.messages import Extended, KeepAlive, Message, Port
from actortorrent.wire.peer_protocol import Block, Event, PeerProtocol, Placed

if TYPE_CHECKING:
    from actortorrent.actors.swarm import SwarmProxy

SILENCE_SECONDS = 130.0  # keep-alives come every two minutes
KEEP_ALIVE_SECONDS = 100.0
FIRST_BEAT_SECONDS = 0.3  # soon, so that a first rate is known
BUSY_BEAT_SECONDS = 1.0
IDLE_BEAT_SECONDS = 10.0
READS_A_TURN = 4  # then the mailbox gets its turn
# What of an actor may be asked for after its end, by who has just started it.
WHO_IT_WAS = frozenset(("_actor_ref", "_name", "actor_urn", "actor_inbox", "actor_stopped"))


class PeerConnection(PeerOpening):
    """Own a connection to one peer; `PeerActor` gives what comes a meaning."""

    shown_state = tuple(
        f"_protocol.{flag}"
        for flag in ("am_choking", "am_interested", "peer_choking", "peer_interested")
    )
    is_fast: ClassVar[bool] = False  # whether our handshake offers BEP 6

    def __init__(
        self,
        runtime: Runtime,
        connection: Connection,
        torrent: TorrentFacts,
        swarm: SwarmProxy,
    ) -> None:
        super().__init__(runtime, connection, torrent)
        self._swarm = swarm
        self._protocol = PeerProtocol(
            torrent.info_hash,
            torrent.peer_id,
            torrent.geometry.piece_count,
            piece_length=torrent.geometry.piece_length,
            total_length=torrent.geometry.total_length,
            we_dialled=connection.we_dialled,
            reserved=reserved_bytes(
                extensions=True, fast=self.is_fast, dht=torrent.dht is not None
            ),
        )
        self._protocol.talk_left = talk_at_first(torrent.geometry.piece_count)
        self._extensions = PeerExtensions(connection, torrent)
        self._trace = WireTrace(self._inbox, self._conn, self._protocol)
        self._handlers: dict[type, Callable[[Any], None]] = {
            Handshake: self._handshake_came,
            Extended: self._extended_came,
            Port: self._port_came,
        }
        self._socket: PeerSocket | None = None
        self._has_greeted = False
        self._has_answered = False
        self._is_welcome = False  # the swarm has nothing against the peer
        self._held: list[Event] = []  # what it said before that was known
        self._watched = (False, False)
        self._last_received = self._last_sent = time.monotonic()
        self._parting = (Parting.LEFT, "we stopped")

    # --- for PeerActor to fill in --------------------------------------------------------------

    @abstractmethod
    def welcome(self) -> None:
        """Go on: the swarm has nothing against this peer."""

    @abstractmethod
    def _blocks_came(self, blocks: list[Block | Placed], now: float) -> None:
        """Take blocks; their data holds until the next read."""

    def _serve(self) -> None:
        """Send what was asked for, as far as the socket takes it."""
        while self._extensions.can_serve(self._open_socket().pending_bytes):
            answer = self._extensions.next_answer()
            if answer is not None:
                self._send(self._protocol.send(answer))

    def _has_more_to_send(self) -> bool:
        """Say whether `_serve` would send something once the socket takes more."""
        return self._extensions.can_serve(0)

    def _introduced(self) -> None:
        """Do what follows of what the peer said of itself (BEP 10)."""

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

    def _our_handshake(self) -> bytes:
        return self._protocol.our_handshake.encode()

    def _greet(self) -> bytes:
        if self._has_greeted:  # on a dial before this one, too
            return self._our_handshake()
        self._has_greeted = True
        return self._protocol.handshake()

    def _opened(self, sock: PeerSocket, received: bytes) -> None:
        self._socket = sock
        self._last_received = self._last_sent = time.monotonic()
        self._rewatch()
        self._take_in(received)

    def _take_in(self, received: bytes) -> None:
        """Take what came of the stream while it was agreed how to encrypt it."""
        while received:
            buffer = self._protocol.receive_buffer()
            count = min(len(buffer), len(received))
            buffer[:count] = received[:count]
            received = received[count:]
            self._did_read(count)
            self._received(count)
        self._rewatch()

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
        now, protocol = time.monotonic(), self._protocol
        protocol.talk_left = talk_left(protocol.talk_left, now - self._last_received)
        self._last_received = now
        events = protocol.received(byte_count)
        blocks = [event for event in events if isinstance(event, (Placed, Block))]
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
        self._swarm.peer_handshaken.defer(self._conn, handshake.peer_id)
        self._after(FIRST_BEAT_SECONDS, "_beat")

    def _greet_extensions(self, *, is_upload_only: bool = False) -> None:
        """Say what we are, if the peer speaks the extensions."""
        if self._protocol.speaks_extensions:
            self._say(self._extensions.greeting(is_upload_only=is_upload_only))

    def _tell_dht_port(self) -> None:
        """Say where our node of the DHT is, if the peer has one, too (BEP 5)."""
        dht = self._torrent.dht
        if dht is not None and self._protocol.speaks_dht and dht.port():
            self._say(Port(dht.port()))

    def _port_came(self, message: Port) -> None:
        dht = self._torrent.dht
        if dht is not None and message.udp_port:
            dht.add_node(self._connection.address.host, message.udp_port)

    def _extended_came(self, message: Extended) -> None:
        self._extensions.came(message)
        if message.extended_id == EXTENSION_HANDSHAKE_ID:
            self._introduced()

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
            if not self._dials_otherwise(error):
                parting = Parting.LEFT if self._has_answered else Parting.NEVER_ANSWERED
                self._go(parting, error.strerror or str(error))
        return None

    def _dials_otherwise(self, error: OSError) -> bool:
        """Try encryption with a peer that hung up on our handshake, where that is wanted."""
        if self._has_answered or self._socket is None or not self._dial_encrypted(error):
            return False
        self._socket = None
        self._watched = (False, False)
        return True

    def leave(self, parting: Parting, reason: str) -> None:
        """End the connection."""
        self._go(parting, reason)

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
        self._swarm.peer_left.defer(self._conn, parting, reason)

    def _actor_loop_teardown(self) -> None:
        """Let go of all that is large: it stands in circles, and so would wait for the collector.

        Strangers may connect a thousand times meanwhile.
        """
        super()._actor_loop_teardown()
        self._extensions.handlers.clear()
        for name in vars(self).keys() - WHO_IT_WAS:
            delattr(self, name)


class ConnectionProxy(Proxy):
    """The messages that the actor of a connection takes of the swarm, whatever its purpose."""

    welcome = message(PeerConnection.welcome)
    leave = message(PeerConnection.leave)
