"""The wire half of a trace: what one peer's protocol sent and received, and what it caused.

Without a recorder the protocol's hook stays empty and nothing here costs anything.
Blocks and requests are many: below the level "block" the protocol only counts them,
and `tell_blocks` sums them up, as does every other message before it is recorded: so
the trace has them in the order of the stream.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from actortorrent.tracing.wire_events import BlockTally, block_data, wire_data
from actortorrent.wire.block_rows import BlockRow
from actortorrent.wire.messages import PieceHeader
from actortorrent.wire.stream_reader import Block

if TYPE_CHECKING:
    from collections.abc import Sequence

    from actortorrent.actors.inbox import Inbox
    from actortorrent.wire.conversation import Direction
    from actortorrent.wire.handshake import Handshake
    from actortorrent.wire.messages import BlockName, Message, Request
    from actortorrent.wire.peer_protocol import PeerProtocol
    from actortorrent.wire.stream_reader import Event, Placed

MOST_ASKED = 4_000  # more than may wait to be sent


class WireTrace:
    """Record the messages of one connection, and make each the cause of what follows it."""

    __slots__ = (
        "_arrivals",
        "_asked",
        "_conn",
        "_inbox",
        "_is_frugal",
        "_is_on",
        "_protocol",
        "_tally",
        "_turn",
        "_with_payload",
    )

    def __init__(self, inbox: Inbox, conn: int, protocol: PeerProtocol) -> None:
        self._inbox = inbox
        self._conn = conn
        self._protocol = protocol
        self._tally = BlockTally(conn)
        # What came in this turn and may yet cause something: the message, its event's id.
        self._arrivals: deque[tuple[Message | Handshake, str]] = deque()
        # Requests that wait for their block, and their events' ids.
        self._asked: dict[BlockName, str] = {}
        self._turn = -1
        self._with_payload = False
        self._is_on = inbox.recorder is not None
        # A flight recorder would be full of sums: it gets them with other messages only.
        self._is_frugal = getattr(inbox.recorder, "is_frugal", False)
        if inbox.recorder is not None:
            protocol.on_message = self._message
            protocol.trace_blocks = inbox.recorder.level != "piece"
            self._with_payload = inbox.recorder.level == "payload"

    def becomes_cause(self, event: Event) -> None:
        """Make a message that came the cause of all that follows, up to the next."""
        for number, (message, event_id) in enumerate(self._arrivals, 1):
            if message is event:
                self._inbox.clock.cause = event_id
                for _ in range(number):
                    self._arrivals.popleft()
                return

    def blocks_came(self, blocks: Sequence[Block | Placed]) -> None:
        """Record what is in them, if the trace is to hold even that."""
        if self._with_payload:
            for block in blocks:
                if isinstance(block, Block):  # as all are where blocks are recorded
                    self._inbox.record("bt:block_received", block_data(self._conn, *block))

    def asked(self, request: Request) -> None:
        """Note what was asked for, if its block will be recorded as well."""
        if self._is_on and self._protocol.trace_blocks:
            if len(self._asked) >= MOST_ASKED:  # many were taken back, or met a choke
                self._asked.clear()
            name = (request.piece_index, request.block_offset, request.length)
            self._asked[name] = self._inbox.clock.cause

    def piece_headers(self, row: BlockRow) -> list[bytes]:
        """Write what goes before each block of a row; that it was asked for is its cause."""
        if not self._asked:
            return self._protocol.piece_headers(row)
        clock = self._inbox.clock
        before = clock.cause
        headers = []
        for name in row.blocks():
            clock.cause = self._asked.pop(name, before)
            headers.append(self._protocol.piece_header(*name))
        clock.cause = before
        return headers

    def tell_blocks(self) -> None:
        """Record how many blocks and requests went by since this was last called.

        Blocks that just came are the cause of what follows.
        """
        if not self._is_frugal:
            self._tell_blocks()

    def tell_requests(self) -> None:
        """Record how many requests we sent since this was last called, and nothing else."""
        if self._is_on and not self._is_frugal and not self._protocol.trace_blocks:
            self._inbox.record(*self._tally.requests_news(self._protocol))

    def _tell_blocks(self) -> None:
        if self._is_on and not self._protocol.trace_blocks:
            for name, data in self._tally.news(self._protocol):
                if name == "bt:blocks_received" and self._inbox.is_socket_turn:
                    self._inbox.clock.cause = self._inbox.record(name, data, cause="")
                else:
                    self._inbox.record(name, data)

    def _message(
        self, direction: Direction, offset: int, length: int, message: Message | Handshake
    ) -> None:
        self._tell_blocks()
        data = wire_data(self._conn, offset, length, message, with_payload=self._with_payload)
        if direction == "sent":
            self._inbox.record("bt:message_sent", data)
        else:
            # Only the peer knows what brought it about; its own trace does.
            self._arrived(message, self._inbox.record("bt:message_received", data, cause=""))

    def _arrived(self, message: Message | Handshake, event_id: str) -> None:
        if self._turn != self._inbox.socket_turns:
            self._turn = self._inbox.socket_turns
            self._arrivals.clear()  # those nobody reacted to: keep-alives, unknown ones
        if isinstance(message, PieceHeader):
            self._inbox.clock.cause = event_id  # blocks are handled together, after the last
        else:
            self._arrivals.append((message, event_id))
