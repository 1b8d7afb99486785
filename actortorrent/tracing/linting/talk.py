"""What the two sides of a connection have said so far, as a trace of one end has it."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from msgspec import Struct, field

from actortorrent.tracing.header import TraceHeader

# aria2 tells many pieces by another bitfield in place of many haves; every client takes it.
SENDS_LATER_BITFIELDS = "A2-"
MAX_PIECES = 4_000_000  # whatever a header says; a number of more bits is not made

Block = tuple[int, int, int]  # piece, offset, length


class Side(Struct):
    """Hold what one side said.

    Attributes:
        is_us: whether it is the end that is traced.
        next_offset: where its next message must begin, at the level "block".
        pieces: what it said that it has, as bits; None where a bitfield was too long to
            be in the trace.
        requested, blocks: counts, also from sums.
        asked: blocks that it ever asked for, at the level "block".
        told: pieces that it told by have.
        speaks_fast: whether its handshake said that it speaks BEP 6.
        allows_fast: whether it allowed requests while it chokes (BEP 6).
        rejects: how many of its answers were rejects.
        busy_ns: when it last said choke or asked for anything.
    """

    is_us: bool
    peer_id: str = ""
    handshakes: int = 0
    messages: int = 0
    bitfields: int = 0
    next_offset: int = 0
    is_choking: bool = True
    has_unchoked: bool = False
    is_interested: bool = False
    pieces: int | None = 0
    requested: int = 0
    blocks: int = 0
    asked: set[Block] = field(default_factory=set)
    told: set[int] = field(default_factory=set)
    speaks_fast: bool = False
    allows_fast: bool = False
    rejects: int = 0
    busy_ns: int = 0

    @property
    def name(self) -> str:
        """Return who it is, to begin a sentence with."""
        return "we" if self.is_us else "the peer"


class Talk(Struct):
    """Hold both sides of a connection."""

    conn: int
    ours: Side = field(default_factory=lambda: Side(is_us=True))
    theirs: Side = field(default_factory=lambda: Side(is_us=False))
    has_joined: bool = False
    is_closed: bool = False
    last_id: str = ""

    def sides(self, direction: str) -> tuple[Side, Side]:
        """Return who spoke and who listened."""
        return (self.ours, self.theirs) if direction == "sent" else (self.theirs, self.ours)


def speaks_fast(reserved: object) -> bool:
    """Say whether a handshake's reserved bytes, in hex, name BEP 6."""
    return isinstance(reserved, str) and reserved[-1:] in set("4567cdef")


def block_of(fields: dict[str, Any]) -> Block | None:
    """Return which block a request, cancel or piece names, if it is all there."""
    named = (fields.get("piece_index"), fields.get("block_offset"), fields.get("length"))
    piece, offset, length = named
    if type(piece) is int and type(offset) is int and type(length) is int:
        return piece, offset, length
    return None


def piece_size(header: TraceHeader, piece_index: int) -> int:
    """Return a piece's bytes; 0 where the torrent has no such piece."""
    if not 0 <= piece_index < min(header.piece_count, MAX_PIECES):
        return 0
    return min(header.piece_length, header.total_length - piece_index * header.piece_length)


def pieces_of_bits(text: object, piece_count: int) -> int | None:
    """Return a bitfield as a number whose bit i is piece i; None if it is not in the trace."""
    if not isinstance(text, str):
        return None
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(raw) != (piece_count + 7) // 8:
        return None
    return int(f"{int.from_bytes(raw):0{len(raw) * 8}b}"[::-1], 2)
