"""The encrypted beginning of a connection, against a stranger who knows the keys, or does not.

Bytes of chance never pass the first check, so the stranger first does all as it should be up to
a place that the first byte names; from there on the bytes are its own.
"""

from __future__ import annotations

from actortorrent.errors import PeerProtocolError
from actortorrent.wire.encryption import (
    BOTH,
    MAX_PADDING_BYTES,
    MAX_PAYLOAD_BYTES,
    RANDOM_BYTES,
    Initiator,
    Method,
    Responder,
)
from actortorrent.wire.handshake import PROTOCOL_NAME
from actortorrent.wire.stream_keys import (
    PUBLIC_KEY_BYTES,
    meeting_mark,
    new_cipher,
    public_key,
    shared_secret,
    stream_keys,
    torrent_mark,
)
from tests.fuzz.dealing import Dealer, cut_up

HASH, OTHER_HASH = b"h" * 20, b"o" * 20
OURS, THEIRS = b"\x11" * RANDOM_BYTES, b"\x22" * 20
SECRET = shared_secret(THEIRS, public_key(OURS[:20]))
KEYS = stream_keys(SECRET, HASH)
METHODS = (BOTH, Method.PLAIN, Method.RC4, Method(0))
# All that is not agreed on yet: the fixed part, a padding, and BitTorrent's first bytes.
MOST_HELD_BYTES = 2 * (PUBLIC_KEY_BYTES + MAX_PADDING_BYTES + MAX_PAYLOAD_BYTES)


def seeds() -> list[bytes]:
    greeting = PROTOCOL_NAME + bytes(48)
    hidden = bytes(8) + b"\0\0\0\3\0\0" + len(greeting).to_bytes(2) + greeting
    padded = bytes(8) + b"\0\0\0\2\0\5.....\0\0more"
    return [
        b"\x00\x00" + greeting,
        b"\x00\x07" + bytes(200),
        b"\x01\x00" + b"pad" + meeting_mark(SECRET) + torrent_mark(SECRET, HASH),
        b"\x02\x00" + hidden + b"and more",
        b"\x02\x01" + padded,
        b"\x03\x00" + b"padding of theirs",
        b"\x04\x09" + b"\0\0\0\2\0\3...next",
        b"\x04\x00" + b"\0\0\0\1\0\0plain",
    ]


def check(data: bytes) -> None:
    dealer = Dealer(data)
    begin, cut = dealer.byte(), dealer.byte()
    side, stream = _stage(begin, dealer.rest())
    try:
        for part in cut_up(stream, cut):
            if side.agreement is not None:
                break
            side.receive(part)
            assert len(side._came) + len(side._decrypted) <= MOST_HELD_BYTES
    except PeerProtocolError:
        assert side.agreement is None
        return
    agreement = side.agreement
    if agreement is not None:
        assert (agreement.sending is None) == (agreement.receiving is None)
        assert len(agreement.received) <= len(stream)
        assert agreement.was_hidden or agreement.received == stream[: len(agreement.received)]


def _stage(begin: int, said: bytes) -> tuple[Initiator | Responder, bytes]:
    """Return one of our sides, and all that the stranger sends it."""
    accepted = METHODS[begin >> 4 & 3]
    key = public_key(THEIRS)
    match begin % 5:
        case 0:
            return _responder(accepted, begin), said
        case 1:
            return _responder(accepted, begin), key + said
        case 2:
            marks = meeting_mark(SECRET) + torrent_mark(SECRET, HASH)
            sealed = new_cipher(KEYS.from_dialler).update(said)
            return _responder(accepted, begin), key + marks + sealed
        case 3:
            return _initiator(accepted), key + said
    sealed = new_cipher(KEYS.to_dialler).update(bytes(8) + said)
    return _initiator(accepted), key + sealed


def _responder(accepted: Method, begin: int) -> Responder:
    prefers_plain, takes_plain = bool(begin & 64), not begin & 128
    return Responder(
        [OTHER_HASH, HASH], accepted, OURS, takes_plain=takes_plain, prefers_plain=prefers_plain
    )


def _initiator(offered: Method) -> Initiator:
    return Initiator(HASH, offered, PROTOCOL_NAME + bytes(48), OURS)
