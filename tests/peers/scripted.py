"""Peers that the test itself plays, well- or ill-behaved, and that note what they are asked.

They are written on bare sockets, on purpose with nothing of our own `wire`.
"""

from __future__ import annotations

import secrets
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from types import TracebackType
from typing import IO, Self

from tests.content import Content

HANDSHAKE_BYTES = 68
UNCHOKE, INTERESTED, BITFIELD, REQUEST, PIECE = 1, 2, 5, 6, 7
LENGTH = struct.Struct(">I")
BLOCK = struct.Struct(">III")


class Manner(Enum):
    """Say how far a scripted peer goes."""

    SILENT = auto()  # accepts the connection, and never says a word
    CHOKING = auto()  # has everything, lets nobody have it
    STALLING = auto()  # unchokes, and answers no request
    SERVING = auto()  # answers every request


@dataclass(frozen=True, slots=True)
class Asked:
    """Note one request."""

    piece_index: int
    offset: int
    length: int


@dataclass
class Notes:
    """Keep what the peer was asked, over all connections.

    Attributes:
        on_request: called with the count of requests so far, before each is answered.
    """

    requests: list[Asked] = field(default_factory=list)
    connections: int = 0
    on_request: Callable[[int], None] = lambda _count: None


class ScriptedPeer:
    """Listen on a port of 127.0.0.1 and play one manner to whoever comes."""

    def __init__(self, content: Content, manner: Manner, notes: Notes | None = None) -> None:
        self.notes = notes or Notes()
        self._content = content
        self._manner = manner
        self._bytes = b"".join((content.folder / path).read_bytes() for path, _ in content.files)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._peer_id = b"-SC0000-" + secrets.token_bytes(12)  # one of its own, or we hang up
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, name="scripted peer")]

    @property
    def address(self) -> str:
        """Return `host:port`."""
        return "{}:{}".format(*self._listener.getsockname())

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

    def _accept(self) -> None:
        with suppress(OSError):  # the listener ends
            while True:
                sock, _ = self._listener.accept()
                self.notes.connections += 1
                self._sockets.append(sock)
                self._threads.append(threading.Thread(target=self._play, args=(sock,)))
                self._threads[-1].start()

    def _play(self, sock: socket.socket) -> None:
        with sock, suppress(OSError), sock.makefile("rb") as incoming:
            theirs = incoming.read(HANDSHAKE_BYTES)
            if not theirs.startswith(b"\x13BitTorrent protocol"):
                return  # it cannot do encryption, and hangs up; then we are dialled plainly
            if self._manner is Manner.SILENT:
                incoming.read()  # until they lose patience
                return
            sock.sendall(theirs[:20] + bytes(8) + self._content.info_hash + self._peer_id)
            sock.sendall(_message(BITFIELD, self._bitfield()))
            if self._manner is not Manner.CHOKING:
                sock.sendall(_message(UNCHOKE))
            for kind, body in _messages(incoming):
                if kind == REQUEST and self._manner is Manner.SERVING:
                    self._serve(sock, Asked(*BLOCK.unpack(body)))

    def _serve(self, sock: socket.socket, asked: Asked) -> None:
        self.notes.requests.append(asked)
        self.notes.on_request(len(self.notes.requests))
        start = asked.piece_index * self._content.piece_length + asked.offset
        block = self._bytes[start : start + asked.length]
        where = struct.pack(">II", asked.piece_index, asked.offset)
        sock.sendall(_message(PIECE, where + block))

    def _bitfield(self) -> bytes:
        count = self._content.piece_count
        return ((1 << count) - 1 << -count % 8).to_bytes(-(-count // 8), "big")


@contextmanager
def unreachable_address() -> Iterator[str]:
    """Yield an address where connecting neither works nor fails, as behind a firewall.

    It is a listener whose queue is full: Linux drops what comes then.
    """
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        with socket.create_connection(listener.getsockname()):
            yield "{}:{}".format(*listener.getsockname())


def _messages(incoming: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    while True:
        prefix = incoming.read(LENGTH.size)
        if len(prefix) < LENGTH.size:
            return
        body = incoming.read(LENGTH.unpack(prefix)[0])
        if body:
            yield body[0], body[1:]


def _message(kind: int, body: bytes = b"") -> bytes:
    return LENGTH.pack(1 + len(body)) + bytes([kind]) + body


def _end(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
