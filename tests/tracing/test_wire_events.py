from __future__ import annotations

from typing import Any

import pytest

from actortorrent.tracing.summaries import summarise
from actortorrent.tracing.wire_events import BlockTally, block_data, wire_data
from actortorrent.wire.handshake import Handshake
from actortorrent.wire.messages import (
    AllowedFast,
    Bitfield,
    Extended,
    Have,
    HaveAll,
    Interested,
    Message,
    PieceHeader,
    Reject,
    Request,
    Suggest,
    Unchoke,
)
from actortorrent.wire.peer_protocol import PeerProtocol

BLOCK = 16 * 1024
INFO_HASH = bytes(range(20))


@pytest.mark.parametrize(
    ("message", "kind", "fields"),
    [
        (Unchoke(), "unchoke", None),
        (Have(5), "have", {"piece_index": 5}),
        (Bitfield(b"\xff\x80"), "bitfield", {"bits": "/4A=", "set_bits": 9}),
        (Bitfield(bytes(2049)), "bitfield", {"bits": "<2049 bytes>", "set_bits": 0}),
        (
            Request(3, BLOCK, BLOCK),
            "request",
            {"piece_index": 3, "block_offset": BLOCK, "length": BLOCK},
        ),
        (
            PieceHeader(3, 0, BLOCK),
            "piece",
            {"piece_index": 3, "block_offset": 0, "length": BLOCK},
        ),
        (
            Extended(1, b"abc"),
            "extended",
            {"extended_id": 1, "payload": "<3 bytes>", "says": "message 1"},
        ),
        (HaveAll(), "have all", None),
        (Suggest(5), "suggest", {"piece_index": 5}),
        (AllowedFast(5), "allowed fast", {"piece_index": 5}),
        (
            Reject(3, BLOCK, BLOCK),
            "reject",
            {"piece_index": 3, "block_offset": BLOCK, "length": BLOCK},
        ),
        (
            Handshake(INFO_HASH, b"-XX0001-\x00\x1b[31mfghijk", bytes(8)),
            "handshake",
            {
                "info_hash": INFO_HASH.hex(),
                "peer_id": "-XX0001-..[31mfghijk",
                "reserved": "00" * 8,
            },
        ),
    ],
)
def test_a_message_is_told_by_its_fields_and_payloads_by_their_length(
    message: Message | Handshake, kind: str, fields: dict[str, Any] | None
) -> None:
    data = summarise(wire_data(3, 68, 17, message))
    expected: dict[str, Any] = {"conn": 3, "offset": 68, "length": 17, "type": kind}
    assert data == ({**expected, "fields": fields} if fields else expected)


def test_the_payload_is_told_only_where_it_is_wanted() -> None:
    told = wire_data(3, 0, 9, Extended(1, b"abc"), with_payload=True)
    assert summarise(told["fields"]) == {
        "extended_id": 1,
        "payload": "YWJj",
        "says": "message 1",
    }
    assert summarise(block_data(3, 5, 0, memoryview(b"abc")))["payload"] == "YWJj"  # type: ignore[call-overload,index]


class Ends:
    """The two ends of a connection, and what a trace of each would account for."""

    def __init__(self, *, trace_blocks: bool) -> None:
        self.accounts: dict[tuple[str, str], int] = {}
        self.names: list[str] = []
        self.ours = self._end("ours", we_dialled=True, trace_blocks=trace_blocks)
        self.theirs = self._end("theirs", we_dialled=False, trace_blocks=trace_blocks)
        self.tallies = {"ours": BlockTally(1), "theirs": BlockTally(9)}

    def _end(self, end: str, *, we_dialled: bool, trace_blocks: bool) -> PeerProtocol:
        def on_message(direction: str, _offset: int, length: int, _message: object) -> None:
            self._account(end, direction, length)

        return PeerProtocol(
            INFO_HASH,
            bytes(20),
            4,
            piece_length=4 * BLOCK,
            total_length=16 * BLOCK,
            we_dialled=we_dialled,
            on_message=on_message,
            trace_blocks=trace_blocks,
        )

    def _account(self, end: str, direction: str, length: int) -> None:
        key = (end, direction)
        self.accounts[key] = self.accounts.get(key, 0) + length

    def talk(self) -> None:
        """Fetch a piece and half of another."""
        ours, theirs = self.ours, self.theirs
        theirs.receive(ours.handshake())
        ours.receive(theirs.handshake())
        ours.receive(theirs.send(Bitfield(b"\xf0")))
        theirs.receive(ours.send(Interested()))
        ours.receive(theirs.send(Unchoke()))
        theirs.receive(ours.requests(0, 0, 4 * BLOCK, BLOCK))
        for offset in range(0, 4 * BLOCK, BLOCK):
            ours.receive(theirs.piece_header(0, offset, BLOCK) + bytes(BLOCK))
        self.tell()
        theirs.receive(ours.requests(1, 0, 2 * BLOCK, BLOCK))
        ours.receive(theirs.piece_header(1, 0, BLOCK) + bytes(BLOCK))
        theirs.receive(ours.send(Have(0)))
        self.tell()

    def tell(self) -> None:
        for end, protocol in (("ours", self.ours), ("theirs", self.theirs)):
            for name, data in self.tallies[end].news(protocol):
                length = data["length"]
                assert isinstance(length, int)
                self.names.append(f"{end} {name}")
                self._account(end, name.rpartition("_")[2], length)


def test_messages_and_sums_account_for_every_byte_of_both_streams() -> None:
    ends = Ends(trace_blocks=False)
    ends.talk()
    assert ends.accounts[("ours", "sent")] == ends.ours.bytes_sent
    assert ends.accounts[("theirs", "received")] == ends.ours.bytes_sent
    assert ends.accounts[("theirs", "sent")] == ends.theirs.bytes_sent
    assert ends.accounts[("ours", "received")] == ends.theirs.bytes_sent
    assert (
        ends.names
        == [
            "ours bt:blocks_received",
            "ours bt:requests_sent",
            "theirs bt:requests_received",
            "theirs bt:blocks_sent",
        ]
        * 2
    )


def test_single_messages_alone_account_for_every_byte_where_blocks_are_traced() -> None:
    ends = Ends(trace_blocks=True)
    ends.tell = lambda: None  # type: ignore[method-assign]
    ends.talk()
    assert ends.accounts[("ours", "received")] == ends.theirs.bytes_sent
    assert ends.accounts[("theirs", "received")] == ends.ours.bytes_sent


def test_nothing_new_is_told_twice() -> None:
    ends = Ends(trace_blocks=False)
    ends.talk()
    assert list(ends.tallies["ours"].news(ends.ours)) == []
