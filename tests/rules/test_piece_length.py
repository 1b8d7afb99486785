from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.rules.piece_length import automatic_piece_length

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


@pytest.mark.parametrize(
    ("total_length", "piece_length"),
    [
        (0, 16 * KIB),
        (1, 16 * KIB),
        (2000 * 16 * KIB, 16 * KIB),
        (2000 * 16 * KIB + 1, 32 * KIB),
        (700 * MIB, 512 * KIB),
        (GIB, 1 * MIB),
        (25 * GIB, 16 * MIB),
        (1000 * GIB, 16 * MIB),
    ],
)
def test_pieces_grow_with_the_content(total_length: int, piece_length: int) -> None:
    assert automatic_piece_length(total_length) == piece_length


@given(st.integers(0, 2**50))
def test_pieces_are_powers_of_two_and_not_too_many(total_length: int) -> None:
    piece_length = automatic_piece_length(total_length)
    assert piece_length.bit_count() == 1
    assert 16 * KIB <= piece_length <= 16 * MIB
    assert total_length <= 2000 * piece_length or piece_length == 16 * MIB
