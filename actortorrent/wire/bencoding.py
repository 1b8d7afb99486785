"""Bencoding, read strictly and within limits (BEP 3): bencode.py behind a guard.

bencode.py loops for ever on a negative length in a key and is easy about numbers,
so our `GuardedDecoder` replaces each of its four readers: it takes exactly the
grammar of BEP 3, in linear time, with limits on size, depth and the number of
values, and says where the bytes went wrong, what was expected and what was found.

Two freedoms stay, because old torrents and trackers take them: keys out of order,
and a key given twice (the last wins), which `decode_document` can forbid within one
key: two readers of an `info` dictionary must never see two different torrents.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

import bencodepy

from actortorrent.errors import BencodeError

Bencoded: TypeAlias = "int | bytes | list[Bencoded] | dict[bytes, Bencoded]"
Encodable: TypeAlias = (
    "int | bytes | str | Sequence[Encodable] | Mapping[bytes, Encodable] | Mapping[str, Encodable]"
)
Span: TypeAlias = "tuple[int, int]"

MAX_INTEGER_DIGITS = 20  # as many as the largest unsigned 64-bit number has
MAX_LENGTH_DIGITS = 10  # of the length before a string
SHOWN_BYTES = 16  # of what was found, in an error

_INTEGER = re.compile(rb"i(0|-?[1-9][0-9]{0,%d})e" % (MAX_INTEGER_DIGITS - 1))
_LENGTH = re.compile(rb"(0|[1-9][0-9]{0,%d}):" % (MAX_LENGTH_DIGITS - 1))


class Limits(NamedTuple):
    """Bound what a decoder takes on: bytes, nested containers, and values (keys count)."""

    size: int
    depth: int
    tokens: int


DEFAULT_LIMITS = Limits(size=1024 * 1024, depth=32, tokens=250_000)


class Document(NamedTuple):
    """Hold a decoded dictionary and where the value of each of its keys stands (start, end)."""

    value: dict[bytes, Bencoded]
    spans: dict[bytes, Span]


def decode(data: bytes, *, limits: Limits = DEFAULT_LIMITS) -> Bencoded:
    """Decode one value that fills `data` to its end.

    Raises:
        BencodeError: if the bytes are anything else, or beyond the limits.
    """
    value, end = decode_prefix(data, limits=limits)
    _refuse_rest(data, end)
    return value


def decode_prefix(data: bytes, *, limits: Limits = DEFAULT_LIMITS) -> tuple[Bencoded, int]:
    """Decode the value that `data` starts with; return it and the offset just behind it.

    Raises:
        BencodeError: if no value stands there, or one beyond the limits.
    """
    return GuardedDecoder(limits).decode_first(data)


def decode_document(
    data: bytes, *, limits: Limits = DEFAULT_LIMITS, unique_key: bytes | None = None
) -> Document:
    """Decode a dictionary that fills `data`, keeping where each of its values stands.

    Nothing may be given twice within `unique_key`, nor that key itself.

    Raises:
        BencodeError: if the bytes are anything else, or beyond the limits.
    """
    if data[:1] != b"d":
        raise BencodeError(0, "a dictionary ('d')", _found(data, 0))
    decoder = GuardedDecoder(limits, unique_key)
    value, end = decoder.decode_first(data)
    _refuse_rest(data, end)
    assert isinstance(value, dict)
    return Document(value, decoder.spans)


def raw_span(data: bytes, key: bytes, *, limits: Limits = DEFAULT_LIMITS) -> Span:
    """Return where the value of a key of the outermost dictionary stands, as (start, end).

    Raises:
        BencodeError: also if the key is not there, or there twice.
    """
    spans = decode_document(data, limits=limits, unique_key=key).spans
    if key not in spans:
        raise BencodeError(0, f"a dictionary with the key {_shown(key)}", "none such")
    return spans[key]


def encode(value: Encodable) -> bytes:
    """Encode a value, with the keys of dictionaries in order; text becomes UTF-8."""
    encoded: bytes = bencodepy.encode(value)
    return encoded


class GuardedDecoder(bencodepy.BencodeDecoder):  # type: ignore[misc]  # it has no types
    """Read one document; made anew for each.

    `depth` is the number of containers around what is being read.
    """

    def __init__(self, limits: Limits, unique_key: bytes | None = None) -> None:
        super().__init__()
        self.spans: dict[bytes, Span] = {}
        self._limits = limits
        self._tokens_left = limits.tokens
        self._unique_key = unique_key
        self._is_inside_unique_key = False

    def decode_first(self, data: bytes) -> tuple[Bencoded, int]:
        """Read the value at the start of `data`; return it and the offset just behind it."""
        if len(data) > self._limits.size:
            raise BencodeError(0, f"at most {self._limits.size} bytes", f"{len(data)} bytes")
        return self._decode_value(data, 0, 0)

    def decode_int(self, data: bytes, start: int, depth: int = 0) -> tuple[int, int]:  # noqa: ARG002
        """Read `i-42e`."""
        match = _INTEGER.match(data, start)
        if match is None:
            expected = f"an integer of at most {MAX_INTEGER_DIGITS} digits, as 'i42e'"
            raise BencodeError(start, expected, _found(data, start))
        return int(match[1]), match.end()

    def decode_string(self, data: bytes, start: int, depth: int = 0) -> tuple[bytes, int]:  # noqa: ARG002
        """Read `4:spam`."""
        match = _LENGTH.match(data, start)
        if match is None:
            raise BencodeError(start, "a string, as '4:spam'", _found(data, start))
        begin = match.end()
        end = begin + int(match[1])
        if end > len(data):
            missing = f"the end of the data after {len(data) - begin}"
            raise BencodeError(begin, f"{end - begin} bytes of a string", missing)
        return data[begin:end], end

    def decode_list(self, data: bytes, start: int, depth: int = 0) -> tuple[list[Bencoded], int]:
        """Read `l4:spami42ee`."""
        self._refuse_depth(start, depth)
        items: list[Bencoded] = []
        position = start + 1
        while data[position : position + 1] != b"e":
            value, position = self._decode_value(data, position, depth + 1)
            items.append(value)
        return items, position + 1

    def decode_dict(
        self, data: bytes, start: int, depth: int = 0
    ) -> tuple[dict[bytes, Bencoded], int]:
        """Read `d4:spami42ee`, whatever the order of its keys."""
        self._refuse_depth(start, depth)
        items: dict[bytes, Bencoded] = {}
        position = start + 1
        while data[position : position + 1] != b"e":
            key, value_start = self._decode_key(data, position, depth)
            if key in items:
                self._judge_repetition(key, position, depth)
            items[key], position = self._decode_value(data, value_start, depth + 1)
            if depth == 0:
                self.spans[key] = (value_start, position)
        return items, position + 1

    def _decode_value(self, data: bytes, start: int, depth: int) -> tuple[Bencoded, int]:
        self._count_token(start)
        read = self.decode_func.get(data[start : start + 1])
        if read is None:
            raise BencodeError(start, "a value ('i', 'l', 'd' or a length)", _found(data, start))
        value: tuple[Bencoded, int] = read(data, start, depth)
        return value

    def _decode_key(self, data: bytes, start: int, depth: int) -> tuple[bytes, int]:
        self._count_token(start)
        if not data[start : start + 1].isdigit():
            raise BencodeError(start, "a key (a string) or 'e'", _found(data, start))
        key, end = self.decode_string(data, start)
        if depth == 0:
            self._is_inside_unique_key = key == self._unique_key
        return key, end

    def _count_token(self, start: int) -> None:
        self._tokens_left -= 1
        if self._tokens_left < 0:
            raise BencodeError(start, f"at most {self._limits.tokens} values", "more")

    def _refuse_depth(self, start: int, depth: int) -> None:
        if depth >= self._limits.depth:
            raise BencodeError(start, f"at most {self._limits.depth} nested containers", "more")

    def _judge_repetition(self, key: bytes, start: int, depth: int) -> None:
        if self._is_inside_unique_key:
            whose = "this document" if depth == 0 else "its dictionary"
            raise BencodeError(start, f"a key that {whose} does not have yet", _shown(key))


def _refuse_rest(data: bytes, end: int) -> None:
    if end != len(data):
        raise BencodeError(end, "the end of the data", f"{len(data) - end} bytes more")


def _found(data: bytes, start: int) -> str:
    shown = data[start : start + SHOWN_BYTES]
    return _shown(shown) if shown else "the end of the data"


def _shown(data: bytes) -> str:
    """Return bytes as quoted ASCII, cut short: safe for any terminal."""
    return ascii(data[:SHOWN_BYTES].decode("latin-1"))
