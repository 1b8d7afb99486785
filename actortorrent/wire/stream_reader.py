"""A peer's stream of bytes into events: the receiving half of the protocol, BEP 3.

What comes is checked for form (`message_reading.py`), for order (`legal_order.py`) and
for range (`ranges.py`). The paths of a block and of a request are the hot ones: that is why
`_read_expected_blocks`, `_read_plain_blocks` and `_read_plain_requests` look at bytes
themselves, and why requests that come in a row are one event, as are blocks that were
expected. A block that was expected is known by the 13 bytes before it, and copied from there
into its place; any other is a tuple with a view into the receive buffer.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

from actortorrent.errors import PeerProtocolError
from actortorrent.wire.block_rows import BlockRow, first_row
from actortorrent.wire.conversation import Conversation, OnMessage
from actortorrent.wire.handshake import (
    HANDSHAKE_BYTES,
    Handshake,
    check_beginning,
    parse_handshake,
)
from actortorrent.wire.legal_order import State, order_broken
from actortorrent.wire.message_reading import decode, decode_piece_header
from actortorrent.wire.messages import (
    BLOCK_NAME,
    BLOCK_NAME_LENGTH,
    BLOCK_OVERHEAD,
    LENGTH_BYTES,
    MAX_BLOCK_BYTES,
    PIECE_HEADER,
    PIECE_HEADER_BYTES,
    KeepAlive,
    Kind,
    Message,
    PieceHeader,
    Request,
    Unknown,
)
from actortorrent.wire.ranges import Ranges
from actortorrent.wire.receive_buffer import LIMIT_BYTES, ReceiveBuffer

_LONGEST_PIECE = BLOCK_OVERHEAD + MAX_BLOCK_BYTES
_KEEP_ALIVE, _REQUEST, _PIECE = int(Kind.KEEP_ALIVE), int(Kind.REQUEST), int(Kind.PIECE)


class Block(NamedTuple):
    """A block that came; `data` is a view that holds until the next `receive_buffer()`."""

    piece_index: int
    block_offset: int
    data: memoryview

    def __str__(self) -> str:
        return str(PieceHeader(self.piece_index, self.block_offset, len(self.data)))


class Placed(NamedTuple):
    """Blocks that were expected and lie in their places: of each its owner; bytes in all."""

    owners: list[Any]
    byte_count: int


# By the 13 bytes before a block: where its data goes, and what its owner is (see `Placed`).
Places: TypeAlias = dict[bytes, tuple[memoryview, Any]]
_NO_PLACE = (memoryview(b""), None)


class Requests(NamedTuple):
    """Requests that came one after the other, none of which met our choke."""

    rows: tuple[BlockRow, ...]


Event: TypeAlias = Handshake | Block | Placed | Requests | Message


class StreamReader(Conversation):
    """Turn what a peer sends into events; see `PeerProtocol` for the arguments.

    Attributes:
        places: the blocks that are expected; each that comes is taken out. Only names of
            blocks that there are may be in it.
    """

    __slots__ = ("_buffer", "_info_hash", "_longest", "_ranges", "places")

    def __init__(
        self,
        info_hash: bytes,
        ranges: Ranges,
        *,
        we_dialled: bool,
        on_message: OnMessage | None = None,
        trace_blocks: bool = False,
        buffer_limit_bytes: int = LIMIT_BYTES,
    ) -> None:
        super().__init__(we_dialled=we_dialled, on_message=on_message, trace_blocks=trace_blocks)
        self._info_hash = info_hash
        self._ranges = ranges
        self._longest = max(_LONGEST_PIECE, 1 + ranges.bitfield_bytes)
        self._buffer = ReceiveBuffer(buffer_limit_bytes)
        self.places: Places = {}

    @property
    def bytes_received(self) -> int:
        """Return the offset in the peer's stream behind the last whole message."""
        return self._buffer.stream_offset + self._buffer.start

    def receive_buffer(self) -> memoryview:
        """Return where the socket is to write next; ends the life of earlier blocks' views."""
        return self._buffer.space()

    def received(self, byte_count: int) -> list[Event]:
        """Take in what was written to `receive_buffer()` and return what it said.

        Raises:
            PeerProtocolError: if the peer broke the protocol; nothing more is read then.
        """
        if self.their_state is State.CLOSED:
            raise PeerProtocolError(order_broken(State.CLOSED, Kind.UNKNOWN))
        self._buffer.filled(byte_count)
        try:
            return self._read_messages()
        except PeerProtocolError:
            self.close()
            raise

    def receive(self, data: bytes) -> list[Event]:
        """Take in bytes at hand, in as many steps as that needs.

        Blocks are copied, and requests told of one by one.

        Raises:
            PeerProtocolError: if the peer broke the protocol.
        """
        events: list[Event] = []
        while data:
            free = self.receive_buffer()
            count = min(len(free), len(data))
            free[:count] = data[:count]
            data = data[count:]
            for event in self.received(count):
                events += _to_keep(event)
        return events

    def _read_messages(self) -> list[Event]:
        events: list[Event] = []
        buffer = self._buffer
        while True:
            before = buffer.start
            buffer.start = self._read_expected_blocks(buffer.start, events)
            buffer.start = self._read_plain_blocks(buffer.start, events)
            buffer.start = self._read_plain_requests(buffer.start, events)
            if buffer.start == before:
                buffer.start = self._read_message(before, events)
            if buffer.start == before:
                return events

    def _read_expected_blocks(self, position: int, events: list[Event]) -> int:
        """Put blocks where they are expected, while they are whole; return where it stopped."""
        if self.their_state is not State.OPEN or self._reports_blocks:
            return position
        places, view, end = self.places, self._buffer.view, self._buffer.end
        owners: list[Any] = []
        start = position
        while end - position > PIECE_HEADER_BYTES:
            begin = position + PIECE_HEADER_BYTES
            header = view[position:begin].tobytes()
            target, owner = places.get(header, _NO_PLACE)
            following = begin + len(target)
            if following > end or owner is None:
                break
            del places[header]
            target[:] = view[begin:following]
            owners.append(owner)
            position = following
        if owners:
            byte_count = position - start - len(owners) * PIECE_HEADER_BYTES
            self._count_blocks(len(owners), byte_count)
            events.append(Placed(owners, byte_count))
        return position

    def _count_blocks(self, count: int, byte_count: int) -> None:
        self.blocks_received += count
        self.block_bytes_received += byte_count

    def _read_plain_blocks(self, position: int, events: list[Event]) -> int:
        """Read other blocks while there is nothing to be said against them, as above.

        Whatever is not a whole, plain block is left to `_read_message`, which judges it.
        """
        if self.their_state is not State.OPEN or self._reports_blocks:
            return position
        data, view, end = self._buffer.data, self._buffer.view, self._buffer.end
        places = self.places
        whole_pieces = self._ranges.whole_pieces
        longest_end = self._ranges.piece_length + BLOCK_OVERHEAD
        start, known_events = position, len(events)
        while end - position > PIECE_HEADER_BYTES:
            length, kind, index, offset = PIECE_HEADER.unpack_from(data, position)
            following = position + LENGTH_BYTES + length
            if (
                kind != _PIECE
                or following > end
                or index >= whole_pieces
                or offset + length > longest_end
                or not BLOCK_OVERHEAD < length <= _LONGEST_PIECE
                or view[position : position + PIECE_HEADER_BYTES].tobytes() in places
            ):
                break
            events.append(Block(index, offset, view[position + PIECE_HEADER_BYTES : following]))
            position = following
        count = len(events) - known_events
        self._count_blocks(count, position - start - count * PIECE_HEADER_BYTES)
        return position

    def _read_plain_requests(self, position: int, events: list[Event]) -> int:
        """Read requests while there is nothing to be said against them, as above."""
        if self.their_state is not State.OPEN or self.am_choking or self._reports_blocks:
            return position
        data, view, end = self._buffer.data, self._buffer.view, self._buffer.end
        whole_pieces, piece_length = self._ranges.whole_pieces, self._ranges.piece_length
        rows: list[BlockRow] = []
        while end - position >= BLOCK_NAME.size:
            size, kind, index, offset, length = BLOCK_NAME.unpack_from(data, position)
            if (
                kind != _REQUEST
                or size != BLOCK_NAME_LENGTH
                or index >= whole_pieces
                or not 0 < length <= MAX_BLOCK_BYTES
                or offset + length > piece_length
            ):
                break
            row = first_row(view[position:end], (index, offset, length), piece_length)
            rows.append(row)
            self.requests_received += row.block_count
            position += row.block_count * BLOCK_NAME.size
        if rows:
            events.append(Requests(tuple(rows)))
        return position

    def _read_message(self, position: int, events: list[Event]) -> int:
        """Read one message; return where the next begins, or `position` if it is not whole."""
        if self.their_state is State.AWAITING_HANDSHAKE:
            return self._read_handshake(position, events)
        buffer = self._buffer
        begin = position + LENGTH_BYTES
        if begin > buffer.end:
            return position
        length = int.from_bytes(buffer.view[position:begin])
        if length > self._longest:
            raise PeerProtocolError(f"expected at most {self._longest} bytes, found {length}")
        if begin + length > buffer.end:
            buffer.needs(LENGTH_BYTES + length)
            return position
        self._take(buffer.view[begin : begin + length], position, events)
        return begin + length

    def _read_handshake(self, position: int, events: list[Event]) -> int:
        received = self._buffer.view[position : self._buffer.end]
        if len(received) < HANDSHAKE_BYTES:
            check_beginning(received)
            return position
        handshake = parse_handshake(received[:HANDSHAKE_BYTES])
        if handshake.info_hash != self._info_hash:
            raise PeerProtocolError(
                f"expected info-hash {self._info_hash.hex()}, found {handshake.info_hash.hex()}"
            )
        self._peer_may_send(Kind.HANDSHAKE)
        self._note_received(handshake, self.bytes_received, HANDSHAKE_BYTES)
        events.append(handshake)
        return position + HANDSHAKE_BYTES

    def _take(self, body: memoryview, position: int, events: list[Event]) -> None:
        kind = body[0] if body else _KEEP_ALIVE
        self._peer_may_send(kind)
        message = decode_piece_header(body) if kind == _PIECE else decode(body)
        self._ranges.check(message)
        offset = self._buffer.stream_offset + position
        self._note_received(message, offset, LENGTH_BYTES + len(body))
        if isinstance(message, PieceHeader):
            data = body[BLOCK_OVERHEAD:]
            events.append(Block(message.piece_index, message.block_offset, data))
        elif self._asks_for_reaction(message):
            events.append(message)

    def _asks_for_reaction(self, message: Message) -> bool:
        """Say whether the shell is to hear of it.

        A request that met our choke is void, unless it is to be rejected (BEP 6).
        """
        if message.kind == _REQUEST:
            return not self.am_choking or self.speaks_fast
        return not isinstance(message, (KeepAlive, Unknown))


def _to_keep(event: Event) -> list[Event]:
    """Return an event with its block, if it has one, copied out of the buffer; requests singly."""
    if isinstance(event, Block):
        return [event._replace(data=memoryview(bytes(event.data)))]
    if isinstance(event, Requests):
        return [Request(*name) for row in event.rows for name in row.blocks()]
    return [event]
