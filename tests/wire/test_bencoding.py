from __future__ import annotations

import time
from collections.abc import Callable

import bencodepy
import pytest
from hypothesis import given
from hypothesis import strategies as st

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

ROOMY = Limits(size=64 * 1024 * 1024, depth=32, tokens=3_000_000)

integers = st.integers(min_value=-(10**19), max_value=10**20 - 1)
values: st.SearchStrategy[Bencoded] = st.recursive(
    integers | st.binary(max_size=40),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.binary(max_size=6), inner),
    max_leaves=25,
)


def judge(raw: bytes) -> Bencoded | BencodeError:
    try:
        return decode(raw)
    except BencodeError as error:
        return error


@given(values)
def test_what_was_encoded_decodes_to_the_same(value: Bencoded) -> None:
    assert decode(encode(value)) == value


@given(values)
def test_valid_bytes_mean_the_same_to_bencode_py(value: Bencoded) -> None:
    raw = encode(value)
    assert decode(raw) == bencodepy.decode(raw)


@given(st.binary(max_size=200) | st.text("ilde0123456789:-+ _abc", max_size=60).map(str.encode))
def test_any_bytes_decode_or_say_where_they_go_wrong(raw: bytes) -> None:
    judged = judge(raw)
    if isinstance(judged, BencodeError):
        assert 0 <= judged.offset <= len(raw)
        assert str(judged).isprintable()
    else:
        assert decode(encode(judged)) == judged


@given(values, st.data())
def test_a_value_with_one_byte_changed_never_hangs_or_crashes(
    value: Bencoded, data: st.DataObject
) -> None:
    raw = bytearray(encode(value))
    raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    judged = judge(bytes(raw))
    assert not isinstance(judged, BencodeError) or 0 <= judged.offset <= len(raw)


@pytest.mark.parametrize(
    ("raw", "offset"),
    [
        (b"d1:ai5e-6:e", 7),  # bencode.py never returns from this
        (b"l4:i5eed-8:e", 8),  # nor from this, eating memory
        (b"i1_0e", 0),
        (b"i 5e", 0),
        (b"i5 e", 0),
        (b"i+5e", 0),
        (b"i05e", 0),
        (b"i-0e", 0),
        (b"i-05e", 0),
        (b"i-e", 0),
        (b"ie", 0),
        (b"i5", 0),
        (b"i", 0),
        (b"i1.0e", 0),
        ("i\N{ARABIC-INDIC DIGIT FIVE}e".encode(), 0),
        (b"i" + b"9" * 21 + b"e", 0),
        (b"1_0:0123456789", 0),
        (b"+3:abc", 0),
        (b" 3:abc", 0),
        (b"-3:abc", 0),
        (b"03:abc", 0),
        (b"3 :abc", 0),
        (b"5:abc", 2),
        (b"99999999999:", 0),
        (b"9999999999:", 11),
        (b"3", 0),
        (b"", 0),
        (b"x", 0),
        (b"e", 0),
        (b"l", 1),
        (b"li5e", 4),
        (b"d", 1),
        (b"d1:a", 4),
        (b"d1:ae", 4),
        (b"d1:ai5e", 7),
        (b"di1ei2ee", 1),
        (b"dli1eei2ee", 1),
        (b"d-1:ai2ee", 1),
        (b"i5ei6e", 3),
        (b"le\n", 2),
    ],
)
def test_hostile_bytes_are_refused_with_their_offset(raw: bytes, offset: int) -> None:
    with pytest.raises(BencodeError) as refused:
        decode(raw)
    assert refused.value.offset == offset


def test_an_error_names_offset_expected_and_found() -> None:
    with pytest.raises(BencodeError) as refused:
        decode(b"d1:ai5e-6:e")
    error = refused.value
    assert (error.offset, error.expected) == (7, "a key (a string) or 'e'")
    assert error.found == "'-6:e'"


def test_what_was_found_is_shown_short_and_without_control_characters() -> None:
    with pytest.raises(BencodeError, match="found") as refused:
        decode(b"\x1b[31m" + b"\xff" * 100)
    assert refused.value.found.isprintable()
    assert len(refused.value.found) < 80


@pytest.mark.parametrize(("raw", "value"), [(b"i0e", 0), (b"i-1e", -1), (b"0:", b"")])
def test_the_smallest_values_are_taken(raw: bytes, value: Bencoded) -> None:
    assert decode(raw) == value


def test_an_integer_of_twenty_digits_is_taken() -> None:
    assert decode(b"i18446744073709551615e") == 2**64 - 1


def test_keys_out_of_order_are_taken() -> None:
    assert decode(b"d1:bi2e1:ai1ee") == {b"a": 1, b"b": 2}


def test_of_a_repeated_key_the_last_value_stands() -> None:
    assert decode(b"d1:ai1e1:ai2ee") == {b"a": 2}


class TestWithinTheUniqueKey:
    @pytest.mark.parametrize(
        "raw",
        [
            b"d4:infod1:ai1e1:ai2eee",
            b"d4:infold1:ai1e1:ai2eeee",
            b"d4:infod1:bd1:ai1e1:ai2eeee",
            b"d4:infode4:infodee",
        ],
    )
    def test_a_repeated_key_is_refused(self, raw: bytes) -> None:
        with pytest.raises(BencodeError, match="a key that"):
            decode_document(raw, unique_key=b"info")

    @pytest.mark.parametrize(
        "raw",
        [b"d1:ai1e1:ai2e4:infodee", b"d4:infode1:xd1:ai1e1:ai2eee", b"d1:xd1:ai1e1:ai2ee4:infodee"],
    )
    def test_a_repeated_key_elsewhere_is_taken(self, raw: bytes) -> None:
        assert decode_document(raw, unique_key=b"info").value[b"info"] == {}


class TestLimits:
    def test_more_bytes_than_allowed_are_refused_unread(self) -> None:
        with pytest.raises(BencodeError, match="at most 3 bytes, found 4 bytes"):
            decode(b"2:ab", limits=Limits(size=3, depth=1, tokens=1))

    def test_containers_nest_as_deep_as_allowed_and_no_deeper(self) -> None:
        limits = Limits(size=100, depth=3, tokens=100)
        assert decode(b"llleee", limits=limits) == [[[]]]
        with pytest.raises(BencodeError, match="at most 3 nested"):
            decode(b"lllleeee", limits=limits)

    def test_a_bomb_of_containers_is_refused(self) -> None:
        for bomb in (b"l" * 1_000_000, b"d1:a" * 200_000):
            with pytest.raises(BencodeError, match="nested containers"):
                decode(bomb)

    def test_values_and_keys_count_as_tokens(self) -> None:
        assert decode(b"d1:ai1ee", limits=Limits(size=100, depth=3, tokens=3)) == {b"a": 1}
        with pytest.raises(BencodeError, match="at most 2 values"):
            decode(b"d1:ai1ee", limits=Limits(size=100, depth=3, tokens=2))


class TestPrefix:
    @given(values, st.binary(max_size=20))
    def test_a_value_ends_where_the_rest_begins(self, value: Bencoded, rest: bytes) -> None:
        raw = encode(value)
        assert decode_prefix(raw + rest) == (value, len(raw))


class TestRawSpan:
    @given(st.dictionaries(st.binary(max_size=6), values, min_size=1), st.data())
    def test_the_span_holds_the_value_as_it_stands(
        self, items: dict[bytes, Bencoded], data: st.DataObject
    ) -> None:
        key = data.draw(st.sampled_from(sorted(items)))
        raw = encode(items)
        start, end = raw_span(raw, key)
        assert raw[start:end] == encode(items[key])

    def test_the_span_keeps_the_bytes_of_unsorted_keys(self) -> None:
        raw = b"d4:infod1:bi2e1:ai1ee1:zi0ee"
        start, end = raw_span(raw, b"info")
        assert raw[start:end] == b"d1:bi2e1:ai1ee"

    def test_a_key_of_an_inner_dictionary_is_no_match(self) -> None:
        with pytest.raises(BencodeError, match="with the key 'info'"):
            raw_span(b"d1:xd4:infodeee", b"info")

    def test_a_key_given_twice_has_no_span(self) -> None:
        with pytest.raises(BencodeError, match="does not have yet"):
            raw_span(b"d4:infode4:infodee", b"info")

    def test_only_dictionaries_have_keys(self) -> None:
        with pytest.raises(BencodeError, match="a dictionary"):
            raw_span(b"le", b"info")


def seconds_of(action: Callable[[], object]) -> float:
    started = time.thread_time()
    action()
    return time.thread_time() - started


def test_a_torrent_of_twenty_thousand_files_decodes_at_once() -> None:
    files: list[Bencoded] = [
        {b"length": number, b"path": [b"folder", b"below", b"file %d" % number]}
        for number in range(20_000)
    ]
    raw = encode({b"info": {b"files": files, b"pieces": bytes(20 * 50_000)}})
    fastest = min(seconds_of(lambda: decode(raw, limits=ROOMY)) for _ in range(3))
    assert fastest < 1.0  # 0.1 s on an idle machine


def test_the_time_grows_with_the_size_and_no_faster() -> None:
    small, large = (b"l" + b"le" * count + b"e" for count in (20_000, 200_000))
    quick = min(seconds_of(lambda: decode(small, limits=ROOMY)) for _ in range(5))
    assert min(seconds_of(lambda: decode(large, limits=ROOMY)) for _ in range(3)) < 50 * quick
