from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.errors import PeerProtocolError
from actortorrent.wire.message_reading import decode
from actortorrent.wire.messages import (
    MAX_BLOCK_BYTES,
    AllowedFast,
    Bitfield,
    Cancel,
    Choke,
    Extended,
    Have,
    HaveAll,
    HaveNone,
    Interested,
    KeepAlive,
    Kind,
    Message,
    NotInterested,
    Piece,
    PieceHeader,
    Port,
    Reject,
    Request,
    Suggest,
    Unchoke,
    Unknown,
)

UINT32 = st.integers(0, 2**32 - 1)
ANY_MESSAGE: st.SearchStrategy[Message] = st.one_of(
    st.sampled_from(
        [
            *(KeepAlive(), Choke(), Unchoke(), Interested(), NotInterested()),
            *(HaveAll(), HaveNone()),
        ],
    ),
    st.builds(Have, UINT32),
    st.builds(Bitfield, st.binary(max_size=100)),
    st.builds(Request, UINT32, UINT32, UINT32),
    st.builds(Cancel, UINT32, UINT32, UINT32),
    st.builds(Reject, UINT32, UINT32, UINT32),
    st.builds(Suggest, UINT32),
    st.builds(AllowedFast, UINT32),
    st.builds(Piece, UINT32, UINT32, st.binary(min_size=1, max_size=100)),
    st.builds(Port, st.integers(0, 65535)),
    st.builds(Extended, st.integers(0, 255), st.binary(max_size=100)),
    st.builds(Unknown, st.integers(0, 255).filter(lambda kind: kind not in set(Kind)), st.binary()),
)


@given(ANY_MESSAGE)
def test_a_message_reads_back_as_what_was_written(message: Message) -> None:
    encoded = message.encode()
    assert int.from_bytes(encoded[:4]) == len(encoded) - 4
    assert decode(encoded[4:]) == message
    assert decode(memoryview(encoded)[4:]) == message


@given(st.binary(max_size=200))
def test_garbage_is_a_message_or_the_peers_fault(body: bytes) -> None:
    try:
        message = decode(body)
    except PeerProtocolError:
        return
    assert message.encode()[4:] == body


@pytest.mark.parametrize(
    ("message", "encoded"),
    [
        (KeepAlive(), "00000000"),
        (Choke(), "00000001 00"),
        (Unchoke(), "00000001 01"),
        (Interested(), "00000001 02"),
        (NotInterested(), "00000001 03"),
        (Have(5), "00000005 04 00000005"),
        (Bitfield(b"\xf0"), "00000002 05 f0"),
        (Request(1, 2, 3), "0000000d 06 00000001 00000002 00000003"),
        (Piece(1, 2, b"\xaa"), "0000000a 07 00000001 00000002 aa"),
        (PieceHeader(1, 2, 16384), "00004009 07 00000001 00000002"),
        (Cancel(1, 2, 3), "0000000d 08 00000001 00000002 00000003"),
        (Port(6881), "00000003 09 1ae1"),
        (Suggest(7), "00000005 0d 00000007"),
        (HaveAll(), "00000001 0e"),
        (HaveNone(), "00000001 0f"),
        (Reject(1, 2, 3), "0000000d 10 00000001 00000002 00000003"),
        (AllowedFast(7), "00000005 11 00000007"),
        (Extended(1, b"de"), "00000004 14 01 6465"),
        (Unknown(99, b"x"), "00000002 63 78"),
    ],
)
def test_the_bytes_are_those_of_the_beps(message: Message, encoded: str) -> None:
    assert message.encode() == bytes.fromhex(encoded)


@pytest.mark.parametrize("kind", [0, 1, 2, 3, 4, 6, 8, 9, 13, 14, 15, 16, 17])
def test_a_message_of_fixed_size_has_exactly_that_size(kind: int) -> None:
    sizes = {0: 1, 1: 1, 2: 1, 3: 1, 4: 5, 6: 13, 8: 13, 9: 3}
    sizes |= {13: 5, 14: 1, 15: 1, 16: 13, 17: 5}
    for length in range(1, 20):
        body = bytes((kind,)).ljust(length, b"\0")
        if length == sizes[kind]:
            decode(body)
        else:
            with pytest.raises(PeerProtocolError, match=f"of length {sizes[kind]}, found length"):
                decode(body)


@pytest.mark.parametrize("block_bytes", [0, MAX_BLOCK_BYTES + 1])
def test_a_piece_carries_one_byte_to_128_kib(block_bytes: int) -> None:
    with pytest.raises(PeerProtocolError, match="expected piece with 1 to 131072 bytes"):
        decode(b"\x07" + bytes(8 + block_bytes))


@pytest.mark.parametrize("body", [b"\x07", b"\x07\x00\x00", b"\x14"])
def test_a_message_without_its_fields_is_refused(body: bytes) -> None:
    with pytest.raises(PeerProtocolError):
        decode(body)


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (KeepAlive(), "keep-alive"),
        (NotInterested(), "not interested"),
        (Have(7), "have piece 7"),
        (Bitfield(b"\xf0\x01"), "bitfield of 2 bytes, 5 set"),
        (Request(3, 16384, 16384), "request piece 3, offset 16384, length 16384"),
        (Cancel(3, 16384, 16384), "cancel piece 3, offset 16384, length 16384"),
        (Piece(3, 0, bytes(16384)), "piece 3, offset 0, 16384 bytes"),
        (PieceHeader(3, 0, 16384), "piece 3, offset 0, 16384 bytes"),
        (Port(1), "port 1"),
        (HaveAll(), "have all"),
        (HaveNone(), "have none"),
        (Suggest(7), "suggest piece 7"),
        (AllowedFast(7), "allowed fast piece 7"),
        (Reject(3, 16384, 16384), "reject piece 3, offset 16384, length 16384"),
        (Extended(0, b"abc"), "extended message 0 of 3 bytes"),
        (Unknown(77, b"abc"), "unknown message 77 of 3 bytes"),
    ],
)
def test_a_message_reads_as_english(message: Message, text: str) -> None:
    assert str(message) == text
