from __future__ import annotations

from typing import Any

import pytest

from actortorrent.tracing.wording import (
    chosen_text,
    duration_text,
    pairs_text,
    size_text,
    value_text,
)


@pytest.mark.parametrize(
    ("byte_count", "text"),
    [
        (0, "0 bytes"),
        (812, "812 bytes"),
        (16384, "16 KiB"),
        (1572864, "1.5 MiB"),
        (2**70, "1024 EiB"),
    ],
)
def test_sizes_read_as(byte_count: int, text: str) -> None:
    assert size_text(byte_count) == text


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [(250_000, "250 µs"), (3_200_000, "3.2 ms"), (1_500_000_000, "1.5 s")],
)
def test_stretches_of_time_read_as(nanoseconds: int, text: str) -> None:
    assert duration_text(nanoseconds) == text


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("", None, "none"),
        ("is_interested", True, "yes"),
        ("byte_count", 16384, "16 KiB"),
        ("downloaded_bytes_total", 1024, "1 KiB"),
        ("length", 1024, "1 KiB"),
        ("download_rate", 2048.4, "2 KiB/s"),
        ("port", 51413, "51413"),
        ("count", 51413, "51,413"),
        ("share", 0.33333333, "0.333333"),
        ("verified", 0b1011, "3 pieces"),
        ("verified", 1 << 5_000, "1 piece"),
        ("verified", [3, 1234], "[3, 1234]"),
        ("bits", 10**4000, "a very large number"),
        ("", [1, 2], "[1, 2]"),
        ("", list(range(100)), "[0, 1, 2, 3, 4, 5, 6, 7, … 92 more]"),
        ("", {"a": 1, "b": [2]}, "(a 1, b [2])"),
        ("", {"$": "Pair", "x": 1}, "Pair(x 1)"),
        ("", {"$": "piece 3 [0, +5]", "piece_index": 3}, "piece 3 [0, +5]"),
        ("", [{"$": "a, b"}, {"$": "c"}], "[a, b; c()]"),
        ("", "x" * 500, "x" * 160 + "…"),
        ("", object(), "<object>"),
    ],
)
def test_a_value_reads_as(name: str, value: Any, text: str) -> None:
    assert value_text(value, name) == text


@pytest.mark.parametrize(
    ("decision", "text"),
    [
        ({"chosen": 17}, "17"),
        ({"chosen": ["Peer-1", "Peer-2"]}, "[Peer-1, Peer-2]"),
        ({"chosen": 1064, "pieces": [1064, 1065, 1066]}, "1064 to 1066"),
        ({"chosen": 5, "pieces": [5]}, "5"),
        ({"chosen": 5, "pieces": "many"}, "5"),
        ({}, "none"),
    ],
)
def test_what_was_chosen_reads_as(decision: dict[str, Any], text: str) -> None:
    assert chosen_text(decision) == text


def test_many_named_values_are_told_by_the_first_and_a_count() -> None:
    assert pairs_text({str(n): n for n in range(10)}).endswith("7 7, … 2 more")
