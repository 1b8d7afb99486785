"""A direction's bytes into the messages of the peer protocol: BEP 3.

Where bytes are missing, the lengths of messages are lost, too. A hole inside of one message
does no harm to those behind it; behind any other hole messages are looked for where
segments begin, and taken for such when two in a row make sense.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, NamedTuple, TypeAlias

from msgspec import Struct

from actortorrent.captures.resuming import find_message
from actortorrent.captures.streams import Budget, Run
from actortorrent.errors import PeerProtocolError
from actortorrent.wire.handshake import (
    HANDSHAKE_BYTES,
    PROTOCOL_NAME,
    Handshake,
    parse_handshake,
)
from actortorrent.wire.message_reading import decode
from actortorrent.wire.messages import (
    BLOCK_OVERHEAD,
    LENGTH_BYTES,
    PIECE_HEADER,
    PIECE_HEADER_BYTES,
    Kind,
    Message,
    PieceHeader,
)

MAX_MESSAGE_BYTES = 2 * 1024 * 1024  # a bitfield of 16 million pieces
MAX_STARTS = 64  # segments behind a hole at whose begin a message may stand


class Malformed(Struct, frozen=True):
    """Stand for a message that breaks the form of its kind."""

    kind: int
    why: str
    name: ClassVar[str] = "malformed"


Said: TypeAlias = Message | Handshake | Malformed


class Heard(NamedTuple):
    """A message of the stream; None where its bytes are not in the capture, or make no sense."""

    offset: int
    length: int
    message: Said | None


class MessageReader:
    """Read the messages of one direction, whose first must be a handshake.

    Invariant: `_buffer` begins at `_offset`; while `_passing`, the next bytes are a message's
    whose end is known, and the buffer is empty; while `_starts` is a list, messages are
    looked for, and all from `_offset` on is lost until one is found.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._buffer = bytearray()
        self._offset = 0
        self._passing: Heard | None = None
        self._starts: list[int] | None = None
        self._search_from = 0  # the offset of the buffer's begin, while messages are looked for
        self._end = 0  # of what was taken
        self._is_open = False  # the handshake was read

    def take(self, run: Run) -> list[Heard]:
        """Return what the next bytes of the stream, or the lack of some, make known."""
        held = len(self._buffer)
        self._end = run.offset + len(run.data) + run.lost
        heard = list(self._lost(run.offset, run.lost) if run.lost else self._read(run))
        if self._budget.is_spent:
            self._lose_track()
        self._budget.held_bytes += len(self._buffer) - held
        return heard

    def end(self) -> list[Heard]:
        """Return what is left in the middle of a message: nothing more will come."""
        self._budget.held_bytes -= len(self._buffer)
        self._buffer.clear()
        is_lost = self._starts is not None and self._end > self._offset
        return [Heard(self._offset, self._end - self._offset, None)] if is_lost else []

    # --- bytes ------------------------------------------------------------------------------

    def _read(self, run: Run) -> Iterator[Heard]:
        data = run.data
        if self._passing is not None:
            passed = self._passing.offset + self._passing.length - run.offset
            if len(data) < passed:
                return
            yield self._passed()
            data = data[passed:]
        if self._starts is not None:
            yield from self._look(run.offset, data)
            return
        self._buffer += data
        yield from self._messages()

    def _messages(self) -> Iterator[Heard]:
        if not self._is_open and len(self._buffer) >= HANDSHAKE_BYTES:
            yield from self._handshake()
        while self._is_open and self._starts is None and len(self._buffer) >= LENGTH_BYTES:
            length = int.from_bytes(self._buffer[:LENGTH_BYTES])
            if length > MAX_MESSAGE_BYTES:
                self._lose_track()  # it is out of step, or another protocol by now
                return
            is_block = length > BLOCK_OVERHEAD and self._buffer[4:5] == bytes((Kind.PIECE,))
            if len(self._buffer) < (PIECE_HEADER_BYTES if is_block else LENGTH_BYTES + length):
                return
            heard = self._block(length) if is_block else self._message(length)
            if heard is None:
                return
            yield heard

    def _handshake(self) -> Iterator[Heard]:
        try:
            message = parse_handshake(bytes(self._buffer[:HANDSHAKE_BYTES]))
        except PeerProtocolError:
            self._lose_track()
            return
        self._is_open = True
        yield self._shifted(HANDSHAKE_BYTES, message)

    def _message(self, length: int) -> Heard:
        body = bytes(self._buffer[LENGTH_BYTES : LENGTH_BYTES + length])
        try:
            message: Said = decode(body)
        except PeerProtocolError as error:
            message = Malformed(body[0], str(error))
        return self._shifted(LENGTH_BYTES + length, message)

    def _block(self, length: int) -> Heard | None:
        """Read a block's header, and pass over the rest as far as it is there."""
        _, _, piece_index, block_offset = PIECE_HEADER.unpack_from(self._buffer)
        message = PieceHeader(piece_index, block_offset, length - BLOCK_OVERHEAD)
        if len(self._buffer) >= LENGTH_BYTES + length:
            return self._shifted(LENGTH_BYTES + length, message)
        self._passing = Heard(self._offset, LENGTH_BYTES + length, message)
        self._buffer.clear()
        return None

    def _shifted(self, length: int, message: Said) -> Heard:
        heard = Heard(self._offset, length, message)
        del self._buffer[:length]
        self._offset += length
        return heard

    def _passed(self) -> Heard:
        assert self._passing is not None
        heard, self._passing = self._passing, None
        self._offset = heard.offset + heard.length
        return heard

    # --- holes ------------------------------------------------------------------------------

    def _lost(self, offset: int, count: int) -> Iterator[Heard]:
        end = offset + count
        if self._passing is None and self._starts is None:
            self._passing = self._begun_message()
            if self._passing is not None:
                self._buffer.clear()
        if self._passing is not None:
            message_end = self._passing.offset + self._passing.length
            if end < message_end:
                return
            yield self._passed()
            if end == message_end:
                return
        self._lose_track()

    def _begun_message(self) -> Heard | None:
        """Return a message whose end is known, but not all of what it says."""
        if not self._is_open or len(self._buffer) < LENGTH_BYTES + 1:
            return None
        length = int.from_bytes(self._buffer[:LENGTH_BYTES])
        is_short = length > MAX_MESSAGE_BYTES
        return None if is_short else Heard(self._offset, LENGTH_BYTES + length, None)

    def _look(self, offset: int, data: bytes) -> Iterator[Heard]:
        """Look for messages behind a hole, at the begins of segments."""
        assert self._starts is not None
        if not self._buffer:
            self._search_from = offset
        if len(self._starts) < MAX_STARTS:
            self._starts.append(offset)
        self._buffer += data
        begin = self._search_from
        self._starts, found = find_message(self._buffer, begin, self._starts)
        if found is None:
            kept = self._starts[0] if self._starts else begin + len(self._buffer)
            del self._buffer[: kept - begin]
            self._search_from = kept
            return
        yield Heard(self._offset, found - self._offset, None)
        del self._buffer[: found - begin]
        self._offset, self._starts, self._is_open = found, None, True
        yield from self._messages()

    def _lose_track(self) -> None:
        """Let go of what is held; look for messages in what comes."""
        self._buffer.clear()
        self._starts = []


def is_handshake_start(data: bytes) -> bool | None:
    """Say whether a stream begins as BitTorrent's do; None if that cannot be told yet."""
    start = data[: len(PROTOCOL_NAME)]
    if not PROTOCOL_NAME.startswith(start):
        return False
    return True if len(start) == len(PROTOCOL_NAME) else None
