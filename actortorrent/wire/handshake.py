"""The 68 bytes with which both sides of a connection begin: BEP 3.

::

    byte 19 | "BitTorrent protocol" | 8 reserved bytes | info-hash, 20 | peer id, 20

The reserved bytes say which extensions a client speaks (BEP 5, 6 and 10); all zero, as
they are unless whoever speaks asks for more, is none.
"""

from __future__ import annotations

import random
import string
from typing import ClassVar

from msgspec import Struct

from actortorrent.errors import PeerProtocolError
from actortorrent.wire.messages import Kind

HANDSHAKE_BYTES = 68
PROTOCOL_NAME = b"\x13BitTorrent protocol"
CLIENT_PREFIX = b"-AT0100-"  # "AT", version 0.1.0.0, in the customary form of BEP 20
PEER_ID_BYTES = 20
NO_EXTENSIONS = bytes(8)

_RESERVED_END = len(PROTOCOL_NAME) + 8
_INFO_HASH_END = _RESERVED_END + 20
_ID_CHARACTERS = (string.ascii_letters + string.digits).encode()


class Handshake(Struct, frozen=True):
    """Say which torrent is meant, who speaks, and which extensions they know.

    Raises:
        ValueError: if a field has not its length: 20, 20 and 8 bytes.
    """

    info_hash: bytes
    peer_id: bytes
    reserved: bytes = NO_EXTENSIONS
    kind: ClassVar[int] = Kind.HANDSHAKE
    name: ClassVar[str] = "handshake"

    def __post_init__(self) -> None:
        lengths = (len(self.info_hash), len(self.peer_id), len(self.reserved))
        if lengths != (20, PEER_ID_BYTES, 8):
            raise ValueError(f"expected fields of 20, 20 and 8 bytes, found {lengths}")

    def __str__(self) -> str:
        return f"handshake for {self.info_hash.hex()}, from {readable_peer_id(self.peer_id)}"

    @property
    def speaks_extensions(self) -> bool:
        """Say whether the peer takes extended messages (BEP 10)."""
        return bool(self.reserved[5] & 0x10)

    @property
    def speaks_fast(self) -> bool:
        """Say whether the peer takes the fast extension's messages (BEP 6)."""
        return bool(self.reserved[7] & 0x04)

    @property
    def speaks_dht(self) -> bool:
        """Say whether the peer runs a node of the distributed hash table (BEP 5)."""
        return bool(self.reserved[7] & 0x01)

    def encode(self) -> bytes:
        """Write the handshake's 68 bytes."""
        return PROTOCOL_NAME + self.reserved + self.info_hash + self.peer_id


def reserved_bytes(*, extensions: bool = False, fast: bool = False, dht: bool = False) -> bytes:
    """Write the 8 reserved bytes of a client that speaks BEP 10, BEP 6, BEP 5: all or some."""
    return bytes((0, 0, 0, 0, 0, 0x10 * extensions, 0, 0x04 * fast | 0x01 * dht))


def check_beginning(received: bytes | memoryview) -> None:
    """Refuse at the first byte what cannot become a handshake, without waiting for all 68.

    Raises:
        PeerProtocolError: if the peer speaks something else (HTTP, TLS, encryption).
    """
    start = bytes(received[: len(PROTOCOL_NAME)])
    if not PROTOCOL_NAME.startswith(start):
        raise PeerProtocolError(f"expected a BitTorrent handshake, found {start!r}")


def parse_handshake(data: bytes | memoryview) -> Handshake:
    """Read a handshake from exactly 68 bytes.

    Raises:
        PeerProtocolError: if they are no handshake.
    """
    if len(data) != HANDSHAKE_BYTES:
        raise PeerProtocolError(f"expected a handshake of 68 bytes, found {len(data)}")
    check_beginning(data)
    return Handshake(
        info_hash=bytes(data[_RESERVED_END:_INFO_HASH_END]),
        peer_id=bytes(data[_INFO_HASH_END:]),
        reserved=bytes(data[len(PROTOCOL_NAME) : _RESERVED_END]),
    )


def new_peer_id(rng: random.Random) -> bytes:
    """Make up a peer id: our client's prefix and 12 random letters and digits."""
    count = PEER_ID_BYTES - len(CLIENT_PREFIX)
    return CLIENT_PREFIX + bytes(rng.choices(_ID_CHARACTERS, k=count))


def readable_peer_id(peer_id: bytes) -> str:
    """Write a peer id for people; bytes that are no printable ASCII appear as dots."""
    return "".join(chr(byte) if 32 < byte < 127 else "." for byte in peer_id)
