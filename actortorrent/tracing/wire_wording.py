"""Wire messages of a trace as English: `request piece 3, offset 16384, length 16384`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actortorrent.tracing.dht_events import DATAGRAM, datagram_text
from actortorrent.tracing.events import Event
from actortorrent.tracing.wording import pairs_text, size_text, value_text

# How each message reads, with its fields; a message that lacks one is told field by field.
_SENTENCES: Mapping[str, str] = {
    "handshake": "handshake of {peer_id}",
    "have": "have piece {piece_index}",
    "bitfield": "bitfield, {set_bits} pieces set",
    "request": "request piece {piece_index}, offset {block_offset}, length {length}",
    "cancel": "cancel piece {piece_index}, offset {block_offset}, length {length}",
    "piece": "piece {piece_index}, offset {block_offset}, {length} bytes",
    "port": "port {udp_port}",
    "suggest": "suggest piece {piece_index}",
    "reject": "reject piece {piece_index}, offset {block_offset}, length {length}",
    "allowed fast": "allowed fast piece {piece_index}",
    "extended": "extended: {says}",
}

# Messages of BEP 6 as older traces have them: unknown, with the byte that says which.
_FAST_KINDS: Mapping[int, str] = {
    13: "suggest piece",
    14: "have all",
    15: "have none",
    16: "reject request",
    17: "allowed fast",
}

_ARROWS: Mapping[str, str] = {
    f"{what}{direction}": direction
    for what in ("bt:message_", "bt:blocks_", "bt:block_", "bt:requests_", DATAGRAM)
    for direction in ("received", "sent")
}


def wire_arrow(event: Event) -> str:
    """Return `received` or `sent` for what went to or came from others, nothing for the rest."""
    return _ARROWS.get(event.name, "")


def wire_text(event: Event) -> str:
    """Return what went over the wire, in English."""
    data = event.data
    if event.name.startswith(DATAGRAM):
        return datagram_text(data, wire_arrow(event))
    what = event.name.partition(":")[2].rpartition("_")[0]
    match what:
        case "blocks":
            size = data.get("block_bytes")
            suffix = f", {size_text(size)}" if isinstance(size, int) else ""
            return f"{_counted(data, 'block')}{suffix}"
        case "requests":
            return _counted(data, "request")
        case "block":
            return f"what is in a block: {pairs_text(data)}"
    return _message_text(data)


def _message_text(data: Mapping[str, Any]) -> str:
    kind = value_text(data.get("type"))
    fields = data.get("fields")
    if not isinstance(fields, dict):
        return kind
    number = fields.get("kind")
    if kind == "unknown" and type(number) is int and number in _FAST_KINDS:
        return f"{_FAST_KINDS[number]}, a message of BEP 6"
    texts = {name: value_text(value) for name, value in fields.items()}
    try:
        return _SENTENCES[kind].format_map(texts)
    except KeyError:
        return f"{kind}, {pairs_text(fields)}"


def _counted(data: Mapping[str, Any], noun: str) -> str:
    count = data.get("count")
    return f"1 {noun}" if count == 1 else f"{value_text(count)} {noun}s"
