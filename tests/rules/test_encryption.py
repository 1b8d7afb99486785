"""What each word of `--encryption` allows."""

from __future__ import annotations

import pytest

from actortorrent.rules.encryption import Encryption
from actortorrent.wire.encryption import BOTH, Method


@pytest.mark.parametrize(
    ("how", "is_on", "dials_encrypted", "takes_plain", "methods"),
    [
        (Encryption.ALLOW, True, False, True, BOTH),
        (Encryption.PREFER, True, True, True, BOTH),
        (Encryption.REQUIRE, True, True, False, Method.RC4),
        (Encryption.OFF, False, False, True, BOTH),
    ],
)
def test_each_word_says_how_connections_begin_and_go_on(
    how: Encryption, is_on: bool, dials_encrypted: bool, takes_plain: bool, methods: Method
) -> None:
    assert (how.is_on, how.dials_encrypted) == (is_on, dials_encrypted)
    assert (how.takes_plain, how.methods) == (takes_plain, methods)
