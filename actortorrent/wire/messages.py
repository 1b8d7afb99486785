"""The messages of the peer wire protocol, as values: BEP 3, 5, 6, and 10 (carried only).

On the wire a message is its length in 4 bytes, then one byte that says its kind, then
its fields; a length of 0 is a keep-alive. Here each is a small frozen value that
writes itself (`encode`) and reads as English (`str`), payloads as lengths.
How they are read from bytes is in `message_reading.py`; which may come when, in
`legal_order.py`.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import ClassVar, TypeAlias

from msgspec import Struct

LENGTH_BYTES = 4  # the length in front of each message
PIECE_HEADER_BYTES = 13  # length, kind, piece index, block offset: all of `piece` but its data
BLOCK_OVERHEAD = 9  # the same without the length: what a piece's length counts beside its data
BlockName: TypeAlias = tuple[int, int, int]  # piece, offset in it, length, as in a request
MAX_BLOCK_BYTES = 128 * 1024  # more than this nobody asks for; 16 KiB is what everybody does

HEADER = struct.Struct("!IB")
ONE_INDEX = struct.Struct("!IBI")
PIECE_HEADER = struct.Struct("!IBII")
BLOCK_NAME = struct.Struct("!IBIII")
BLOCK_NAME_LENGTH = 13  # as such a message says of itself


class Kind(IntEnum):
    """Name the byte that says which message it is."""

    CHOKE = 0
    UNCHOKE = 1
    INTERESTED = 2
    NOT_INTERESTED = 3
    HAVE = 4
    BITFIELD = 5
    REQUEST = 6
    PIECE = 7
    CANCEL = 8
    PORT = 9  # BEP 5
    SUGGEST = 13  # BEP 6, this and the four that follow
    HAVE_ALL = 14
    HAVE_NONE = 15
    REJECT = 16
    ALLOWED_FAST = 17
    EXTENDED = 20  # BEP 10

    # What has no such byte, named for the table of legal orders.
    KEEP_ALIVE = -1
    HANDSHAKE = -2
    UNKNOWN = -3


class _Bare(Struct, frozen=True):
    """Be a message without fields."""

    kind: ClassVar[int]
    name: ClassVar[str]

    def __str__(self) -> str:
        return self.name

    def encode(self) -> bytes:
        """Write the message."""
        return HEADER.pack(1, self.kind)


class KeepAlive(Struct, frozen=True):
    """Say only that one is still there."""

    kind: ClassVar[int] = Kind.KEEP_ALIVE
    name: ClassVar[str] = "keep-alive"

    def __str__(self) -> str:
        return self.name

    def encode(self) -> bytes:
        """Write the message."""
        return bytes(LENGTH_BYTES)


class Choke(_Bare, frozen=True):
    """Say that requests will not be answered, and that those waiting are forgotten."""

    kind = Kind.CHOKE
    name = "choke"


class Unchoke(_Bare, frozen=True):
    """Say that requests will be answered."""

    kind = Kind.UNCHOKE
    name = "unchoke"


class Interested(_Bare, frozen=True):
    """Say that the other side has something one wants."""

    kind = Kind.INTERESTED
    name = "interested"


class NotInterested(_Bare, frozen=True):
    """Say that the other side has nothing one wants."""

    kind = Kind.NOT_INTERESTED
    name = "not interested"


class HaveAll(_Bare, frozen=True):
    """Say that one has every piece, in place of a bitfield (BEP 6)."""

    kind = Kind.HAVE_ALL
    name = "have all"


class HaveNone(_Bare, frozen=True):
    """Say that one has no piece, in place of a bitfield (BEP 6)."""

    kind = Kind.HAVE_NONE
    name = "have none"


class _PieceName(Struct, frozen=True):
    """Name a piece."""

    piece_index: int
    kind: ClassVar[int]
    name: ClassVar[str]

    def __str__(self) -> str:
        return f"{self.name} piece {self.piece_index}"

    def encode(self) -> bytes:
        """Write the message."""
        return ONE_INDEX.pack(5, self.kind, self.piece_index)


class Have(_PieceName, frozen=True):
    """Say that one has a piece more, whole and verified."""

    kind = Kind.HAVE
    name = "have"


class Suggest(_PieceName, frozen=True):
    """Advise the other side to fetch a piece, as it costs one little to send (BEP 6)."""

    kind = Kind.SUGGEST
    name = "suggest"


class AllowedFast(_PieceName, frozen=True):
    """Say that requests for a piece will be answered even while one chokes (BEP 6)."""

    kind = Kind.ALLOWED_FAST
    name = "allowed fast"


class Bitfield(Struct, frozen=True):
    """Say which pieces one has; the first piece is the high bit of the first byte."""

    bits: bytes
    kind: ClassVar[int] = Kind.BITFIELD
    name: ClassVar[str] = "bitfield"

    def __str__(self) -> str:
        return f"bitfield of {len(self.bits)} bytes, {int.from_bytes(self.bits).bit_count()} set"

    def encode(self) -> bytes:
        """Write the message."""
        return HEADER.pack(1 + len(self.bits), self.kind) + self.bits


class _BlockName(Struct, frozen=True):
    """Name a block: where it starts in which piece, and its bytes."""

    piece_index: int
    block_offset: int
    length: int
    kind: ClassVar[int]
    name: ClassVar[str]

    def __str__(self) -> str:
        return (
            f"{self.name} piece {self.piece_index}, "
            f"offset {self.block_offset}, length {self.length}"
        )

    def encode(self) -> bytes:
        """Write the message."""
        return BLOCK_NAME.pack(
            BLOCK_NAME_LENGTH, self.kind, self.piece_index, self.block_offset, self.length
        )


class Request(_BlockName, frozen=True):
    """Ask for a block."""

    kind = Kind.REQUEST
    name = "request"


class Cancel(_BlockName, frozen=True):
    """Take back a request."""

    kind = Kind.CANCEL
    name = "cancel"


class Reject(_BlockName, frozen=True):
    """Say that a request will not be answered with its block (BEP 6)."""

    kind = Kind.REJECT
    name = "reject"


class Piece(Struct, frozen=True):
    """Carry a block, the answer to a request."""

    piece_index: int
    block_offset: int
    data: bytes
    kind: ClassVar[int] = Kind.PIECE
    name: ClassVar[str] = "piece"

    def __str__(self) -> str:
        return _piece_text(self.piece_index, self.block_offset, len(self.data))

    def encode(self) -> bytes:
        """Write the message."""
        header = PieceHeader(self.piece_index, self.block_offset, len(self.data))
        return header.encode() + self.data


class PieceHeader(Struct, frozen=True):
    """Announce a block whose `length` bytes travel behind it, apart: what a trace keeps."""

    piece_index: int
    block_offset: int
    length: int
    kind: ClassVar[int] = Kind.PIECE
    name: ClassVar[str] = "piece"

    def __str__(self) -> str:
        return _piece_text(self.piece_index, self.block_offset, self.length)

    def encode(self) -> bytes:
        """Write the 13 bytes that come before the block."""
        return PIECE_HEADER.pack(
            BLOCK_OVERHEAD + self.length, self.kind, self.piece_index, self.block_offset
        )


class Port(Struct, frozen=True):
    """Say on which UDP port one's node of the distributed hash table listens (BEP 5)."""

    udp_port: int
    kind: ClassVar[int] = Kind.PORT
    name: ClassVar[str] = "port"

    def __str__(self) -> str:
        return f"port {self.udp_port}"

    def encode(self) -> bytes:
        """Write the message."""
        return struct.pack("!IBH", 3, self.kind, self.udp_port)


class Extended(Struct, frozen=True):
    """Carry an extension's message, not looked into here (BEP 10).

    Number 0 is the extensions' own handshake: `extension_handshake.py`. Any other is the
    receiver's number for an extension: `metadata_exchange.py`, `peer_exchange.py`.
    """

    extended_id: int
    payload: bytes
    kind: ClassVar[int] = Kind.EXTENDED
    name: ClassVar[str] = "extended"

    def __str__(self) -> str:
        return f"extended message {self.extended_id} of {len(self.payload)} bytes"

    def encode(self) -> bytes:
        """Write the message."""
        header = HEADER.pack(2 + len(self.payload), self.kind)
        return header + bytes((self.extended_id,)) + self.payload


class Unknown(Struct, frozen=True):
    """Carry a message of a kind that no BEP of ours names; it is to be ignored."""

    kind: int
    payload: bytes
    name: ClassVar[str] = "unknown"

    def __str__(self) -> str:
        return f"unknown message {self.kind} of {len(self.payload)} bytes"

    def encode(self) -> bytes:
        """Write the message."""
        return HEADER.pack(1 + len(self.payload), self.kind) + self.payload


Message: TypeAlias = (
    KeepAlive
    | Choke
    | Unchoke
    | Interested
    | NotInterested
    | Have
    | Bitfield
    | Request
    | Piece
    | PieceHeader
    | Cancel
    | Port
    | Suggest
    | HaveAll
    | HaveNone
    | Reject
    | AllowedFast
    | Extended
    | Unknown
)


def _piece_text(piece_index: int, block_offset: int, length: int) -> str:
    return f"piece {piece_index}, offset {block_offset}, {length} bytes"
