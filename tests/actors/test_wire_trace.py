from __future__ import annotations

from typing import Any

from actortorrent.actors.inbox import Inbox
from actortorrent.actors.wire_trace import WireTrace
from actortorrent.tracing.capture import CapturedTrace
from actortorrent.wire.block_rows import BlockRow
from actortorrent.wire.messages import Bitfield, Interested, KeepAlive, Message, Unchoke
from actortorrent.wire.peer_protocol import Block, PeerProtocol

BLOCK = 16 * 1024
INFO_HASH = bytes(20)


def protocol(*, we_dialled: bool) -> PeerProtocol:
    return PeerProtocol(
        INFO_HASH,
        bytes(20),
        4,
        piece_length=4 * BLOCK,
        total_length=16 * BLOCK,
        we_dialled=we_dialled,
    )


class Line:
    """Our end of a connection with its trace, and a peer that says things to it."""

    def __init__(self, level: str | None = "piece") -> None:
        self.captured = CapturedTrace(level or "piece")
        self.inbox = Inbox()
        self.inbox.clock.name = "Peer-1"
        self.inbox.recorder = self.captured if level else None
        self.ours = protocol(we_dialled=True)
        self.trace = WireTrace(self.inbox, 1, self.ours)
        self.peer = protocol(we_dialled=False)
        self.peer.receive(self.ours.handshake())
        self.ours.receive(self.peer.handshake())

    def turn(self, *messages: Message | bytes) -> list[Any]:
        """Let the peer say something, all of which comes in one turn of the socket."""
        self.inbox.socket_turns += 1
        self.inbox.clock.cause = ""
        said = [one if isinstance(one, bytes) else self.peer.send(one) for one in messages]
        events = list(self.ours.receive(b"".join(said)))
        self.trace.blocks_came([one for one in events if isinstance(one, Block)])
        return events

    def blocks(self, count: int) -> bytes:
        """Ask for the first blocks of piece 0, and let the peer send them."""
        self.peer.receive(self.ours.requests(0, 0, count * BLOCK, BLOCK))
        return b"".join(
            self.peer.piece_header(0, index * BLOCK, BLOCK) + bytes(BLOCK) for index in range(count)
        )

    def unchoke(self) -> None:
        self.peer.receive(self.ours.send(Interested()))
        self.turn(Bitfield(b"\xf0"), Unchoke())

    def names(self) -> list[str]:
        return [
            f"{one.name.partition(':')[2]} {one.data.get('type', one.data.get('count'))}"
            for one in self.captured.events
        ]


def test_without_a_recorder_the_protocol_reports_nothing() -> None:
    line = Line(level=None)
    line.unchoke()
    (came,) = line.turn(line.blocks(1))
    line.trace.becomes_cause(came)
    line.trace.tell_blocks()
    assert line.ours.on_message is None
    assert line.captured.events == ()
    assert line.inbox.clock.cause == ""


def test_messages_are_recorded_one_by_one_and_blocks_in_sum() -> None:
    line = Line()
    line.unchoke()
    line.turn(line.blocks(3))
    line.trace.tell_blocks()
    line.trace.tell_blocks()
    assert line.names() == [
        "message_sent handshake",
        "message_received handshake",
        "message_sent interested",
        "message_received bitfield",
        "message_received unchoke",
        "blocks_received 3",
        "requests_sent 3",
    ]


def test_blocks_stand_before_the_message_that_came_after_them() -> None:
    line = Line()
    line.unchoke()
    line.turn(line.blocks(2), KeepAlive())
    assert line.names()[-3:] == [
        "blocks_received 2",
        "requests_sent 2",
        "message_received keep-alive",
    ]


def test_each_message_is_the_cause_of_its_own_effects_even_where_several_come_at_once() -> None:
    line = Line()
    bitfield, unchoke = line.turn(KeepAlive(), Bitfield(b"\xf0"), KeepAlive(), Unchoke())
    ids = {one.data["type"]: one.id for one in line.captured.named("bt:message_received")}
    line.trace.becomes_cause(bitfield)
    assert line.inbox.clock.cause == ids["bitfield"]
    line.trace.becomes_cause(unchoke)
    assert line.inbox.clock.cause == ids["unchoke"]
    assert [one.cause for one in line.captured.named("bt:message_received")] == [""] * 5


def test_what_nobody_reacted_to_is_forgotten_at_the_next_turn() -> None:
    line = Line()
    for _ in range(10):
        line.turn(KeepAlive(), KeepAlive())
    assert len(line.trace._arrivals) == 2


def test_blocks_that_came_are_the_cause_of_what_follows() -> None:
    line = Line()
    line.unchoke()
    line.turn(line.blocks(2))
    line.trace.tell_blocks()
    (blocks,) = line.captured.named("bt:blocks_received")
    assert line.inbox.clock.cause == blocks.id
    assert line.captured.named("bt:requests_sent")[0].cause == blocks.id


def test_at_the_level_block_each_block_is_recorded_without_its_payload() -> None:
    line = Line("block")
    line.unchoke()
    line.turn(line.blocks(2))
    line.trace.tell_blocks()
    assert line.names()[-4:] == [
        "message_sent request",
        "message_sent request",
        "message_received piece",
        "message_received piece",
    ]
    last = line.captured.events[-1]
    assert last.data["fields"] == {"piece_index": 0, "block_offset": BLOCK, "length": BLOCK}
    assert line.inbox.clock.cause == last.id


def test_at_the_level_payload_even_the_bytes_are_recorded() -> None:
    line = Line("payload")
    line.unchoke()
    line.turn(line.blocks(1))
    (block,) = line.captured.named("bt:block_received")
    assert (block.data["piece_index"], block.data["block_offset"]) == (0, 0)
    assert len(block.data["payload"]) == -(-BLOCK // 3) * 4
    (bitfield,) = [
        one for one in line.captured.named("bt:message_received") if one.data["type"] == "bitfield"
    ]
    assert bitfield.data["fields"]["bits"] == "8A=="


def test_each_block_that_is_sent_has_its_own_request_as_its_cause() -> None:
    line = Line("block")
    line.turn(Bitfield(b"\x00"), Interested())
    line.peer.receive(line.ours.send(Bitfield(b"\xf0")) + line.ours.send(Unchoke()))
    for request in line.turn(line.peer.requests(0, 0, 3 * BLOCK, BLOCK)):
        line.trace.becomes_cause(request)
        line.trace.asked(request)
    for index in (2, 0, 1):
        line.trace.piece_headers(BlockRow(0, index * BLOCK, BLOCK, BLOCK))
    asked = {
        event.data["fields"]["block_offset"]: event.id
        for event in line.captured.named("bt:message_received")
        if event.data["type"] == "request"
    }
    sent = {
        event.data["fields"]["block_offset"]: event.cause
        for event in line.captured.named("bt:message_sent")
        if event.data["type"] == "piece"
    }
    assert sent == asked
    assert len(set(sent.values())) == 3
