"""The messages in which peers hand each other a torrent's info dictionary: BEP 9.

The metadata, as it is called there, goes in parts of 16 KiB, the last of which may be
shorter. Each message is the payload of an `Extended` message: a bencoded dictionary, and
behind it, in `data`, the bytes of the part.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from actortorrent.errors import BencodeError, PeerProtocolError
from actortorrent.wire.bencoding import Limits, decode_prefix, encode
from actortorrent.wire.fields import Fields

PART_BYTES = 16 * 1024
MAX_METADATA_BYTES = 16 * 1024 * 1024  # enough for 800,000 pieces
MAX_PARTS = MAX_METADATA_BYTES // PART_BYTES
LIMITS = Limits(size=2 * PART_BYTES, depth=4, tokens=64)


class MetadataKind(IntEnum):
    """Name the `msg_type` of a message."""

    REQUEST = 0
    DATA = 1
    REJECT = 2


@dataclass(frozen=True, slots=True)
class MetadataMessage:
    """Ask for a part of the metadata, carry it, or say that one will not send it.

    Attributes:
        kind: which of the three.
        part_index: which part, from 0.
        total_size: bytes of the whole metadata, of `DATA` only; None if not said.
        data: the part, of `DATA` only.
    """

    kind: MetadataKind
    part_index: int
    total_size: int | None = None
    data: bytes = field(default=b"", repr=False)

    def __str__(self) -> str:
        carried = f", {len(self.data)} bytes" if self.kind is MetadataKind.DATA else ""
        return f"metadata {self.kind.name.lower()} part {self.part_index}{carried}"

    @classmethod
    def from_payload(cls, payload: bytes) -> MetadataMessage | None:
        """Read it from what follows the number of the extension.

        Returns None for a type that the BEP does not name: it is to be ignored.

        Raises:
            PeerProtocolError: if it is no such message.
        """
        try:
            decoded, end = decode_prefix(payload, limits=LIMITS)
        except BencodeError as error:
            raise PeerProtocolError(f"expected a message about metadata: {error}") from None
        fields = Fields(decoded, "the message about metadata", PeerProtocolError)
        kind = fields.find_int(b"msg_type")
        if kind is not None and kind not in _KINDS:
            return None
        kind = MetadataKind(fields.need_int(b"msg_type", 0, 2))
        part_index = fields.need_int(b"piece", 0, MAX_PARTS - 1)
        if kind is not MetadataKind.DATA:
            return cls(kind, part_index)
        data = payload[end:]
        if not 0 < len(data) <= PART_BYTES:
            raise PeerProtocolError(
                f"expected a part of metadata of 1 to {PART_BYTES} bytes, found {len(data)}"
            )
        return cls(kind, part_index, fields.find_int(b"total_size"), data)

    def encode(self) -> bytes:
        """Write the payload."""
        said = {"msg_type": int(self.kind), "piece": self.part_index}
        if self.total_size is not None:
            said["total_size"] = self.total_size
        return encode(said) + self.data


_KINDS = frozenset(MetadataKind)
