from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.errors import StorageError
from actortorrent.wire.bencoding import decode, encode
from actortorrent.wire.resume_record import ResumeRecord, decode_record, encode_record

NUMBERS = st.integers(-(2**63), 2**63 - 1)


@st.composite
def records(draw: st.DrawFn) -> ResumeRecord:
    piece_count = draw(st.integers(0, 200))
    file_count = draw(st.integers(0, 5))
    numbers = st.tuples(*[NUMBERS] * file_count)
    partial = st.tuples(st.integers(0, max(0, piece_count - 1)), st.integers(0, 2**4096 - 1))
    return ResumeRecord(
        info_hash=draw(st.binary(min_size=20, max_size=20)),
        piece_count=piece_count,
        verified=draw(st.integers(0, (1 << piece_count) - 1)),
        sizes=draw(numbers),
        times_ns=draw(numbers),
        partial=tuple(draw(st.lists(partial, max_size=3))) if piece_count else (),
        boot_id=draw(st.text(max_size=40)),
        is_synced=draw(st.booleans()),
        is_final=draw(st.booleans()),
        saved_ns=draw(st.integers(0, 2**63 - 1)),
    )


SAMPLE = ResumeRecord(b"h" * 20, 9, 0b101, (5, -1), (123, 0), ((3, 0b11),), "boot", True, False, 77)


@given(records())
def test_a_record_comes_back_as_it_was(record: ResumeRecord) -> None:
    assert decode_record(encode_record(record)) == record


@given(st.data())
def test_a_record_torn_or_changed_anywhere_is_not_believed(data: st.DataObject) -> None:
    raw = encode_record(SAMPLE)
    at = data.draw(st.integers(0, len(raw) - 1))
    if data.draw(st.booleans()):
        torn = raw[:at]
    else:
        torn = raw[:at] + bytes([raw[at] ^ data.draw(st.integers(1, 255))]) + raw[at + 1 :]
    with pytest.raises(StorageError):
        decode_record(torn)


@given(st.binary(max_size=300))
def test_any_other_file_is_refused(raw: bytes) -> None:
    with pytest.raises(StorageError):
        decode_record(raw)


def test_a_record_of_another_format_is_refused() -> None:
    with pytest.raises(StorageError, match="version"):
        decode_record(changed(b"version", 2))


def test_a_record_that_names_impossible_pieces_is_refused() -> None:
    with pytest.raises(StorageError, match="impossible piece"):
        decode_record(changed(b"partial", [[9, b"\1"]]))
    with pytest.raises(StorageError, match="contradicts"):
        decode_record(changed(b"verified", b"\1"))
    with pytest.raises(StorageError, match="contradicts"):
        decode_record(changed(b"sizes", bytes(8)))


def changed(key: bytes, value: object) -> bytes:
    """Return the sample with one value changed, and whole all the same."""
    outer = decode(encode_record(SAMPLE))
    assert isinstance(outer, dict)
    inner = decode(outer[b"record"])  # type: ignore[arg-type]
    assert isinstance(inner, dict)
    body = encode({**inner, key: value})  # type: ignore[dict-item]
    return encode({b"record": body, b"sha1": hashlib.sha1(body).digest()})
