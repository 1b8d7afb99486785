"""Bytes into the values of `messages.py`: BEP 3, 5 and 6 (BEP 10: carried).

Every length is checked against what its kind allows; a kind nobody named is carried
as `Unknown`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from actortorrent.errors import PeerProtocolError
from actortorrent.wire.messages import (
    BLOCK_OVERHEAD,
    MAX_BLOCK_BYTES,
    AllowedFast,
    Bitfield,
    Cancel,
    Choke,
    Extended,
    Have,
    HaveAll,
    HaveNone,
    Interested,
    KeepAlive,
    Kind,
    Message,
    NotInterested,
    Piece,
    PieceHeader,
    Port,
    Reject,
    Request,
    Suggest,
    Unchoke,
    Unknown,
)


def decode(body: bytes | memoryview) -> Message:
    """Read one whole message, without the 4 bytes of its length; no bytes are a keep-alive.

    Raises:
        PeerProtocolError: if it is too long or too short for its kind.
    """
    if not body:
        return KeepAlive()
    kind = body[0]
    if kind in _FIXED_LAYOUTS:
        return _read_fixed(body)
    read = _READERS.get(kind)
    return read(body) if read is not None else Unknown(kind, bytes(body[1:]))


def decode_piece_header(body: bytes | memoryview) -> PieceHeader:
    """Read which block a `piece` message carries, without copying the block.

    Raises:
        PeerProtocolError: if it carries no byte, or more than `MAX_BLOCK_BYTES`.
    """
    length = len(body) - BLOCK_OVERHEAD
    if not 0 < length <= MAX_BLOCK_BYTES:
        raise PeerProtocolError(
            f"expected piece with 1 to {MAX_BLOCK_BYTES} bytes, found length {len(body)}"
        )
    piece_index, block_offset = struct.unpack_from("!II", body, 1)
    return PieceHeader(piece_index, block_offset, length)


# What follows the byte of the kind, in the kinds that always have the same size.
_FIXED_LAYOUTS: dict[int, tuple[struct.Struct, type[Message]]] = {
    Kind.CHOKE: (struct.Struct("!x"), Choke),
    Kind.UNCHOKE: (struct.Struct("!x"), Unchoke),
    Kind.INTERESTED: (struct.Struct("!x"), Interested),
    Kind.NOT_INTERESTED: (struct.Struct("!x"), NotInterested),
    Kind.HAVE: (struct.Struct("!xI"), Have),
    Kind.REQUEST: (struct.Struct("!xIII"), Request),
    Kind.CANCEL: (struct.Struct("!xIII"), Cancel),
    Kind.PORT: (struct.Struct("!xH"), Port),
    Kind.SUGGEST: (struct.Struct("!xI"), Suggest),
    Kind.HAVE_ALL: (struct.Struct("!x"), HaveAll),
    Kind.HAVE_NONE: (struct.Struct("!x"), HaveNone),
    Kind.REJECT: (struct.Struct("!xIII"), Reject),
    Kind.ALLOWED_FAST: (struct.Struct("!xI"), AllowedFast),
}


def _read_fixed(body: bytes | memoryview) -> Message:
    layout, message_type = _FIXED_LAYOUTS[body[0]]
    if len(body) != layout.size:
        raise PeerProtocolError(
            f"expected {message_type.name} of length {layout.size}, found length {len(body)}"
        )
    return message_type(*layout.unpack(body))


def _read_bitfield(body: bytes | memoryview) -> Message:
    return Bitfield(bytes(body[1:]))


def _read_piece(body: bytes | memoryview) -> Message:
    header = decode_piece_header(body)
    return Piece(header.piece_index, header.block_offset, bytes(body[BLOCK_OVERHEAD:]))


def _read_extended(body: bytes | memoryview) -> Message:
    if len(body) < 2:
        raise PeerProtocolError("expected an extended message with its number, found none")
    return Extended(body[1], bytes(body[2:]))


_READERS: dict[int, Callable[[bytes | memoryview], Message]] = {
    Kind.BITFIELD: _read_bitfield,
    Kind.PIECE: _read_piece,
    Kind.EXTENDED: _read_extended,
}
