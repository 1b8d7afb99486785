"""Keys and ciphers of encrypted streams, against the specification and RFC 6229."""

from __future__ import annotations

from hashlib import sha1

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.errors import PeerProtocolError
from actortorrent.wire.stream_keys import (
    PRIME,
    PUBLIC_KEY_BYTES,
    meeting_mark,
    new_cipher,
    public_key,
    shared_secret,
    stream_keys,
    torrent_mark,
)

HASH = bytes(range(20))
private_keys = st.binary(min_size=20, max_size=20).filter(any)


@given(private_keys, private_keys)
def test_both_sides_come_to_the_same_secret(ours: bytes, theirs: bytes) -> None:
    secret = shared_secret(ours, public_key(theirs))
    assert secret == shared_secret(theirs, public_key(ours))
    assert len(secret) == PUBLIC_KEY_BYTES


@pytest.mark.parametrize("number", [0, 1, PRIME - 1, PRIME, 2**768 - 1])
def test_a_public_key_that_makes_the_secret_known_to_all_is_refused(number: int) -> None:
    with pytest.raises(PeerProtocolError, match="hides nothing"):
        shared_secret(b"k" * 20, number.to_bytes(PUBLIC_KEY_BYTES))


def test_the_numbers_are_those_of_the_specification() -> None:
    secret = b"s" * 96
    assert meeting_mark(secret) == sha1(b"req1" + secret).digest()
    named, hidden = sha1(b"req2" + HASH).digest(), sha1(b"req3" + secret).digest()
    mark = int.from_bytes(named) ^ int.from_bytes(hidden)
    assert torrent_mark(secret, HASH) == mark.to_bytes(20)
    keys = stream_keys(secret, HASH)
    assert keys.from_dialler == sha1(b"keyA" + secret + HASH).digest()
    assert keys.to_dialler == sha1(b"keyB" + secret + HASH).digest()
    assert public_key(b"\0" * 19 + b"\x03") == (8).to_bytes(96)
    # RFC 6229, key of 128 bits: what RC4 gives from byte 1024 on.
    stream = new_cipher(bytes(range(1, 17))).update(bytes(16))
    assert stream.hex() == "bdf0324e6083dcc6d3cedd3ca8c53c16"
