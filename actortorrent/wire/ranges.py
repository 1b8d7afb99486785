"""Which piece numbers, offsets and lengths a peer may speak of: BEP 3, BEP 6.

The numbers on the wire are checked against the torrent's shape before anyone computes
with them. Of a torrent that is known by its info-hash alone (BEP 9) there is no shape yet:
then only what no torrent of ours can have is refused.
"""

from __future__ import annotations

from actortorrent.errors import PeerProtocolError
from actortorrent.wire.messages import (
    MAX_BLOCK_BYTES,
    AllowedFast,
    Bitfield,
    Cancel,
    Have,
    Message,
    PieceHeader,
    Reject,
    Request,
    Suggest,
)
from actortorrent.wire.metainfo import MAX_PIECE_BYTES, MAX_PIECES


class Ranges:
    """Check messages against the shape of one torrent.

    Args:
        piece_count, piece_length, total_length: of the torrent, in pieces and bytes.

    Attributes:
        whole_pieces: how many pieces, from the first, surely have the full length.
        bitfield_bytes: the only length that a bitfield may have.
    """

    __slots__ = ("bitfield_bytes", "piece_count", "piece_length", "total_length", "whole_pieces")

    def __init__(self, piece_count: int, piece_length: int, total_length: int) -> None:
        self.piece_count = piece_count
        self.piece_length = piece_length
        self.total_length = total_length
        self.whole_pieces = piece_count - 1
        self.bitfield_bytes = (piece_count + 7) // 8

    def check(self, message: Message) -> None:
        """Refuse a message that speaks of what the torrent does not have.

        Raises:
            PeerProtocolError: if it does.
        """
        if isinstance(message, (Request, PieceHeader, Cancel, Reject)):
            self._check_block(message)
        elif isinstance(message, (Have, Suggest, AllowedFast)):
            self._check_piece(message)
        elif isinstance(message, Bitfield):
            self._check_bitfield(message.bits)

    def _check_piece(
        self, message: Have | Suggest | AllowedFast | Request | Cancel | Reject | PieceHeader
    ) -> None:
        if message.piece_index >= self.piece_count:
            raise PeerProtocolError(
                f"expected a piece index under {self.piece_count}, found {message}"
            )

    def _check_bitfield(self, bits: bytes) -> None:
        if len(bits) != self.bitfield_bytes:
            raise PeerProtocolError(
                f"expected a bitfield of {self.bitfield_bytes} bytes, found {len(bits)}"
            )
        spare_bits = 8 * self.bitfield_bytes - self.piece_count
        if bits and bits[-1] & ((1 << spare_bits) - 1):
            raise PeerProtocolError(
                f"expected {spare_bits} spare bits of zero in the bitfield, found {bits[-1]:08b}"
            )

    def _check_block(self, message: Request | Cancel | Reject | PieceHeader) -> None:
        self._check_piece(message)
        if not 0 < message.length <= MAX_BLOCK_BYTES:
            raise PeerProtocolError(f"expected 1 to {MAX_BLOCK_BYTES} bytes, found {message}")
        size = self._piece_size(message.piece_index)
        if message.block_offset + message.length > size:
            raise PeerProtocolError(f"expected an end within {size} bytes, found {message}")

    def _piece_size(self, piece_index: int) -> int:
        return min(self.piece_length, self.total_length - piece_index * self.piece_length)


class UnknownRanges(Ranges):
    """Check messages while the torrent's shape is not known: within what any can have.

    `whole_pieces` is 0, so that no block is plain; nobody asks for one, and none is taken.
    """

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(MAX_PIECES, MAX_PIECE_BYTES, MAX_PIECES * MAX_PIECE_BYTES)
        self.whole_pieces = 0

    def check(self, message: Message) -> None:
        """Refuse what no torrent can have, and all blocks: none was asked for.

        Raises:
            PeerProtocolError: if it does.
        """
        if isinstance(message, PieceHeader):
            raise PeerProtocolError(f"expected no block yet, found {message}")
        super().check(message)

    def _check_bitfield(self, bits: bytes) -> None:
        if len(bits) > self.bitfield_bytes:
            raise PeerProtocolError(
                f"expected a bitfield of at most {self.bitfield_bytes} bytes, found {len(bits)}"
            )


def ranges_of(piece_count: int, piece_length: int, total_length: int) -> Ranges:
    """Return what to check messages against; a `piece_count` of 0 is a torrent not yet known."""
    if not piece_count:
        return UnknownRanges()
    return Ranges(piece_count, piece_length, total_length)
