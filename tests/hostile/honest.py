"""An honest peer, whom all of a torrent comes from in the end, its metadata too."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Self

import bencodepy

from tests.content import Content
from tests.hostile.line import (
    BITFIELD,
    EXTENDED,
    EXTENSIONS,
    PATIENCE_SECONDS,
    PLAIN,
    REQUEST,
    UNCHOKE,
    GoneError,
    Line,
    bitfield_of,
    block_message,
)

OUR_METADATA_ID = 7  # under which others send us messages about metadata
THEIR_METADATA_ID = 1  # as the client numbers it
PART_BYTES = 16 * 1024


def offer_metadata(line: Line, size: int) -> None:
    """Say that we have metadata of so many bytes."""
    offer = {"m": {"ut_metadata": OUR_METADATA_ID}, "metadata_size": size}
    line.say(EXTENDED, b"\0" + bencodepy.encode(offer))


def part_asked_for(kind: int, body: bytes) -> int | None:
    """Return which part of the metadata a message asks for; None: it is another message."""
    if kind != EXTENDED or body[:1] != bytes((OUR_METADATA_ID,)):
        return None
    part: int = bencodepy.decode(body[1:])[b"piece"]
    return part


def send_part(line: Line, part: int, size: int, data: bytes) -> None:
    """Send a part of the metadata."""
    said = bencodepy.encode({"msg_type": 1, "piece": part, "total_size": size})
    line.say(EXTENDED, bytes((THEIR_METADATA_ID,)) + said + data)


class HonestPeer:
    """Have everything, and give it to whoever comes, once it may.

    Args:
        raw_info: the metadata, if it is to be had of it, too.
        spoils: whether it is not so honest, and sends wrong bytes.
    """

    def __init__(self, content: Content, raw_info: bytes = b"", *, spoils: bool = False) -> None:
        self.may_serve = threading.Event()
        self._content = content
        self._raw_info = raw_info
        self._spoils = spoils
        self._bytes = b"".join((content.folder / path).read_bytes() for path, _ in content.files)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = "{}:{}".format(*self._listener.getsockname())
        self._lines: list[Line] = []
        self._threads = [threading.Thread(target=self._accept, name="honest peer")]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self.may_serve.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        for line in self._lines:
            with suppress(OSError):
                line.sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads[1:]:
            thread.join()
        for sock in (self._listener, *(line.sock for line in self._lines)):
            sock.close()

    def _accept(self) -> None:
        with suppress(OSError):  # the listener ends
            while True:
                line = Line(self._listener.accept()[0], self._content.info_hash)
                self._lines.append(line)
                self._threads.append(threading.Thread(target=self._serve, args=(line,)))
                self._threads[-1].start()

    def _serve(self, line: Line) -> None:
        with suppress(GoneError, OSError):
            line.shake_hands(EXTENSIONS if self._raw_info else PLAIN)
            self.may_serve.wait(PATIENCE_SECONDS)
            if self._raw_info:
                offer_metadata(line, len(self._raw_info))
            count = self._content.piece_count
            line.say(BITFIELD, bitfield_of(range(count), count))
            line.say(UNCHOKE)
            for kind, body in line.messages():
                if kind == REQUEST:
                    self._send_block(line, body)
                elif (part := part_asked_for(kind, body)) is not None:
                    whole = self._raw_info
                    data = whole[part * PART_BYTES :][:PART_BYTES]
                    send_part(line, part, len(whole), data)

    def _send_block(self, line: Line, body: bytes) -> None:
        piece, offset, length = (int.from_bytes(body[at : at + 4]) for at in (0, 4, 8))
        begin = piece * self._content.piece_length + offset
        data = self._bytes[begin : begin + length]
        line.send(block_message(piece, offset, data[::-1] if self._spoils else data))
