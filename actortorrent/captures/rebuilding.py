"""Messages of a trace as the bytes that went over the wire: BEP 3.

A trace has all fields of a message but the bytes of blocks; zeros stand for these. What a
trace of the level "piece" only counts is made up from the counts: as many requests and
blocks, of as many bytes, all of a piece that no torrent has (`UNKNOWN_PIECE`).
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from actortorrent.tracing.events import Event
from actortorrent.tracing.header import TraceHeader
from actortorrent.wire.block_size import USUAL_BLOCK_BYTES
from actortorrent.wire.handshake import Handshake, readable_peer_id
from actortorrent.wire.messages import (
    BLOCK_NAME,
    MAX_BLOCK_BYTES,
    PIECE_HEADER_BYTES,
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
    NotInterested,
    PieceHeader,
    Port,
    Reject,
    Request,
    Suggest,
    Unchoke,
    Unknown,
)

UNKNOWN_PIECE = 0xFFFFFFFF  # the index of a piece that a trace does not tell
MAX_MESSAGE_BYTES = 2 * 1024 * 1024  # a bitfield of 16 million pieces
MAX_SUMMED_BYTES = 2**34  # that one event may sum up: a minute at 270 MB/s

Fields: TypeAlias = Mapping[str, Any]
_BARE = {
    one.name: one
    for one in (
        *(KeepAlive(), Choke(), Unchoke(), Interested(), NotInterested()),
        *(HaveAll(), HaveNone()),
    )
}


class Rebuilder:
    """Make bytes of messages; `header` tells the peer ids of the clients that were traced."""

    def __init__(self, header: TraceHeader) -> None:
        ids = [header.peer_id, *(node.header.peer_id for node in header.nodes)]
        self._peer_ids = {
            readable_peer_id(raw): raw for raw in map(_from_hex, ids) if raw is not None
        }
        self._builders: Mapping[str, Callable[[Fields, int], bytes]] = {
            "handshake": self._handshake,
            "have": lambda fields, _: Have(fields["piece_index"]).encode(),
            "bitfield": _bitfield,
            "request": lambda fields, _: Request(*_block(fields)).encode(),
            "cancel": lambda fields, _: Cancel(*_block(fields)).encode(),
            "piece": _piece,
            "suggest": lambda fields, _: Suggest(fields["piece_index"]).encode(),
            "reject": lambda fields, _: Reject(*_block(fields)).encode(),
            "allowed fast": lambda fields, _: AllowedFast(fields["piece_index"]).encode(),
            "port": lambda fields, _: Port(fields["udp_port"]).encode(),
            "extended": _extended,
            "unknown": _unknown,
        }

    def message(self, data: Fields, content: bytes = b"") -> bytes | None:
        """Return a message from an event's `data`; None where it does not say enough.

        `content` are the bytes of a `piece`, where they are known.
        """
        kind, length, fields = data.get("type"), data.get("length"), data.get("fields", {})
        if not isinstance(kind, str) or type(length) is not int or not isinstance(fields, dict):
            return None
        bare, build = _BARE.get(kind), self._builders.get(kind)
        if not 0 < length <= MAX_MESSAGE_BYTES or (bare is None and build is None):
            return None
        try:
            made = bare.encode() if bare is not None else build(fields, length) if build else b""
        except (KeyError, TypeError, ValueError, struct.error, OverflowError):
            return None
        if kind == "piece" and len(content) == length - PIECE_HEADER_BYTES:
            made = made[:PIECE_HEADER_BYTES] + content
        return made if len(made) == length else None

    def _handshake(self, fields: Fields, _: int) -> bytes:
        readable = str(fields["peer_id"])
        peer_id = self._peer_ids.get(readable, readable.encode("ascii", "replace"))
        info_hash, reserved = map(bytes.fromhex, (fields["info_hash"], fields["reserved"]))
        return Handshake(info_hash, peer_id, reserved).encode()


def summed(event: Event) -> Iterable[bytes] | None:
    """Return as many messages as an event of a sum counts; None where its figures disagree."""
    count, length = event.data.get("count"), event.data.get("length")
    if type(count) is not int or type(length) is not int or not 0 < length <= MAX_SUMMED_BYTES:
        return None
    if event.name.startswith("bt:requests_"):
        return _requests(count) if length == count * BLOCK_NAME.size else None
    total = length - count * PIECE_HEADER_BYTES
    return _blocks(count, total) if 0 < count <= total <= count * MAX_BLOCK_BYTES else None


def _requests(count: int) -> Iterator[bytes]:
    request = Request(UNKNOWN_PIECE, 0, USUAL_BLOCK_BYTES).encode()
    return (request for _ in range(count))


def _blocks(count: int, total: int) -> Iterator[bytes]:
    """Yield `count` blocks of `total` bytes together, of the usual size as far as that goes."""
    usual = max(USUAL_BLOCK_BYTES, -(-total // count))
    for behind in reversed(range(count)):
        size = min(usual, total - behind)
        total -= size
        yield PieceHeader(UNKNOWN_PIECE, 0, size).encode() + bytes(size)


def _bitfield(fields: Fields, length: int) -> bytes:
    bits = fields.get("bits")
    is_told = isinstance(bits, str) and not bits.startswith("<")  # else it is only counted
    try:
        raw = base64.b64decode(str(bits), validate=True) if is_told else bytes(length - 5)
    except binascii.Error:
        raw = b""
    return Bitfield(raw).encode()


def _piece(fields: Fields, length: int) -> bytes:
    header = PieceHeader(*_block(fields))
    return header.encode() + bytes(header.length) if header.length < length else b""


def _extended(fields: Fields, length: int) -> bytes:
    payload = _payload(fields, 0) or _greeting(length - 6)
    return Extended(fields["extended_id"], payload).encode()


def _greeting(length: int) -> bytes:
    """Return a dictionary of so many bytes that says nothing, for who reads what is extended."""
    for key in (b"1:x", b"2:xx"):
        room = length - len(b"d:e") - len(key)
        for digits in range(1, len(str(MAX_MESSAGE_BYTES)) + 1):
            if room >= digits and len(str(room - digits)) == digits:
                return b"d%b%d:%be" % (key, room - digits, bytes(room - digits))
    return b"de" if length == len(b"de") else bytes(length)


def _unknown(fields: Fields, length: int) -> bytes:
    return Unknown(fields["kind"], _payload(fields, length - 5)).encode()


def _payload(fields: Fields, length: int) -> bytes:
    text = fields.get("payload")
    if isinstance(text, str) and not text.startswith("<"):  # at the level "payload"
        return base64.b64decode(text, validate=True)
    return bytes(length)


def _block(fields: Fields) -> tuple[int, int, int]:
    return fields["piece_index"], fields["block_offset"], fields["length"]


def _from_hex(text: str) -> bytes | None:
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        return None
    return raw or None
