"""The uploading half of a peer's actor: what it asked for, read from the files and sent.

Blocks come straight from the page cache through a reader of this peer's own, so no
message goes to the storage for a request. Requests next to each other are answered by one
stretch of bytes, headers and blocks as they go over the wire: one call reads the blocks
into it, between the headers, and another sends it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from actortorrent.actors.answer_room import AnswerRoom
from actortorrent.errors import PeerProtocolError, StorageError, shortage_of
from actortorrent.rules.request_queue import RequestQueue
from actortorrent.wire.block_rows import BlockRow
from actortorrent.wire.messages import BlockName, Request

if TYPE_CHECKING:
    from actortorrent.actors.content_reader import ContentReader
    from actortorrent.actors.peer_socket import PeerSocket

MAX_QUEUED_REQUESTS = 2_000  # libtorrent asks for at most 500 without being told
BATCH_BYTES = 1024 * 1024
BATCH_BLOCKS = 256  # fewer than one call may read into, where they are small
ENOUGH_PENDING_BYTES = 512 * 1024  # serve on only while less than this waits to be sent


class ContentGoneError(StorageError):
    """Say that a piece that was verified can no longer be read."""

    def __init__(self, piece_index: int, error: StorageError) -> None:
        super().__init__(str(error), hint=error.hint)
        self.piece_index = piece_index


class Uploads:
    """Queue one peer's requests and serve them.

    `piece_headers` is the protocol's: it writes what goes before blocks, and counts all.
    `allowance` is how many bytes may be sent before more are granted; None: any.
    """

    __slots__ = (
        "_offered",
        "_open_reader",
        "_piece_headers",
        "_queue",
        "_reader",
        "_room",
        "allowance",
        "sent_bytes",
    )

    def __init__(
        self,
        open_reader: Callable[[], ContentReader],
        piece_headers: Callable[[BlockRow], list[bytes]],
        piece_count: int,
        *,
        is_limited: bool,
    ) -> None:
        self._open_reader = open_reader
        self._piece_headers = piece_headers
        self._reader: ContentReader | None = None
        self._room = AnswerRoom()
        self._offered = bytearray((piece_count + 7) // 8)  # what the peer was told that we have
        self._queue = RequestQueue()
        self.allowance = 0 if is_limited else None
        self.sent_bytes = 0

    @property
    def queued_bytes(self) -> int:
        """Return the bytes asked for and not yet sent."""
        return self._queue.byte_count

    def offer(self, piece_indexes: Iterable[int]) -> None:
        """Note pieces that the peer is told of: it may ask for these and no others."""
        for piece_index in piece_indexes:
            self._offered[piece_index // 8] |= 0x80 >> piece_index % 8

    def offer_all(self, bitfield: bytes) -> None:
        """Note all pieces of a bitfield that the peer is sent."""
        self._offered[:] = bitfield

    def ask(self, rows: Sequence[BlockRow], *, may_refuse: bool = False) -> list[BlockName]:
        """Queue requests, and return those that are refused, if that can be told (BEP 6).

        It is refused to ask for what we never said we had (on the disk there may be
        anything), and for more than anybody can want at once.

        Raises:
            PeerProtocolError: if any would have to be refused, and it cannot be told.
        """
        refused: list[BlockName] = []
        for row in rows:
            room = MAX_QUEUED_REQUESTS - self._queue.count
            is_offered = self._is_offered(row.piece_index)
            if is_offered and row.block_count <= room:
                self._queue.add(row)
                continue
            if not may_refuse:
                raise self._breach(row, is_offered=is_offered)
            wanted, unwanted = row.split(room if is_offered else 0)
            if wanted.length:
                self._queue.add(wanted)
            refused += unwanted.blocks()
        return refused

    def _is_offered(self, piece_index: int) -> bool:
        return bool(self._offered[piece_index >> 3] << (piece_index & 7) & 0x80)

    def _breach(self, row: BlockRow, *, is_offered: bool) -> PeerProtocolError:
        if not is_offered:
            found = Request(*row.blocks()[0])
            return PeerProtocolError(f"expected a piece that we have, found {found}")
        return PeerProtocolError(
            f"expected at most {MAX_QUEUED_REQUESTS} requests waiting,"
            f" found {self._queue.count + row.block_count}"
        )

    def cancel(self, piece_index: int, block_offset: int, length: int) -> bool:
        """Forget a request, if it still waits; say whether it did."""
        return self._queue.remove((piece_index, block_offset, length))

    def forget(self, spared: Collection[int] = ()) -> list[BlockName]:
        """Forget what waits, but for requests of the pieces spared; return what was forgotten."""
        self._room.leave()
        return self._queue.forget(spared)

    def withdraw(self, piece_index: int) -> list[BlockName]:
        """Offer a piece no longer; return the requests for it, which are forgotten."""
        self._offered[piece_index // 8] &= ~(0x80 >> piece_index % 8)
        return self.forget(spared=self._queue.pieces - {piece_index})

    @property
    def can_serve(self) -> bool:
        """Say whether a request waits that may be served now."""
        next_bytes = self._queue.next_bytes
        return next_bytes > 0 and (self.allowance is None or self.allowance >= next_bytes)

    def serve(self, sock: PeerSocket) -> int:
        """Send blocks while the socket takes them; return how many bytes of blocks.

        Raises:
            ContentGoneError: if the files no longer hold what was verified.
        """
        before = self.sent_bytes
        while self.can_serve and sock.pending_bytes < ENOUGH_PENDING_BYTES:
            sock.send(self._next_batch())
            if sock.pending_bytes:
                self._room.leave()  # it waits to be sent: the next one needs another
        return self.sent_bytes - before

    def _next_batch(self) -> memoryview:
        """Take some requests, and return what answers them."""
        most_bytes = BATCH_BYTES if self.allowance is None else min(BATCH_BYTES, self.allowance)
        row = self._queue.take(most_bytes, BATCH_BLOCKS)
        room = self._room.take(row)
        try:
            self._read(row, room.blocks)
        except ContentGoneError:
            self._queue.put_back(row)  # it is still to be answered
            raise
        for place, header in zip(room.headers, self._piece_headers(row), strict=True):
            place[:] = header
        self.sent_bytes += row.length
        if self.allowance is not None:
            self.allowance -= row.length
        return room.answer

    def _read(self, row: BlockRow, blocks: Sequence[memoryview]) -> None:
        """Fill the blocks of a row."""
        if self._reader is None:
            self._reader = self._open_reader()
        try:
            self._reader.read_blocks(row, blocks)
        except StorageError as error:
            if error.__cause__ is not None and shortage_of(error.__cause__) is not None:
                raise  # it is there, and can be read when others need less
            raise ContentGoneError(row.piece_index, error) from error

    def close(self) -> None:
        """Free the reader's descriptors."""
        self._queue.forget()
        if self._reader is not None:
            self._reader.close()
