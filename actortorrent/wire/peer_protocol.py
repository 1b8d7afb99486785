"""One connection's conversation, without its socket: BEP 3.

The shell around it only moves bytes::

    count = sock.recv_into(protocol.receive_buffer())
    for event in protocol.received(count):
        ...
    sock.send(protocol.send(Interested()))

Events are a `Handshake`, `Placed` for blocks that were expected (`places` says where they
go), a `Block` for each other, `Requests` for those that came in a
row, and the message itself for all else that asks for a reaction (a request that is one
of a kind included): keep-alives, unknown messages and requests of a peer that we choke
are consumed. What we send is checked as well, since breaking the
protocol ourselves is a bug.

The parts: `conversation.py` knows what was said, `stream_reader.py` receives, and here
we send.
"""

from __future__ import annotations

from collections.abc import Iterable

from actortorrent.wire.block_rows import BlockRow
from actortorrent.wire.conversation import OnMessage
from actortorrent.wire.handshake import NO_EXTENSIONS, Handshake
from actortorrent.wire.message_reading import decode
from actortorrent.wire.messages import (
    BLOCK_NAME,
    LENGTH_BYTES,
    PIECE_HEADER_BYTES,
    Have,
    Kind,
    Message,
    PieceHeader,
)
from actortorrent.wire.ranges import ranges_of
from actortorrent.wire.receive_buffer import LIMIT_BYTES
from actortorrent.wire.stream_reader import Block, Event, Placed, Places, Requests, StreamReader

__all__ = ["Block", "Event", "OnMessage", "PeerProtocol", "Placed", "Places", "Requests"]


class PeerProtocol(StreamReader):
    """Read and write one connection's stream, and know what both sides have said.

    Args:
        info_hash: the torrent's; a peer that names another is refused.
        peer_id: ours.
        piece_count, piece_length, total_length: what piece numbers, offsets and
            lengths are checked against, in pieces and bytes; 0 pieces: not known yet.
        we_dialled: whoever was dialled says its handshake second.
        on_message, trace_blocks: see `Conversation`, as for the public attributes.
        buffer_limit_bytes: how far the receive buffer may grow by reads alone.
        reserved: which extensions our handshake says we speak; see `reserved_bytes`.
    """

    __slots__ = ("_our_handshake",)

    def __init__(
        self,
        info_hash: bytes,
        peer_id: bytes,
        piece_count: int,
        *,
        piece_length: int,
        total_length: int,
        we_dialled: bool,
        on_message: OnMessage | None = None,
        trace_blocks: bool = False,
        buffer_limit_bytes: int = LIMIT_BYTES,
        reserved: bytes = NO_EXTENSIONS,
    ) -> None:
        super().__init__(
            info_hash,
            ranges_of(piece_count, piece_length, total_length),
            we_dialled=we_dialled,
            on_message=on_message,
            trace_blocks=trace_blocks,
            buffer_limit_bytes=buffer_limit_bytes,
        )
        self._our_handshake = Handshake(info_hash, peer_id, reserved)

    @property
    def our_handshake(self) -> Handshake:
        """Return the handshake that `handshake` writes."""
        return self._our_handshake

    def handshake(self) -> bytes:
        """Write our handshake; for whoever was dialled, once the peer's has come."""
        return self.send(self._our_handshake)

    def send(self, message: Message | Handshake) -> bytes:
        """Write a message and remember what it says of us.

        A `PieceHeader` counts the block behind it as sent too.

        Raises:
            ActorTorrentError: if the message may not be sent now: a bug of ours.
        """
        self._we_may_send(message.kind)
        encoded = message.encode()
        behind = message.length if isinstance(message, PieceHeader) else 0
        self._note_sent(message, len(encoded) + behind)
        return encoded

    def piece_header(self, piece_index: int, block_offset: int, length: int) -> bytes:
        """Write the 13 bytes before a block, whose own `length` bytes the caller sends next."""
        return self.send(PieceHeader(piece_index, block_offset, length))

    def piece_headers(self, row: BlockRow) -> list[bytes]:
        """Write the 13 bytes before each block of a row, as `piece_header` does."""
        if self._reports_blocks:
            return [self.piece_header(*name) for name in row.blocks()]
        self._we_may_send(Kind.PIECE)
        self.blocks_sent += row.block_count
        self.block_bytes_sent += row.length
        self.bytes_sent += row.length + row.block_count * PIECE_HEADER_BYTES
        return row.headers()

    def requests(self, piece_index: int, offset: int, length: int, block_bytes: int) -> bytes:
        """Write requests for the consecutive blocks of a run; the last may be short."""
        return self.requests_for([BlockRow(piece_index, offset, length, block_bytes)])

    def requests_for(self, rows: Iterable[BlockRow]) -> bytes:
        """Write requests for the blocks of rows."""
        self._we_may_send(Kind.REQUEST)
        names = b"".join([row.names(Kind.REQUEST) for row in rows])
        if self._reports_blocks:
            self._note_each(names)
        else:
            self.requests_sent += len(names) // BLOCK_NAME.size
            self.bytes_sent += len(names)
        return names

    def cancels(self, piece_index: int, offset: int, length: int, block_bytes: int) -> bytes:
        """Write what takes back the requests of a run."""
        self._we_may_send(Kind.CANCEL)
        row = BlockRow(piece_index, offset, length, block_bytes).names(Kind.CANCEL)
        self._note_each(row)
        return row

    def haves(self, piece_indexes: Iterable[int]) -> bytes:
        """Write a `have` for each of some pieces."""
        return b"".join([self.send(Have(piece_index)) for piece_index in piece_indexes])

    def _note_each(self, row: bytes) -> None:
        size = BLOCK_NAME.size
        for begin in range(0, len(row), size):
            self._note_sent(decode(row[begin + LENGTH_BYTES : begin + size]), size)
