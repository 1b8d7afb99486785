"""The wire half of a trace: what one peer's protocol sent and received, and what it caused.

Without a recorder the protocol's hook stays empty and nothing here costs anything.
Blocks and requests are many: below the level "block" they are only counted, and told
now and then.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from actortorrent.tracing.wire_events import wire_data

if TYPE_CHECKING:
    from actortorrent.actors.inbox import Inbox
    from actortorrent.wire.handshake import Handshake
    from actortorrent.wire.messages import Message
    from actortorrent.wire.conversation import Direction
    from actortorrent.wire.peer_protocol import Event, PeerProtocol


class WireTrace:
    """Record the messages of one connection, and make each the cause of what follows it."""

    __slots__ = ("_arrivals", "_conn", "_inbox", "_protocol", "_told")

    def __init__(self, inbox: Inbox, conn: int, protocol: PeerProtocol) -> None:
        self._inbox = inbox
        self._conn = conn
        self._protocol = protocol
        self._arrivals: dict[int, str] = {}  # id() of a message that came -> id of its event
        self._told = (0, 0, 0, 0)
        if inbox.recorder is not None:
            protocol.on_message = self._message
            protocol.trace_blocks = inbox.recorder.level != "piece"

    def becomes_cause(self, event: Event) -> None:
        """Make a message that came the cause of all that follows, up to the next."""
        if self._arrivals:
            self._inbox.clock.cause = self._arrivals.pop(id(event), self._inbox.clock.cause)

    def tell_blocks(self) -> None:
        """Record how many blocks and requests went by since this was last called."""
        if self._inbox.recorder is None or self._protocol.trace_blocks:
            return
        protocol = self._protocol
        counts = (
            protocol.requests_sent,
            protocol.block_bytes_received,
            protocol.requests_received,
            protocol.block_bytes_sent,
        )
        if counts != self._told:
            names = ("requests_sent", "bytes_received", "requests_received", "bytes_sent")
            new = [now - before for now, before in zip(counts, self._told, strict=True)]
            self._told = counts
            self._record(
                "bt:blocks", {"conn": self._conn, **dict(zip(names, new, strict=True))}
            )

    def _message(
        self, direction: Direction, offset: int, length: int, message: Message | Handshake
    ) -> None:
        data = wire_data(self._conn, offset, length, message)
        event_id = self._record(f"bt:message_{direction}", data)
        if direction == "received":
            self._arrivals[id(message)] = event_id

    def _record(self, name: str, data: dict[str, object]) -> str:
        recorder, clock = self._inbox.recorder, self._inbox.clock
        assert recorder is not None  # the hook is only set where there is one
        moment = clock.tick()
        recorder.record(time.monotonic_ns(), name, clock.name, moment, clock.cause, data)
        return clock.event_id(moment)
