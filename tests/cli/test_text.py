"""Text of strangers is made harmless; figures are written, and read, as people do."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.cli.text import (
    format_clock,
    format_duration,
    format_part,
    format_rate,
    format_share,
    format_size,
    parse_size,
    plural,
    safe_text,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain name.iso", "plain name.iso"),
        ("Übung, 日本語 🎬", "Übung, 日本語 🎬"),
        ("\x1b[2J\x1b]0;owned\x07", "\\x1b[2J\\x1b]0;owned\\x07"),
        ("two\nlines\r\tand tab", "two\\x0alines\\x0d\\x09and tab"),
        ("\x9b31m", "\\x9b31m"),
        ("exe.\u202egnp", "exe.\\u202egnp"),
        ("a\u2028b", "a\\u2028b"),
        ("lone \udce9", "lone \\udce9"),
        ("tag \U000e0041", "tag \\U000e0041"),
        ("👩\u200d🚀", "👩\u200d🚀"),
    ],
)
def test_what_could_move_the_cursor_is_shown_as_its_escape(text: str, shown: str) -> None:
    assert safe_text(text) == shown


@given(st.text())
def test_no_control_character_comes_through(text: str) -> None:
    assert not {unicodedata.category(character) for character in safe_text(text)} & {"Cc", "Cs"}


@pytest.mark.parametrize(
    ("byte_count", "shown"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (99.94 * 1024, "99.9 KiB"),
        (99.96 * 1024, "100 KiB"),
        (700 * 1024**2, "700 MiB"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (1024**2 - 1, "1.0 MiB"),
        (5 * 1024**3, "5.0 GiB"),
        (3 * 1024**6, "3072 PiB"),
    ],
)
def test_sizes_are_written_in_powers_of_1024(byte_count: int, shown: str) -> None:
    assert format_size(byte_count) == shown


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [
        (294 * 1024**2, 700 * 1024**2, "294 of 700 MiB"),
        (1.5 * 1024**3, 2.4 * 1024**3, "1.5 of 2.4 GiB"),
        (300 * 1024**2, 2.4 * 1024**3, "300 MiB of 2.4 GiB"),
        (0, 0, "0 of 0 B"),
    ],
)
def test_a_part_of_a_size_names_the_unit_once(part: float, whole: float, shown: str) -> None:
    assert format_part(part, whole) == shown


def test_rates_are_sizes_a_second() -> None:
    assert format_rate(2.5 * 1024**2) == "2.5 MiB/s"


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [
        (0, 10, "0.0 %"),
        (1, 3, "33.3 %"),
        (99_999, 100_000, "99.9 %"),
        (10, 10, "100.0 %"),
        (0, 0, "100.0 %"),
    ],
)
def test_a_share_is_100_only_when_nothing_is_missing(part: int, whole: int, shown: str) -> None:
    assert format_share(part, whole) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-1, "0.0 s"),
        (0.44, "0.4 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (200, "3 min 20 s"),
        (2 * 3600 + 300, "2 h 05 min"),
        (3 * 86400 + 4 * 3600, "3 d 4 h"),
    ],
)
def test_durations_are_written_with_two_units(seconds: float, shown: str) -> None:
    assert format_duration(seconds) == shown


def test_clocks_are_written_with_colons() -> None:
    assert [format_clock(s) for s in (0, 65, 3723)] == ["0:00", "1:05", "1:02:03"]


def test_one_is_one_peer_and_two_are_two_peers() -> None:
    assert [plural(n, "peer") for n in (0, 1, 2, 12345)] == [
        "0 peers",
        "1 peer",
        "2 peers",
        "12,345 peers",
    ]


@pytest.mark.parametrize(
    ("text", "byte_count"),
    [
        ("1", 1),
        ("4096", 4096),
        ("500K", 500 * 1024),
        ("2M", 2 * 1024**2),
        ("2m", 2 * 1024**2),
        ("1.5 MiB/s", 3 * 512 * 1024),
        ("1G", 1024**3),
        ("2MB", 2 * 1024**2),
    ],
)
def test_sizes_are_read_as_they_are_written(text: str, byte_count: int) -> None:
    assert parse_size(text) == byte_count


@pytest.mark.parametrize("text", ["", "0", "0.1", "-1", "M", "1X", "1,5M", "1e9", "9" * 99, "٣"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_size(text)
