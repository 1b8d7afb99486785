from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.errors import MetainfoError, TrackerError
from actortorrent.wire.bencoding import Bencoded
from actortorrent.wire.fields import Fields

KEYS = [b"n", b"s", b"l", b"d", b"x\x1b"]
VALUES: dict[bytes, Bencoded] = {b"n": 5, b"s": b"caf\xc3\xa9", b"l": [1], b"d": {}}


@pytest.fixture
def fields() -> Fields:
    return Fields(VALUES, "info", MetainfoError)


def test_what_is_there_and_of_its_kind_is_returned(fields: Fields) -> None:
    assert fields.need_int(b"n", 0, 5) == 5
    assert fields.need_bytes(b"s") == b"caf\xc3\xa9"
    assert fields.need_list(b"l") == [1]
    assert fields.need_dict(b"d") == {}
    assert b"n" in fields
    assert fields.find_int(b"n") == 5
    assert fields.find_text(b"s") == "café"
    assert fields.find_list(b"l") == [1]


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda f: f.need_int(b"x", 0, 9), "expected 'x' of info to be an integer, found nothing"),
        (lambda f: f.need_int(b"n", 6, 9), "expected 'n' of info to be from 6 to 9, found 5"),
        (lambda f: f.need_bytes(b"n"), "expected 'n' of info to be a string, found an integer"),
        (lambda f: f.need_list(b"d"), "expected 'd' of info to be a list, found a dictionary"),
        (lambda f: f.need_dict(b"s"), "expected 's' of info to be a dictionary, found a string"),
    ],
)
def test_what_is_needed_and_not_there_is_refused_in_words(
    fields: Fields, ask: Callable[[Fields], object], message: str
) -> None:
    with pytest.raises(MetainfoError, match=message):
        ask(fields)


def test_what_we_can_do_without_is_as_good_as_absent_when_of_another_kind(fields: Fields) -> None:
    assert fields.find_int(b"s") is None
    assert fields.find_bytes(b"n") is None
    assert fields.find_list(b"n") == []
    assert fields.find_text(b"n") == ""
    assert fields.find_ip(b"n") is None


def test_the_error_is_of_the_class_asked_for() -> None:
    with pytest.raises(TrackerError, match="expected the reply to be a dictionary, found a list"):
        Fields([], "the reply", TrackerError)


HUGE = 2**70
DECODED: st.SearchStrategy[Bencoded] = st.recursive(
    st.integers(-HUGE, HUGE) | st.binary(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=6,
)


@given(DECODED, st.sampled_from(KEYS))
def test_whatever_was_decoded_the_answer_is_of_the_kind_asked_for_or_none(
    decoded: Bencoded, key: bytes
) -> None:
    if not isinstance(decoded, dict):
        with pytest.raises(TrackerError, match="expected the reply to be a dictionary"):
            Fields(decoded, "the reply", TrackerError)
        return
    fields, value = Fields(decoded, "the reply", TrackerError), decoded.get(key)
    assert fields.find_int(key) == (value if isinstance(value, int) else None)
    assert fields.find_bytes(key) == (value if isinstance(value, bytes) else None)
    assert fields.find_list(key) == (value if isinstance(value, list) else [])
    assert isinstance(fields.find_text(key), str)
    needs: list[tuple[type, Callable[[bytes], object]]] = [
        (int, lambda name: fields.need_int(name, -HUGE, HUGE)),
        (bytes, fields.need_bytes),
        (list, fields.need_list),
        (dict, fields.need_dict),
    ]
    for kind, need in needs:
        if isinstance(value, kind):
            assert need(key) == value
        else:
            with pytest.raises(TrackerError, match="of the reply to be"):
                need(key)
