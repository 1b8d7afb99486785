"""What the two sides of a connection have said of themselves so far: BEP 3, 6 and 10.

Both begin choking and without interest. Each direction has its own place in the table
of legal orders. Every message passes here once, so here it is counted and, if anybody
listens, reported.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, TypeAlias

from actortorrent.errors import ActorTorrentError, PeerProtocolError
from actortorrent.wire.handshake import Handshake
from actortorrent.wire.legal_order import (
    FAST_ORDER,
    LEGAL_ORDER,
    State,
    order_broken,
    state_after,
)
from actortorrent.wire.messages import PIECE_HEADER_BYTES, AllowedFast, Kind, Message

Direction: TypeAlias = Literal["sent", "received"]
OnMessage: TypeAlias = Callable[[Direction, int, int, Message | Handshake], None]

MAX_ALLOWED_FAST = 128  # pieces of one direction that are remembered; BEP 6 speaks of 10

_HANDSHAKE, _REQUEST, _PIECE = int(Kind.HANDSHAKE), int(Kind.REQUEST), int(Kind.PIECE)
_MANY = frozenset((_REQUEST, _PIECE))  # a message of these kinds for every 16 KiB

# What a side says of itself, by the message that says it.
_PEER_SAYS: dict[int, tuple[str, bool]] = {
    Kind.CHOKE: ("peer_choking", True),
    Kind.UNCHOKE: ("peer_choking", False),
    Kind.INTERESTED: ("peer_interested", True),
    Kind.NOT_INTERESTED: ("peer_interested", False),
}
_WE_SAY: dict[int, tuple[str, bool]] = {
    Kind.CHOKE: ("am_choking", True),
    Kind.UNCHOKE: ("am_choking", False),
    Kind.INTERESTED: ("am_interested", True),
    Kind.NOT_INTERESTED: ("am_interested", False),
}


class Conversation:
    """Keep what was said, check who may speak, count and report.

    Args:
        we_dialled: whoever was dialled says its handshake second.
        on_message: called with direction, stream offset, length in bytes and value of
            each message; of blocks and requests only if `trace_blocks` is set, as
            there are many: they are always counted.

    Attributes:
        am_choking, am_interested, peer_choking, peer_interested: as last said.
        our_state, their_state: how far each direction has come.
        speaks_fast, speaks_extensions, speaks_dht: whether both handshakes say so of BEP 6,
            BEP 10, BEP 5.
        allowed_by_peer, allowed_to_peer: pieces that may be asked for in spite of a choke
            (BEP 6): by us, by the peer.
        bytes_sent: the offset in our stream behind what was sent last.
        blocks_received, block_bytes_received, blocks_sent, block_bytes_sent,
            requests_received, requests_sent: counts since the connection began.
        talk_left: how many messages the peer may send besides blocks, and requests that are in
            order; whoever knows the time adds to it.
    """

    __slots__ = (
        "_handshakes",
        "_order",
        "_we_dialled",
        "allowed_by_peer",
        "allowed_to_peer",
        "am_choking",
        "am_interested",
        "block_bytes_received",
        "block_bytes_sent",
        "blocks_received",
        "blocks_sent",
        "bytes_sent",
        "on_message",
        "our_state",
        "peer_choking",
        "peer_interested",
        "requests_received",
        "requests_sent",
        "speaks_dht",
        "speaks_extensions",
        "speaks_fast",
        "talk_left",
        "their_state",
        "trace_blocks",
    )

    def __init__(
        self, *, we_dialled: bool, on_message: OnMessage | None = None, trace_blocks: bool = False
    ) -> None:
        self._we_dialled = we_dialled
        self.on_message = on_message
        self.trace_blocks = trace_blocks
        self.their_state = self.our_state = State.AWAITING_HANDSHAKE
        self.am_choking = self.peer_choking = True
        self.am_interested = self.peer_interested = False
        self.speaks_fast = self.speaks_extensions = self.speaks_dht = False
        self.allowed_by_peer: set[int] = set()
        self.allowed_to_peer: set[int] = set()
        self._handshakes: tuple[Handshake, ...] = ()
        self._order = LEGAL_ORDER
        self.bytes_sent = self.blocks_sent = self.block_bytes_sent = self.requests_sent = 0
        self.blocks_received = self.block_bytes_received = self.requests_received = 0
        self.talk_left = math.inf

    def close(self) -> None:
        """Allow nothing more, either way."""
        self.their_state = self.our_state = State.CLOSED

    @property
    def _reports_blocks(self) -> bool:
        return self.trace_blocks and self.on_message is not None

    def _peer_may_send(self, kind: int) -> None:
        """Move the peer's direction on in the table, or refuse the message."""
        state = state_after(self.their_state, kind, self._order)
        if state is None:
            raise PeerProtocolError(order_broken(self.their_state, kind))
        self.their_state = state

    def _we_may_send(self, kind: int) -> None:
        """Move our direction on, unless order or a choke forbids it: that is a bug of ours."""
        state = state_after(self.our_state, kind, self._order)
        if state is None:
            raise ActorTorrentError(f"sending: {order_broken(self.our_state, kind)}")
        is_choked = self.peer_choking and not self.allowed_by_peer
        if kind == _REQUEST and (is_choked or not self.am_interested):
            raise ActorTorrentError("sending a request while choked, or without interest")
        if kind == _PIECE and self.am_choking and not self.allowed_to_peer:
            raise ActorTorrentError("sending a block to a peer that we choke")
        awaits_theirs = not self._we_dialled and self.their_state is State.AWAITING_HANDSHAKE
        if kind == _HANDSHAKE and awaits_theirs:
            raise ActorTorrentError("sending a handshake before the dialling peer's has come")
        self.our_state = state

    def _note_received(self, message: Message | Handshake, offset: int, length: int) -> None:
        kind = message.kind
        if kind in _PEER_SAYS:
            setattr(self, *_PEER_SAYS[kind])
        elif kind == _PIECE:
            self.blocks_received += 1
            self.block_bytes_received += length - PIECE_HEADER_BYTES
        elif kind == _REQUEST:
            self.requests_received += 1
        elif isinstance(message, Handshake):
            self._shook_hands(message)
        elif isinstance(message, AllowedFast):
            _remember(self.allowed_by_peer, message)
        self._report("received", offset, length, message)
        if kind not in _MANY or (kind == _REQUEST and self.am_choking):
            self.talked(1)

    def talked(self, count: int) -> None:
        """Count messages besides blocks, and requests that are in order.

        Raises:
            PeerProtocolError: if the peer has sent more of them than it may.
        """
        self.talk_left -= count
        if self.talk_left < 0:
            raise PeerProtocolError(
                "expected blocks and requests for them, found a flood of others"
            )

    def _note_sent(self, message: Message | Handshake, length: int) -> None:
        kind = message.kind
        if kind in _WE_SAY:
            setattr(self, *_WE_SAY[kind])
        elif kind == _PIECE:
            self.blocks_sent += 1
            self.block_bytes_sent += length - PIECE_HEADER_BYTES
        elif kind == _REQUEST:
            self.requests_sent += 1
        elif isinstance(message, Handshake):
            self._shook_hands(message)
        elif isinstance(message, AllowedFast):
            _remember(self.allowed_to_peer, message)
        self._report("sent", self.bytes_sent, length, message)
        self.bytes_sent += length

    def _shook_hands(self, handshake: Handshake) -> None:
        """Learn from the second of the two handshakes what both sides speak."""
        self._handshakes = (*self._handshakes, handshake)
        if len(self._handshakes) == 2:
            self.speaks_fast = all(one.speaks_fast for one in self._handshakes)
            self.speaks_extensions = all(one.speaks_extensions for one in self._handshakes)
            self.speaks_dht = all(one.speaks_dht for one in self._handshakes)
            self._order = FAST_ORDER if self.speaks_fast else LEGAL_ORDER

    def _report(
        self, direction: Direction, offset: int, length: int, message: Message | Handshake
    ) -> None:
        if self.on_message is None:
            return
        if self.trace_blocks or message.kind not in _MANY:
            self.on_message(direction, offset, length, message)


def _remember(pieces: set[int], message: AllowedFast) -> None:
    if len(pieces) < MAX_ALLOWED_FAST:
        pieces.add(message.piece_index)
