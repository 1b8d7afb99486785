"""Peers that a test plays: each connection is a conversation written down as a function.

::

    def choke_soon(talk: Talk) -> None:
        talk.greet()
        talk.answer(talk.hear(Request))
        talk.say(Choke())
        talk.listen()

    with ScriptedPeer(content, choke_soon) as peer: ...

A talk ends when its function returns, when the other side goes, or with the `with` block.
Nothing here sleeps: a talk waits for what the other side says.
"""

from __future__ import annotations

import socket
import threading
from collections import deque
from collections.abc import Callable, Collection
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, TypeVar

from actortorrent.rules.bitfield import all_pieces, to_wire
from actortorrent.wire.addresses import Address
from actortorrent.wire.handshake import NO_EXTENSIONS, Handshake
from actortorrent.wire.messages import (
    Bitfield,
    Choke,
    Interested,
    KeepAlive,
    Message,
    Piece,
    PieceHeader,
    Request,
    Unchoke,
)
from actortorrent.wire.peer_protocol import Block, PeerProtocol
from tests.content import Content

PATIENCE_SECONDS = 60.0  # for what the other side is to say
READ_BYTES = 256 * 1024

EventT = TypeVar("EventT")
Play = Callable[["Talk"], None]
Spoils = Callable[[Request], bool]


class GoneError(Exception):
    """Say that the other side has closed the connection."""


class Talk:
    """One connection of a scripted peer."""

    def __init__(self, peer: ScriptedPeer, sock: socket.socket, *, we_dialled: bool) -> None:
        content = peer.content
        self.peer = peer
        self.sock = sock
        self.we_dialled = we_dialled
        self.pieces: dict[int, bytes] = {}  # what came of each piece, in the order it came
        self._protocol = PeerProtocol(
            content.info_hash,
            peer.peer_id,
            content.piece_count,
            piece_length=content.piece_length,
            total_length=content.total_length,
            we_dialled=we_dialled,
            on_message=self._note,
            trace_blocks=True,
            reserved=peer.reserved,
        )
        self._heard: deque[Any] = deque()
        sock.settimeout(PATIENCE_SECONDS)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _note(self, direction: str, _offset: int, _length: int, message: Any) -> None:
        if direction == "received":
            self.peer.note(message)
            if isinstance(message, KeepAlive):  # of which the protocol makes no event
                self._heard.append(message)

    # --- speaking -----------------------------------------------------------------------------

    def send(self, data: bytes) -> None:
        """Send any bytes at all."""
        try:
            self.sock.sendall(data)
        except TimeoutError:
            raise
        except OSError:
            raise GoneError from None

    def say(self, *messages: Message) -> None:
        """Send messages that are legal now; a choke ends what was asked for before."""
        if Choke() in messages:
            self._heard = deque(one for one in self._heard if not isinstance(one, Request))
        self.send(b"".join(self._protocol.send(message) for message in messages))

    def shake_hands(self) -> Handshake:
        """Say and hear a handshake."""
        if self.we_dialled:
            self.send(self._protocol.handshake())
        theirs = self.hear(Handshake)
        if not self.we_dialled:
            self.send(self._protocol.handshake())
        return theirs

    def greet(self, pieces: int | None = None, *, unchoke: bool = True) -> Handshake:
        """Shake hands, say what this peer has (all, unless told), and serve the other side."""
        theirs = self.shake_hands()
        has = self.peer.everything if pieces is None else pieces
        self.say(Bitfield(to_wire(has, self.peer.content.piece_count)))
        if unchoke:
            self.say(Unchoke())
        return theirs

    def answer(self, request: Request) -> None:
        """Send the block asked for, spoilt if this peer spoils it."""
        self.say(self.peer.block(request))

    # --- listening ----------------------------------------------------------------------------

    def hear(self, kind: type[EventT]) -> EventT:
        """Return the next that comes of a kind; what comes before it is passed over.

        Raises:
            GoneError: if the other side goes instead.
        """
        while True:
            while not self._heard:
                self._read()
            event = self._heard.popleft()
            if isinstance(event, kind):
                return event

    def hear_all(self, kind: type[EventT], count: int) -> list[EventT]:
        """Return the next so many of a kind."""
        return [self.hear(kind) for _ in range(count)]

    def hears_nothing(self, kind: type[Any], seconds: float) -> bool:
        """Listen for so long, and say whether nothing of a kind came."""
        self.sock.settimeout(seconds)
        try:
            self.hear(kind)
        except AssertionError:
            return True
        finally:
            self.sock.settimeout(PATIENCE_SECONDS)
        return False

    def listen(self) -> None:
        """Listen, and answer nothing, until the other side goes."""
        with suppress(GoneError):
            while True:
                self.hear(object)

    def serve(self, most: int | None = None) -> None:
        """Answer requests: so many, or until the other side goes."""
        served = 0
        while most is None or served < most:
            self.answer(self.hear(Request))
            served += 1

    def finish(self) -> None:
        """Say no more, and listen until the other side, which has read all, goes.

        Who just hangs up while more is asked for may have what it sent last thrown away.
        """
        self.sock.shutdown(socket.SHUT_WR)
        self.listen()

    def _read(self) -> None:
        try:
            data = self.sock.recv(READ_BYTES)
        except TimeoutError:
            raise AssertionError(f"nothing was said for {self.sock.gettimeout()} s") from None
        except OSError:
            raise GoneError from None
        if not data:
            raise GoneError
        self._heard += self._protocol.receive(data)


class ScriptedPeer:
    """Listen on a port of this machine, and play a talk with whoever comes.

    Args:
        content: what it has all of.
        play: what it does on each connection.
        spoils: says which blocks it sends with wrong bytes.
        host: address of ours to listen on.
        reserved: which extensions its handshakes say it speaks.
    """

    def __init__(
        self,
        content: Content,
        play: Play | None = None,
        *,
        spoils: Spoils | Collection[int] = (),
        host: str = "127.0.0.1",
        peer_id: bytes = b"",
        reserved: bytes = NO_EXTENSIONS,
    ) -> None:
        self.content = content
        self.reserved = reserved
        self.everything = all_pieces(content.piece_count)
        self._play = play or seed
        self._spoils = spoils
        self._bytes = b"".join((content.folder / path).read_bytes() for path, _ in content.files)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family)
        self.address = Address(host, self._listener.getsockname()[1])
        self.peer_id = peer_id or f"-SC0000-{self.address.port:012}".encode()
        self.heard: list[Any] = []
        self.served_bytes = 0
        self.connections = 0
        self.ended = 0
        self._changed = threading.Condition()
        self._errors: list[BaseException] = []
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, name="scripted peer")]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # The first thread adds to both lists, so it goes first.
        _end(self._listener)
        self._threads[0].join()
        for sock in self._sockets:
            _end(sock)
        for thread in self._threads[1:]:
            thread.join()
        for sock in (self._listener, *self._sockets):
            sock.close()
        if self._errors and error is None:
            raise self._errors[0]

    def dial(self, port: int, play: Play | None = None, host: str = "127.0.0.1") -> None:
        """Connect to somebody, and play a talk with them too."""
        self._begin(socket.create_connection((host, port)), play or self._play, we_dialled=True)

    def _accept(self) -> None:
        with suppress(OSError):  # the listener ends
            while True:
                self._begin(self._listener.accept()[0], self._play, we_dialled=False)

    def _begin(self, sock: socket.socket, play: Play, *, we_dialled: bool) -> None:
        talk = Talk(self, sock, we_dialled=we_dialled)
        thread = threading.Thread(target=self._run, args=(talk, play), name="scripted talk")
        self._sockets.append(sock)
        self._threads.append(thread)
        with self._changed:
            self.connections += 1
            self._changed.notify_all()
        thread.start()

    def _run(self, talk: Talk, play: Play) -> None:
        try:
            play(talk)
        except GoneError:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again in the test's thread
            self._errors.append(error)
        _end(talk.sock)
        with self._changed:
            self.ended += 1
            self._changed.notify_all()

    # --- the blocks ---------------------------------------------------------------------------

    def block(self, request: Request) -> Piece:
        """Return the block that a request asks for."""
        begin = request.piece_index * self.content.piece_length + request.block_offset
        data = self._bytes[begin : begin + request.length]
        with self._changed:
            self.served_bytes += len(data)
        if self._is_spoilt(request):
            data = bytes([data[0] ^ 0xFF]) + data[1:]
        return Piece(request.piece_index, request.block_offset, data)

    def _is_spoilt(self, request: Request) -> bool:
        if callable(self._spoils):
            return self._spoils(request)
        return request.piece_index in self._spoils

    def piece(self, index: int) -> bytes:
        """Return the right bytes of a piece."""
        begin = index * self.content.piece_length
        return self._bytes[begin : begin + self.content.piece_length]

    # --- what it heard --------------------------------------------------------------------------

    def note(self, message: Any) -> None:
        """Keep a message that came, on whichever connection."""
        with self._changed:
            self.heard.append(message)
            self._changed.notify_all()

    def all_heard(self, kind: type[EventT]) -> list[EventT]:
        """Return all that came of a kind."""
        with self._changed:
            return [message for message in self.heard if isinstance(message, kind)]

    def wait_until(self, is_so: Callable[[], object], what: str) -> None:
        """Sleep until something is so of what was heard or of the connections."""
        with self._changed:
            assert self._changed.wait_for(is_so, PATIENCE_SECONDS), f"waited in vain for {what}"

    def wait_to_hear(self, kind: type, count: int = 1) -> None:
        """Sleep until so many messages of a kind have come."""
        self.wait_until(lambda: len(self.all_heard(kind)) >= count, f"{count} {kind.__name__}")

    def wait_for_end(self, count: int = 1) -> None:
        """Sleep until so many talks have ended."""
        self.wait_until(lambda: self.ended >= count, f"the end of {count} talks")


def seed(talk: Talk) -> None:
    """Have everything and serve it all."""
    talk.greet()
    talk.serve()


def never_unchoke(talk: Talk) -> None:
    """Have everything and let nobody have it."""
    talk.greet(unchoke=False)
    talk.listen()


def never_answer(talk: Talk) -> None:
    """Unchoke, and answer no request."""
    talk.greet()
    talk.listen()


def never_speak(talk: Talk) -> None:
    """Take the connection, and never say a word."""
    talk.listen()


def leech(talk: Talk) -> None:
    """Have nothing; ask for every block of each piece that the other side has."""
    talk.shake_hands()
    talk.say(Interested())
    fetch_all(talk)


def fetch_all(talk: Talk) -> None:
    """Ask, once unchoked, for all that the bitfield named; end when it has come."""
    bits = talk.hear(Bitfield).bits
    talk.hear(Unchoke)
    indexes = [i for i in range(talk.peer.content.piece_count) if bits[i // 8] << i % 8 & 0x80]
    requests = [request for index in indexes for request in requests_of(talk.peer.content, index)]
    talk.say(*requests)
    for _ in requests:
        take_block(talk)


def take_block(talk: Talk) -> None:
    """Take the next block that comes."""
    block = talk.hear(Block)
    talk.pieces[block.piece_index] = talk.pieces.get(block.piece_index, b"") + bytes(block.data)


def requests_of(content: Content, index: int) -> list[Request]:
    """Return requests for all blocks of a piece."""
    size = min(content.piece_length, content.total_length - index * content.piece_length)
    block = 16 * 1024
    return [Request(index, start, min(block, size - start)) for start in range(0, size, block)]


def _end(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


__all__ = [
    "Block",
    "GoneError",
    "KeepAlive",
    "PieceHeader",
    "Play",
    "ScriptedPeer",
    "Talk",
    "fetch_all",
    "leech",
    "never_answer",
    "never_speak",
    "never_unchoke",
    "requests_of",
    "seed",
    "take_block",
]
