"""What an extended message says, in a few words for a trace: BEP 10, with BEP 9 and BEP 11.

Which extension a number means only the two ends know; so a message is known by its form,
which also serves for what strangers say to each other. No address is ever told.
"""

from __future__ import annotations

from actortorrent.errors import PeerProtocolError
from actortorrent.wire.extension_handshake import EXTENSION_HANDSHAKE_ID, ExtensionHandshake
from actortorrent.wire.messages import Extended
from actortorrent.wire.metadata_exchange import MetadataMessage
from actortorrent.wire.peer_exchange import PeerExchange

METADATA_START = b"d8:msg_type"
EXCHANGE_STARTS = (b"d5:added", b"d7:added.f", b"d6:added6", b"d7:dropped", b"d8:dropped6")


def extended_text(message: Extended) -> str:
    """Return what a message says; of what is not known, only its number."""
    try:
        said = _read(message)
    except PeerProtocolError:
        said = None
    return f"message {message.extended_id}" if said is None else str(said)


def _read(message: Extended) -> ExtensionHandshake | MetadataMessage | PeerExchange | None:
    payload = message.payload
    if message.extended_id == EXTENSION_HANDSHAKE_ID:
        return ExtensionHandshake.from_payload(payload)
    if payload.startswith(METADATA_START):
        return MetadataMessage.from_payload(payload)
    return PeerExchange.from_payload(payload) if payload.startswith(EXCHANGE_STARTS) else None
