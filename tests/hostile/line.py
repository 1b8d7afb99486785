"""One connection of a hostile or honest peer, on a bare socket: nothing here is legal or not.

Nothing of our own `wire` is used, so that an error of ours is not made on both sides.
"""

from __future__ import annotations

import secrets
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Self

PROTOCOL = b"\x13BitTorrent protocol"
HANDSHAKE_BYTES = 68
BLOCK_BYTES = 16 * 1024
PATIENCE_SECONDS = 15.0  # for what takes some milliseconds where nothing is wrong

CHOKE, UNCHOKE, INTERESTED, NOT_INTERESTED, HAVE, BITFIELD, REQUEST, PIECE, CANCEL, PORT = range(10)
SUGGEST, HAVE_ALL, HAVE_NONE, REJECT, ALLOWED_FAST = range(13, 18)
EXTENDED = 20
KEEP_ALIVE = -1

PLAIN = bytes(8)
FAST = bytes(7) + b"\x04"
EXTENSIONS = bytes(5) + b"\x10" + bytes(2)


class GoneError(Exception):
    """Say that the other side has closed the connection."""


def message(kind: int, body: bytes = b"", *, length: int | None = None) -> bytes:
    """Return a message; `length` is a lie about how long it is."""
    return struct.pack(">IB", 1 + len(body) if length is None else length, kind) + body


def numbers(*values: int) -> bytes:
    """Return numbers of four bytes each."""
    return struct.pack(f">{len(values)}I", *values)


def block_message(piece: int, offset: int, data: bytes) -> bytes:
    """Return a block as it is sent."""
    return message(PIECE, numbers(piece, offset) + data)


def bitfield_of(pieces: Iterator[int] | tuple[int, ...] | range, piece_count: int) -> bytes:
    """Return the body of a bitfield."""
    bits = bytearray((piece_count + 7) // 8)
    for piece in pieces:
        bits[piece // 8] |= 0x80 >> piece % 8
    return bytes(bits)


class Line:
    """A connection that we dialled, or that was accepted."""

    def __init__(self, sock: socket.socket, info_hash: bytes, peer_id: bytes = b"") -> None:
        sock.settimeout(PATIENCE_SECONDS)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        self.info_hash = info_hash
        self.peer_id = peer_id or b"-HO0000-" + secrets.token_bytes(12)
        self.name = "{}:{}".format(*sock.getsockname())
        self._rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.sock.close()

    # --- speaking -----------------------------------------------------------------------------

    def send(self, data: bytes) -> None:
        """Send any bytes at all."""
        try:
            self.sock.sendall(data)
        except TimeoutError:
            raise
        except OSError:
            raise GoneError from None

    def say(self, kind: int, body: bytes = b"") -> None:
        """Send a message."""
        self.send(message(kind, body))

    def handshake(self, reserved: bytes = PLAIN) -> bytes:
        """Return a handshake as it should be."""
        return PROTOCOL + reserved + self.info_hash + self.peer_id

    def shake_hands(self, reserved: bytes = PLAIN) -> bytes:
        """Say and hear a handshake; return theirs."""
        self.send(self.handshake(reserved))
        return self._exactly(HANDSHAKE_BYTES)

    # --- listening ----------------------------------------------------------------------------

    def messages(self) -> Iterator[tuple[int, bytes]]:
        """Yield what they say, kind and body, until they go."""
        with suppress(GoneError):
            while True:
                length = int.from_bytes(self._exactly(4))
                body = self._exactly(length)
                yield (body[0], body[1:]) if body else (KEEP_ALIVE, b"")

    def ready_messages(self) -> list[tuple[int, bytes]]:
        """Read once, and return what is whole of it."""
        try:
            data = self.sock.recv(256 * 1024)
        except OSError:
            data = b""
        if not data:
            raise GoneError
        self._rest += data
        found = []
        while len(self._rest) >= 4:
            end = 4 + int.from_bytes(self._rest[:4])
            if end > len(self._rest):
                break
            body, self._rest = self._rest[4:end], self._rest[end:]
            found.append((body[0], body[1:]) if body else (KEEP_ALIVE, b""))
        return found

    def hear(self, *kinds: int) -> tuple[int, bytes]:
        """Return the next message of one of these kinds; others are passed over.

        Raises:
            GoneError: if they go instead.
        """
        for kind, body in self.messages():
            if kind in kinds:
                return kind, body
        raise GoneError

    def until_dropped(self) -> None:
        """Read whatever comes until they hang up; that they do not is an AssertionError."""
        try:
            while self.sock.recv(64 * 1024):
                pass
        except TimeoutError:
            raise AssertionError(f"not dropped in {PATIENCE_SECONDS:g} s") from None
        except OSError:
            pass

    def until_dropped_while(self, send: Callable[[], object]) -> None:
        """Send again and again until they hang up; that they do not is an AssertionError."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        with suppress(GoneError):
            while time.monotonic() < deadline:
                send()
                if not self.is_open():
                    return
            raise AssertionError(f"not dropped in {PATIENCE_SECONDS:g} s")

    def is_open(self) -> bool:
        """Say whether they have not hung up so far."""
        self.sock.settimeout(0)
        try:
            return bool(self.sock.recv(1, socket.MSG_PEEK))
        except BlockingIOError:
            return True
        except OSError:
            return False
        finally:
            self.sock.settimeout(PATIENCE_SECONDS)

    def reset(self) -> None:
        """Hang up with an RST, which makes them lose what they have not read."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def _exactly(self, count: int) -> bytes:
        while len(self._rest) < count:
            try:
                data = self.sock.recv(256 * 1024)
            except TimeoutError:
                raise AssertionError(f"nothing was said for {PATIENCE_SECONDS:g} s") from None
            except OSError:
                raise GoneError from None
            if not data:
                raise GoneError
            self._rest += data
        data, self._rest = self._rest[:count], self._rest[count:]
        return data
