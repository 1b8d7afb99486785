"""The bytes of blocks that a trace of the level "payload" has, put to their messages.

Such a trace tells a block's bytes after the message that brought them, in an event of its
own; messages wait for that here, with all that comes behind them.
"""

from __future__ import annotations

import base64
import binascii
from collections import deque
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from actortorrent.tracing.events import WIRE_RECEIVED, Event

MAX_WAITING = 4096  # events; a message whose bytes are not told by then goes without
BlockKey = tuple[str, object, object, object]  # actor, connection, piece, offset


class _Waiting(Struct):
    event: Event
    content: bytes = b""
    is_waiting: bool = False


def with_contents(
    events: Iterable[Event], levels: Mapping[str, str]
) -> Iterator[tuple[Event, bytes]]:
    """Yield each event with the bytes of its block, if these are told; in their order."""
    if "payload" not in levels.values():
        yield from ((event, b"") for event in events)
        return
    waiting: deque[_Waiting] = deque()
    awaited: dict[BlockKey, _Waiting] = {}
    for event in events:
        if event.name == "bt:block_received":
            found = awaited.pop(_key(event, event.data), None)
            if found is not None:
                found.content, found.is_waiting = _decoded(event.data.get("payload")), False
        else:
            waiting.append(_entry(event, levels, awaited))
        while waiting and (not waiting[0].is_waiting or len(waiting) > MAX_WAITING):
            entry = waiting.popleft()
            yield entry.event, entry.content
    yield from ((entry.event, entry.content) for entry in waiting)


def _entry(event: Event, levels: Mapping[str, str], awaited: dict[BlockKey, _Waiting]) -> _Waiting:
    entry = _Waiting(event)
    fields = event.data.get("fields")
    is_block = event.name == WIRE_RECEIVED and event.data.get("type") == "piece"
    has_bytes = levels.get(event.actor.rpartition("/")[0]) == "payload"
    if is_block and has_bytes and isinstance(fields, dict):
        entry.is_waiting = True
        awaited[_key(event, fields)] = entry
    return entry


def _key(event: Event, named: Mapping[str, object]) -> BlockKey:
    numbers = (event.data.get("conn"), named.get("piece_index"), named.get("block_offset"))
    conn, piece, offset = (one if isinstance(one, int) else None for one in numbers)
    return event.actor, conn, piece, offset


def _decoded(text: object) -> bytes:
    try:
        return base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except (binascii.Error, ValueError):
        return b""
