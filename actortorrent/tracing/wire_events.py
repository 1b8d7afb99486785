"""What a trace says of the messages that peers exchange: BEP 3, 6 and 10.

`(conn, offset, length)` names the same message at both ends of a connection: `offset`
is where it begins in the stream of its direction, the handshake included, and
`length` what it takes up there. Blocks never appear, only their lengths, unless the
payload is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from actortorrent.tracing.extended_telling import extended_text
from actortorrent.tracing.shapes import field_names
from actortorrent.tracing.summaries import Payload
from actortorrent.wire.handshake import Handshake
from actortorrent.wire.messages import BLOCK_NAME, PIECE_HEADER_BYTES, Bitfield, Extended

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from actortorrent.wire.messages import Message

MAX_BITFIELD_BYTES = 2048  # of 16,384 pieces; a longer one is only counted
PEER_ID_LIMITS = (32, 127)  # what is printed of a peer id: ASCII


def wire_data(
    conn: int,
    offset: int,
    length: int,
    message: Message | Handshake,
    *,
    with_payload: bool = False,
) -> dict[str, object]:
    """Return the `data` of a `bt:message_sent` or `bt:message_received`."""
    data: dict[str, object] = {
        "conn": conn,
        "offset": offset,
        "length": length,
        "type": message.name,
    }
    fields = _fields(message, with_payload=with_payload)
    return {**data, "fields": fields} if fields else data


def block_data(
    conn: int, piece_index: int, block_offset: int, block: memoryview
) -> dict[str, object]:
    """Return the `data` of a `bt:block_received`: at the level "payload", all of it."""
    return {
        "conn": conn,
        "piece_index": piece_index,
        "block_offset": block_offset,
        "payload": Payload(block),
    }


class BlockCounts(Protocol):
    """What a connection counts of the messages that are too many to record each."""

    blocks_received: int
    block_bytes_received: int
    blocks_sent: int
    block_bytes_sent: int
    requests_received: int
    requests_sent: int


class BlockTally:
    """Sum up the blocks and requests of a connection since it was last asked.

    The connection counts them anyway, so they cost nothing more until then. In sum
    the events account for every byte of the stream: `length` is what they took up.
    """

    __slots__ = ("_conn", "_told")

    def __init__(self, conn: int) -> None:
        self._conn = conn
        self._told: tuple[int, ...] = (0, 0, 0, 0, 0, 0)

    def news(self, counts: BlockCounts) -> Sequence[tuple[str, Mapping[str, object]]]:
        """Return name and `data` of an event for each kind that went by since."""
        now = (
            counts.blocks_received,
            counts.requests_received,
            counts.blocks_sent,
            counts.requests_sent,
            counts.block_bytes_received,
            counts.block_bytes_sent,
        )
        return () if now == self._told else list(self._changed(now))

    def requests_news(self, counts: BlockCounts) -> tuple[str, Mapping[str, object]]:
        """Return name and `data` of the event for the requests sent since; there must be some."""
        count = counts.requests_sent - self._told[3]
        self._told = (*self._told[:3], counts.requests_sent, *self._told[4:])
        return "bt:requests_sent", self._requests(count)

    def _changed(self, now: tuple[int, ...]) -> Iterator[tuple[str, Mapping[str, object]]]:
        new = [after - before for after, before in zip(now, self._told, strict=True)]
        self._told = now
        blocks_received, requests_received, blocks_sent, requests_sent, *payload = new
        if blocks_received:
            yield "bt:blocks_received", self._blocks(blocks_received, payload[0])
        if requests_received:
            yield "bt:requests_received", self._requests(requests_received)
        if blocks_sent:
            yield "bt:blocks_sent", self._blocks(blocks_sent, payload[1])
        if requests_sent:
            yield "bt:requests_sent", self._requests(requests_sent)

    def _blocks(self, count: int, payload: int) -> dict[str, object]:
        length = payload + count * PIECE_HEADER_BYTES
        return {"conn": self._conn, "count": count, "length": length, "block_bytes": payload}

    def _requests(self, count: int) -> dict[str, object]:
        return {"conn": self._conn, "count": count, "length": count * BLOCK_NAME.size}


def _fields(message: Message | Handshake, *, with_payload: bool) -> dict[str, object]:
    if isinstance(message, Handshake):
        return _handshake_fields(message)
    fields: dict[str, object] = {}
    for name in field_names(type(message)):
        value = getattr(message, name)
        is_payload = isinstance(value, bytes) and (with_payload or _is_short_bitfield(message))
        fields[name] = Payload(value) if is_payload else value
    if isinstance(message, Bitfield):
        fields["set_bits"] = int.from_bytes(message.bits).bit_count()
    if isinstance(message, Extended):
        fields["says"] = extended_text(message)
    return fields


def _is_short_bitfield(message: Message) -> bool:
    """Say whether a bitfield is kept whole: which pieces a peer has explains much else."""
    return isinstance(message, Bitfield) and len(message.bits) <= MAX_BITFIELD_BYTES


def _handshake_fields(handshake: Handshake) -> dict[str, object]:
    low, high = PEER_ID_LIMITS
    readable = "".join(chr(byte) if low < byte < high else "." for byte in handshake.peer_id)
    return {
        "info_hash": handshake.info_hash.hex(),
        "peer_id": readable,
        "reserved": handshake.reserved.hex(),
    }
