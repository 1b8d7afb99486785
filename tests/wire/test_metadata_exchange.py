from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.errors import PeerProtocolError
from actortorrent.wire.metadata_exchange import (
    MAX_PARTS,
    PART_BYTES,
    MetadataKind,
    MetadataMessage,
)

REQUEST, DATA, REJECT = MetadataKind.REQUEST, MetadataKind.DATA, MetadataKind.REJECT
INDEXES = st.integers(0, MAX_PARTS - 1)
MESSAGES = st.one_of(
    st.builds(MetadataMessage, st.sampled_from([REQUEST, REJECT]), INDEXES),
    st.builds(
        MetadataMessage,
        st.just(DATA),
        INDEXES,
        st.none() | st.integers(-(2**63), 2**63),
        st.binary(min_size=1, max_size=300),
    ),
)


@given(MESSAGES)
def test_a_message_reads_back_as_what_was_written(message: MetadataMessage) -> None:
    assert MetadataMessage.from_payload(message.encode()) == message


@pytest.mark.parametrize(
    ("message", "encoded"),
    [
        (MetadataMessage(REQUEST, 0), b"d8:msg_typei0e5:piecei0ee"),
        (
            MetadataMessage(DATA, 0, 3425, b"xxxx"),
            b"d8:msg_typei1e5:piecei0e10:total_sizei3425eexxxx",
        ),
        (MetadataMessage(REJECT, 0), b"d8:msg_typei2e5:piecei0ee"),
    ],
)
def test_the_bytes_are_those_of_bep_9(message: MetadataMessage, encoded: bytes) -> None:
    assert message.encode() == encoded


def test_a_type_that_the_bep_does_not_name_is_to_be_ignored() -> None:
    for kind in (-1, 3, 77):
        assert MetadataMessage.from_payload(b"d8:msg_typei%de5:piecei0ee" % kind) is None


@given(st.binary(max_size=100) | st.binary(max_size=100).map(lambda rest: b"d8:msg_type" + rest))
def test_garbage_is_a_message_or_the_peers_fault(payload: bytes) -> None:
    try:
        message = MetadataMessage.from_payload(payload)
    except PeerProtocolError:
        return
    assert message is None or message.part_index < MAX_PARTS


@pytest.mark.parametrize(
    ("payload", "fault"),
    [
        (b"", "expected a message about metadata"),
        (b"i1e", "to be a dictionary"),
        (b"de", "'msg_type'.*an integer, found nothing"),
        (b"d8:msg_type1:0e", "'msg_type'.*an integer, found a string"),
        (b"d8:msg_typei0ee", "'piece'.*an integer, found nothing"),
        (b"d8:msg_typei0e5:piecei-1ee", "'piece'.*from 0 to 1023, found -1"),
        (b"d8:msg_typei0e5:piecei1024ee", "'piece'.*from 0 to 1023, found 1024"),
        (b"d8:msg_typei1e5:piecei0ee", "1 to 16384 bytes, found 0"),
        (b"d8:msg_typei1e5:piecei0ee" + bytes(PART_BYTES + 1), "16384 bytes, found 16385"),
        (b"d8:msg_typei1e5:piecei0ee" + bytes(2 * PART_BYTES), "at most 32768 bytes"),
        (b"d1:x" + b"l" * 20_000, "nested containers"),
    ],
    ids=range(11),
)
def test_what_breaks_the_form_is_refused(payload: bytes, fault: str) -> None:
    with pytest.raises(PeerProtocolError, match=fault):
        MetadataMessage.from_payload(payload)


def test_what_follows_a_request_is_passed_over() -> None:
    payload = MetadataMessage(REQUEST, 7).encode() + b"more"
    assert MetadataMessage.from_payload(payload) == MetadataMessage(REQUEST, 7)


def test_a_message_reads_as_english() -> None:
    assert str(MetadataMessage(REQUEST, 3)) == "metadata request part 3"
    assert str(MetadataMessage(DATA, 3, 5, b"abc")) == "metadata data part 3, 3 bytes"
    assert str(MetadataMessage(REJECT, 3)) == "metadata reject part 3"
