from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from actortorrent.rules.crc32c import crc32c


def test_the_checksum_is_castagnolis() -> None:
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(bytes(32)) == 0x8A9136AA  # RFC 3720, B.4


@given(st.binary(max_size=40), st.randoms(use_true_random=False))
def test_three_checksums_together_are_that_of_the_three_together(
    first: bytes, rng: random.Random
) -> None:
    second, third = rng.randbytes(len(first)), rng.randbytes(len(first))
    mixed = bytes(a ^ b ^ c for a, b, c in zip(first, second, third, strict=True))
    assert crc32c(first) ^ crc32c(second) ^ crc32c(third) == crc32c(mixed)


@given(st.binary(min_size=1, max_size=40), st.data())
def test_a_byte_that_differs_makes_another_checksum(whole: bytes, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(whole) - 1))
    other = bytearray(whole)
    other[index] ^= data.draw(st.integers(1, 255))
    assert crc32c(bytes(other)) != crc32c(whole)
