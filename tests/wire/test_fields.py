from __future__ import annotations

from collections.abc import Callable

import pytest

from actortorrent.errors import MetainfoError, TrackerError
from actortorrent.wire.bencoding import Bencoded
from actortorrent.wire.fields import Fields

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
