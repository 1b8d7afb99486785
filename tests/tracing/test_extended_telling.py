from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.tracing.events import Event
from actortorrent.tracing.extended_telling import extended_text
from actortorrent.tracing.summaries import summarise
from actortorrent.tracing.wire_events import wire_data
from actortorrent.tracing.wire_wording import wire_text
from actortorrent.wire.addresses import Address
from actortorrent.wire.extension_handshake import UT_PEX, ExtensionHandshake
from actortorrent.wire.messages import Extended, Message, Reject, Suggest
from actortorrent.wire.metadata_exchange import MetadataKind, MetadataMessage
from actortorrent.wire.peer_exchange import Contact, PeerExchange

ADA, BOB = Address("10.0.0.1", 6881), Address("2001:db8::2", 7000)
HELLO = ExtensionHandshake(((UT_PEX, 1),), "Ada 1.0", your_ip="10.0.0.7")


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (HELLO.message(), "handshake of Ada 1.0: ut_pex"),
        (
            Extended(3, MetadataMessage(MetadataKind.DATA, 2, 90, b"xyz").encode()),
            "metadata data part 2, 3 bytes",
        ),
        (
            Extended(1, PeerExchange((Contact(ADA), Contact(BOB))).encode()),
            "exchange of peers: 2 added, 0 dropped",
        ),
        (
            Extended(1, PeerExchange((Contact(BOB),)).encode().replace(b"5:added0:", b"")),
            "exchange of peers: 1 added, 0 dropped",
        ),
        (Extended(7, b"\0\0\0\5"), "message 7"),
        (Extended(0, b"garbage"), "message 0"),
        (Extended(2, b"d8:msg_typei9e5:piecei0ee"), "message 2"),
        (Extended(2, b"d8:msg_typei0ee"), "message 2"),
    ],
)
def test_a_message_is_known_by_its_form(message: Extended, text: str) -> None:
    assert extended_text(message) == text


@given(st.integers(0, 255), st.binary(max_size=100))
def test_any_message_can_be_told(number: int, payload: bytes) -> None:
    assert extended_text(Extended(number, payload))


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (HELLO.message(), "extended: handshake of Ada 1.0: ut_pex"),
        (Suggest(4), "suggest piece 4"),
        (Reject(4, 0, 9), "reject piece 4, offset 0, length 9"),
    ],
)
def test_so_it_reads_in_a_trace(message: Message, text: str) -> None:
    data = summarise(wire_data(1, 0, 9, message))
    assert isinstance(data, dict)
    assert wire_text(Event(0, "bt:message_sent", "Peer-1", 1, "", data)) == text
    assert "10.0.0.7" not in str(data)


def test_a_trace_that_does_not_say_it_is_worded_by_its_fields() -> None:
    data = {"type": "extended", "fields": {"extended_id": 3, "payload": "<9 bytes>"}}
    told = wire_text(Event(0, "bt:message_sent", "Peer-1", 1, "", data))
    assert told == "extended, extended_id 3, payload <9 bytes>"
