"""Bencoding: any bytes are one value, within the limits, or refused."""

from __future__ import annotations

from actortorrent.errors import BencodeError
from actortorrent.wire.bencoding import (
    Bencoded,
    Limits,
    decode,
    decode_document,
    decode_prefix,
    encode,
    raw_span,
)
from tests.fuzz.refusing import check_refusal

TIGHT = Limits(size=256, depth=4, tokens=20)


def seeds() -> list[bytes]:
    return [
        encode({"a": 1, "list": ["spam", -42, [], {}], "nested": {"deep": [[["x"]]]}}),
        encode([0, -1, 2**64 - 1, b"\xff" * 70]),
        b"i-0e",
        b"d1:b0:1:a0:e",
        b"d4:infod1:a0:1:a0:ee",
        b"5:spam",
        b"l" * 40,
    ]


def check(data: bytes) -> None:
    _check_prefix(data)
    _check_document(data)
    try:
        value = decode(data)
    except BencodeError as error:
        check_refusal(error)
        return
    written = encode(value)
    assert decode(written) == value
    assert encode(decode(written)) == written


def _check_prefix(data: bytes) -> None:
    try:
        value, end = decode_prefix(data, limits=TIGHT)
    except BencodeError:
        return
    assert 0 < end <= len(data) <= TIGHT.size
    assert decode(data[:end]) == value
    assert _tokens(value) <= TIGHT.tokens
    assert _depth(value) <= TIGHT.depth


def _check_document(data: bytes) -> None:
    try:
        document = decode_document(data, unique_key=b"info")
    except BencodeError:
        return
    for key, (start, end) in document.spans.items():
        assert decode(data[start:end]) == document.value[key]
    if b"info" in document.value:
        assert raw_span(data, b"info") == document.spans[b"info"]


def _tokens(value: Bencoded) -> int:
    if isinstance(value, dict):
        return 1 + len(value) + sum(map(_tokens, value.values()))
    return 1 + (sum(map(_tokens, value)) if isinstance(value, list) else 0)


def _depth(value: Bencoded) -> int:
    inner = list(value.values()) if isinstance(value, dict) else value
    return 1 + max(map(_depth, inner), default=0) if isinstance(inner, list) else 0
