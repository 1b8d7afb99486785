"""What each word of `--encryption` allows."""

from __future__ import annotations

import pytest

from actortorrent.rules.encryption import Encryption
from actortorrent.wire.encryption import BOTH, Method


@pytest.mark.parametrize(
    ("how", "is_on", "takes_plain", "methods"),
    [
        (Encryption.PREFER, True, True, BOTH),
        (Encryption.REQUIRE, True, False, Method.RC4),
        (Encryption.OFF, False, True, BOTH),
    ],
)
def test_each_word_says_how_connections_begin_and_go_on(
    how: Encryption, is_on: bool, takes_plain: bool, methods: Method
) -> None:
    assert (how.is_on, how.takes_plain, how.methods) == (is_on, takes_plain, methods)
