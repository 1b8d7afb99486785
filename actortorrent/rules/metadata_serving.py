"""Which parts of our info dictionary a peer gets: BEP 9.

One that asks for the same again and again gets a reject: the whole a few times is enough.
"""

from __future__ import annotations

from actortorrent.wire.metadata_exchange import (
    MAX_METADATA_BYTES,
    PART_BYTES,
    MetadataKind,
    MetadataMessage,
)

TIMES_SERVED = 3  # as many parts as the metadata has, so often


class MetadataServing:
    """Answer one connection's requests.

    Args:
        raw_info: the bytes that the info-hash is taken over; empty while we lack them.
    """

    def __init__(self, raw_info: bytes) -> None:
        self._raw_info = raw_info if len(raw_info) <= MAX_METADATA_BYTES else b""
        self._left = TIMES_SERVED * -(-len(self._raw_info) // PART_BYTES)

    @property
    def size(self) -> int | None:
        """Return the `metadata_size` to tell in our handshake; None if we serve nothing."""
        return len(self._raw_info) or None

    def answer(self, part_index: int) -> MetadataMessage:
        """Return the part, or a reject if there is none, or the peer had enough."""
        data = self._raw_info[part_index * PART_BYTES : (part_index + 1) * PART_BYTES]
        if not data or self._left <= 0:
            return MetadataMessage(MetadataKind.REJECT, part_index)
        self._left -= 1
        return MetadataMessage(MetadataKind.DATA, part_index, len(self._raw_info), data)
