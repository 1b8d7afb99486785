"""What a peer is told of us, and how much metadata it may ask for."""

from __future__ import annotations

import random
from typing import Any

import pytest

from actortorrent.actors.peer_extensions import (
    CLIENT,
    ENOUGH_PENDING_BYTES,
    MAX_ASKED_PARTS,
    PeerExtensions,
)
from actortorrent.actors.peer_uploads import MAX_QUEUED_REQUESTS
from actortorrent.actors.peer_values import Connection, TorrentFacts
from actortorrent.errors import PeerProtocolError
from actortorrent.rules.encryption import Encryption
from actortorrent.rules.geometry import Geometry
from actortorrent.rules.metadata_serving import TIMES_SERVED
from actortorrent.wire.addresses import Address
from actortorrent.wire.extension_handshake import METADATA_ID, UT_METADATA, ExtensionHandshake
from actortorrent.wire.messages import Extended
from actortorrent.wire.metadata_exchange import PART_BYTES, MetadataKind, MetadataMessage
from actortorrent.wire.proxy_handshake import parse_proxy

RAW_INFO = random.Random(1).randbytes(2 * PART_BYTES + 5)
THEIR_ID = 9


def extensions_of(host: str = "192.0.2.7", **facts: Any) -> PeerExtensions:
    torrent = TorrentFacts(bytes(20), bytes(20), Geometry(100, 10), raw_info=RAW_INFO, **facts)
    return PeerExtensions(Connection(1, Address(host, 1000)), torrent)


def said(extensions: PeerExtensions, **how: bool) -> ExtensionHandshake:
    return ExtensionHandshake.from_payload(extensions.greeting(**how).payload)


def ask(extensions: PeerExtensions, part: int) -> None:
    request = MetadataMessage(MetadataKind.REQUEST, part)
    extensions.came(Extended(METADATA_ID, request.encode()))


def introduce(extensions: PeerExtensions) -> None:
    extensions.came(ExtensionHandshake(((UT_METADATA, THEIR_ID),)).message())


def answers(extensions: PeerExtensions) -> list[MetadataMessage]:
    given = []
    while extensions.can_serve(0):
        answer = extensions.next_answer()
        assert answer is not None
        assert answer.extended_id == THEIR_ID
        message = MetadataMessage.from_payload(answer.payload)
        assert message is not None
        given.append(message)
    return given


def test_the_greeting_says_who_we_are_and_what_we_allow() -> None:
    greeting = said(extensions_of(listen_port=7000, encryption=Encryption.PREFER))
    assert greeting.extensions == ((UT_METADATA, METADATA_ID),)
    assert greeting.client == CLIENT
    assert greeting.client.startswith("actortorrent ")
    assert greeting.listen_port == 7000
    assert greeting.request_queue == MAX_QUEUED_REQUESTS
    assert greeting.your_ip == "192.0.2.7"
    assert greeting.metadata_size == len(RAW_INFO)
    assert greeting.is_upload_only is None


def test_what_does_not_hold_is_not_said() -> None:
    extensions = PeerExtensions(
        Connection(1, Address("peer.example", 1000)),
        TorrentFacts(bytes(20), bytes(20), Geometry(0, 1)),
    )
    greeting = said(extensions)
    assert (greeting.listen_port, greeting.your_ip, greeting.metadata_size) == (None, None, None)
    assert greeting.prefers_encryption is None


@pytest.mark.parametrize(
    ("host", "shown"),
    [("2001:db8::1", "2001:db8::1"), ("::ffff:192.0.2.1", "192.0.2.1"), ("fe80::1%lo", "fe80::1")],
)
def test_your_ip_is_a_plain_address(host: str, shown: str) -> None:
    assert said(extensions_of(host)).your_ip == shown


def test_behind_a_proxy_nobody_is_told_an_address() -> None:
    assert said(extensions_of(proxy=parse_proxy("socks5://127.0.0.1:1"))).your_ip is None


def test_who_fetches_nothing_more_says_so_at_once_or_later() -> None:
    extensions = extensions_of()
    assert said(extensions, is_upload_only=True).is_upload_only
    later = ExtensionHandshake.from_payload(extensions.upload_only().payload)
    assert later == ExtensionHandshake(is_upload_only=True)


def test_what_a_peer_says_later_adds_to_what_it_said() -> None:
    extensions = extensions_of()
    introduce(extensions)
    extensions.came(ExtensionHandshake(request_queue=20).message())
    assert extensions.theirs.id_of(UT_METADATA) == THEIR_ID
    assert extensions.theirs.request_queue == 20


def test_the_parts_asked_for_are_sent_and_make_up_the_whole() -> None:
    extensions = extensions_of()
    introduce(extensions)
    for part in range(3):
        ask(extensions, part)
    assert b"".join(answer.data for answer in answers(extensions)) == RAW_INFO


def test_nothing_is_sent_while_the_socket_is_full() -> None:
    extensions = extensions_of()
    assert not extensions.can_serve(0)
    ask(extensions, 0)
    assert extensions.can_serve(ENOUGH_PENDING_BYTES - 1)
    assert not extensions.can_serve(ENOUGH_PENDING_BYTES)


def test_who_had_it_a_few_times_is_rejected() -> None:
    extensions = extensions_of()
    introduce(extensions)
    for _ in range(3 * TIMES_SERVED + 2):
        ask(extensions, 1)
    kinds = [answer.kind for answer in answers(extensions)]
    assert kinds == [MetadataKind.DATA] * 3 * TIMES_SERVED + [MetadataKind.REJECT] * 2


def test_a_flood_of_requests_ends_the_connection() -> None:
    extensions = extensions_of()
    for _ in range(MAX_ASKED_PARTS):
        ask(extensions, 0)
    with pytest.raises(PeerProtocolError, match="requests for metadata waiting"):
        ask(extensions, 0)


def test_who_gave_us_no_number_gets_no_answer() -> None:
    extensions = extensions_of()
    ask(extensions, 0)
    assert extensions.can_serve(0)
    assert extensions.next_answer() is None
    assert not extensions.can_serve(0)


def test_data_that_nobody_waits_for_and_unknown_extensions_are_ignored() -> None:
    extensions = extensions_of()
    extensions.came(Extended(77, b"anything"))
    extensions.came(
        Extended(METADATA_ID, MetadataMessage(MetadataKind.DATA, 0, 5, b"hello").encode())
    )
    extensions.came(Extended(METADATA_ID, b"d8:msg_typei9e5:piecei0ee"))
    assert not extensions.can_serve(0)


@pytest.mark.parametrize("number", [0, METADATA_ID])
def test_nonsense_is_a_breach_of_the_protocol(number: int) -> None:
    with pytest.raises(PeerProtocolError):
        extensions_of().came(Extended(number, b"i1"))
