"""Two sides that agree on an encrypted stream, and what they refuse."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.errors import PeerProtocolError
from actortorrent.wire.encryption import (
    BOTH,
    MAX_PADDING_BYTES,
    RANDOM_BYTES,
    Agreement,
    Initiator,
    Method,
    Responder,
)
from actortorrent.wire.handshake import HANDSHAKE_BYTES, PROTOCOL_NAME
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
OTHER_HASH = bytes(20)
PAYLOAD = PROTOCOL_NAME + bytes(48)
PLAIN, RC4 = Method.PLAIN, Method.RC4

Cuts = list[int]
cuts = st.lists(st.integers(0, 1500), max_size=12)


def chance(seed: int, padding: int | None = None) -> bytes:
    """Return random bytes of a side; `padding` says how much of them it sends."""
    data = random.Random(seed).randbytes(RANDOM_BYTES)
    return data if padding is None else data[:20] + padding.to_bytes(2) + data[22:]


def initiator(
    offered: Method = BOTH, payload: bytes = PAYLOAD, *, padding: int | None = None
) -> Initiator:
    return Initiator(HASH, offered, payload, chance(1, padding))


def responder(
    accepted: Method = BOTH, *, takes_plain: bool = True, padding: int | None = None
) -> Responder:
    return Responder([OTHER_HASH, HASH], accepted, chance(2, padding), takes_plain=takes_plain)


def feed(
    side: Initiator | Responder, data: bytes, where: Cuts | None = None
) -> tuple[bytes, bytes]:
    """Give a side bytes, cut up; return what it says, and what it no longer took."""
    answer = b""
    edges = sorted({0, len(data), *(cut for cut in where or [] if cut < len(data))})
    for begin, end in pairwise(edges):
        if side.agreement is not None:
            return answer, data[begin:]
        answer += side.receive(data[begin:end])
    return answer, b""


def agreed(side: Initiator | Responder) -> Agreement:
    assert side.agreement is not None
    return side.agreement


def all_received(agreement: Agreement, rest: bytes) -> bytes:
    """Return BitTorrent's bytes: those that came with the agreement, and those behind it."""
    receiving = agreement.receiving
    return agreement.received + (rest if receiving is None else receiving.update(rest))


def sealed(agreement: Agreement, data: bytes) -> bytes:
    return data if agreement.sending is None else agreement.sending.update(data)


@given(
    st.sampled_from([PLAIN, RC4, BOTH]),
    st.sampled_from([PLAIN, RC4, BOTH]),
    st.binary(max_size=300),
    st.tuples(st.integers(0, 512), st.integers(0, 512)),
    st.tuples(cuts, cuts, cuts),
)
def test_two_sides_agree_whatever_their_padding_and_however_the_bytes_are_cut(
    offered: Method,
    accepted: Method,
    payload: bytes,
    paddings: tuple[int, int],
    where: tuple[Cuts, Cuts, Cuts],
) -> None:
    dialler = initiator(offered, payload, padding=paddings[0])
    dialled = responder(accepted, padding=paddings[1])
    their_key, _ = feed(dialled, dialler.begin(), where[0])
    ours, _ = feed(dialler, their_key, where[1])
    if not offered & accepted:
        with pytest.raises(PeerProtocolError, match="expected a method"):
            feed(dialled, ours, where[2])
        return
    theirs, _ = feed(dialled, ours, where[2])
    # Dialled, one answers at once, and may go on in the same packet.
    reply = sealed(agreed(dialled), b"hands")
    _, rest = feed(dialler, theirs + reply, where[0])
    assert all_received(agreed(dialler), rest) == b"hands"
    more = sealed(agreed(dialler), b"shaken")
    assert all_received(agreed(dialled), more) == payload + b"shaken"
    chosen = RC4 if offered & accepted & RC4 else PLAIN
    assert (agreed(dialler).sending is None) == (chosen is PLAIN)


@given(cuts, st.binary(max_size=100))
def test_a_plain_handshake_is_known_and_none_of_it_lost(where: Cuts, more: bytes) -> None:
    dialled = responder()
    answer, rest = feed(dialled, PAYLOAD + more, where)
    agreement = agreed(dialled)
    assert not answer
    assert not agreement.was_hidden
    assert all_received(agreement, rest) == PAYLOAD + more


def test_a_plain_handshake_is_refused_where_encryption_is_required() -> None:
    with pytest.raises(PeerProtocolError, match="found a plain one"):
        feed(responder(takes_plain=False), PAYLOAD)


@given(st.integers(1, 19))
def test_what_may_yet_become_a_plain_handshake_is_waited_for(length: int) -> None:
    dialled = responder()
    assert dialled.receive(PROTOCOL_NAME[:length]) == b""
    assert dialled.agreement is None
    # It may be the beginning of a public key as well.
    key = PROTOCOL_NAME[:length] + b"\xff" * (PUBLIC_KEY_BYTES - length)
    assert len(dialled.receive(key[length:])) >= PUBLIC_KEY_BYTES


@given(st.binary(min_size=2000, max_size=4000), cuts, st.booleans())
def test_garbage_is_refused_within_the_length_of_a_padding(
    garbage: bytes, where: Cuts, is_dialler: bool
) -> None:
    side: Initiator | Responder = initiator() if is_dialler else responder()
    with pytest.raises(PeerProtocolError):
        feed(side, b"\x01" + garbage, where)


@pytest.mark.parametrize("make", [initiator, responder])
def test_the_end_of_a_padding_is_looked_for_no_further_than_one_can_reach(
    make: Callable[[], Initiator | Responder],
) -> None:
    side = make()
    side.receive(public_key(b"k" * 20))
    mark_bytes = 8 if isinstance(side, Initiator) else 20
    side.receive(bytes(MAX_PADDING_BYTES + mark_bytes - 1))
    with pytest.raises(PeerProtocolError, match="no end of its padding"):
        side.receive(b"\0")


@pytest.mark.parametrize("number", [0, 1, PRIME - 1, PRIME, 2**768 - 1])
def test_a_public_key_that_makes_the_secret_known_to_all_is_refused(number: int) -> None:
    with pytest.raises(PeerProtocolError, match="hides nothing"):
        responder().receive(number.to_bytes(PUBLIC_KEY_BYTES))


def test_the_mark_of_a_torrent_that_we_do_not_have_is_refused() -> None:
    dialler = Initiator(b"x" * 20, BOTH, PAYLOAD, chance(1))
    dialled = responder()
    ours, _ = feed(dialler, dialled.receive(dialler.begin()))
    with pytest.raises(PeerProtocolError, match="found the mark of another"):
        dialled.receive(ours)


@pytest.mark.parametrize(
    ("behind", "why"),
    [
        (b"\1" * 14, "the keys differ"),
        (bytes(8) + bytes(3) + b"\2" + b"\x02\x01", "at most 512"),
        (bytes(8) + bytes(4) + bytes(4), "expected a method"),
        (bytes(8) + b"\0\0\0\4" + bytes(4), "expected a method"),
    ],
)
def test_what_a_dialler_may_not_say_is_refused(behind: bytes, why: str) -> None:
    dialled = responder()
    their_key = dialled.receive(public_key(b"k" * 20))[:PUBLIC_KEY_BYTES]
    secret = shared_secret(b"k" * 20, their_key)
    cipher = new_cipher(stream_keys(secret, HASH).from_dialler)
    with pytest.raises(PeerProtocolError, match=why):
        dialled.receive(meeting_mark(secret) + torrent_mark(secret, HASH) + cipher.update(behind))


@pytest.mark.parametrize(
    ("behind", "why"),
    [
        (b"\0\0\0\1\0\0", "expected a method"),  # plain was not offered
        (b"\0\0\0\3\0\0", "expected a method"),
        (b"\0\0\0\0\0\0", "expected a method"),
        (b"\0\0\0\2\xff\xff", "at most 512"),
    ],
)
def test_what_who_was_dialled_may_not_say_is_refused(behind: bytes, why: str) -> None:
    dialler = initiator(RC4)
    secret = shared_secret(b"k" * 20, dialler.begin()[:PUBLIC_KEY_BYTES])
    dialler.receive(public_key(b"k" * 20))
    cipher = new_cipher(stream_keys(secret, HASH).to_dialler)
    with pytest.raises(PeerProtocolError, match=why):
        dialler.receive(cipher.update(bytes(8) + behind))


def test_the_padding_of_others_in_the_encrypted_part_is_passed_over() -> None:
    dialled = responder()
    their_key = dialled.receive(public_key(b"k" * 20))[:PUBLIC_KEY_BYTES]
    secret = shared_secret(b"k" * 20, their_key)
    cipher = new_cipher(stream_keys(secret, HASH).from_dialler)
    behind = bytes(8) + b"\0\0\0\2" + b"\2\0" + b"p" * 512 + b"\0\3" + b"abc" + b"def"
    dialled.receive(meeting_mark(secret) + torrent_mark(secret, HASH) + cipher.update(behind))
    assert agreed(dialled).received == b"abcdef"


@pytest.mark.parametrize("payload_bytes", [HANDSHAKE_BYTES, 0xFFFF])
def test_a_first_payload_has_a_limit(payload_bytes: int) -> None:
    assert initiator(payload=bytes(payload_bytes))
    with pytest.raises(ValueError, match="at most 65535"):
        initiator(payload=bytes(0xFFFF + 1))
    with pytest.raises(ValueError, match="random bytes"):
        Initiator(HASH, BOTH, b"", b"too few")
