"""What extended messages carry: the handshake of BEP 10, parts of metadata, addresses of peers."""

from __future__ import annotations

from msgspec.structs import replace

from actortorrent.errors import PeerProtocolError
from actortorrent.wire.addresses import Address
from actortorrent.wire.extension_handshake import (
    MAX_CLIENT_BYTES,
    MAX_EXTENSIONS,
    ExtensionHandshake,
)
from actortorrent.wire.metadata_exchange import (
    MAX_PARTS,
    PART_BYTES,
    MetadataKind,
    MetadataMessage,
)
from actortorrent.wire.peer_exchange import MAX_CONTACTS, Contact, ContactFlags, PeerExchange
from tests.fuzz.refusing import check_refusal


def seeds() -> list[bytes]:
    said = ExtensionHandshake(
        (("ut_metadata", 1), ("ut_pex", 2), ("off", 0)), "client 1.0", 6881, 250, "10.0.0.1",
        "10.0.0.2", "2001:db8::1", True, 30_000, False,
    )  # fmt: skip
    parts = [
        MetadataMessage(MetadataKind.REQUEST, 1),
        MetadataMessage(MetadataKind.DATA, 0, 30_000, b"d4:name"),
        MetadataMessage(MetadataKind.REJECT, 2),
    ]
    known = Contact(Address("10.0.0.1", 6881), ContactFlags.REACHABLE)
    exchange = PeerExchange(
        (known, Contact(Address("2001:db8::1", 1))), (Address("10.0.0.3", 9), Address("::1", 2))
    )
    payloads = [(0, said.encode()), (2, exchange.encode()), *((1, part.encode()) for part in parts)]
    return [bytes((which,)) + payload for which, payload in payloads]


def check(data: bytes) -> None:
    reader = (_check_handshake, _check_metadata, _check_exchange)[(data or b"\0")[0] % 3]
    try:
        reader(data[1:])
    except PeerProtocolError as error:
        check_refusal(error)


def _check_handshake(payload: bytes) -> None:
    said = ExtensionHandshake.from_payload(payload)
    assert len(said.extensions) <= MAX_EXTENSIONS
    assert len(said.client) <= MAX_CLIENT_BYTES
    assert str(said).isprintable()
    if len(said.client.encode()) <= MAX_CLIENT_BYTES:
        in_order = replace(said, extensions=tuple(sorted(said.extensions)))
        assert ExtensionHandshake.from_payload(said.encode()) == in_order
    for both in (said.updated_by(ExtensionHandshake()), ExtensionHandshake().updated_by(said)):
        assert both.client == said.client
        assert both.metadata_size == said.metadata_size
        assert all(both.id_of(name) == said.id_of(name) for name, _ in said.extensions)


def _check_metadata(payload: bytes) -> None:
    message = MetadataMessage.from_payload(payload)
    if message is None:
        return
    assert 0 <= message.part_index < MAX_PARTS
    assert len(message.data) <= PART_BYTES
    assert bool(message.data) == (message.kind is MetadataKind.DATA)
    assert MetadataMessage.from_payload(message.encode()) == message


def _check_exchange(payload: bytes) -> None:
    exchange = PeerExchange.from_payload(payload)
    assert len(exchange.added) <= 2 * MAX_CONTACTS
    assert len(exchange.dropped) <= 2 * MAX_CONTACTS
    assert all(contact.address.port for contact in exchange.added)
    assert PeerExchange.from_payload(exchange.encode()) == exchange
