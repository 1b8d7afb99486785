from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.wire.addresses import MAX_PORT
from actortorrent.wire.local_discovery import (
    GROUP_IPV4,
    GROUP_IPV6,
    MAX_DATAGRAM_BYTES,
    MAX_INFO_HASHES,
    LocalAnnounce,
    read_local_announce,
)

HASH = bytes(range(20))
WRITTEN = (
    b"BT-SEARCH * HTTP/1.1\r\nHost: 239.192.152.143:6771\r\nPort: 6881\r\n"
    b"Infohash: 000102030405060708090a0b0c0d0e0f10111213\r\ncookie: abc\r\n\r\n\r\n"
)


def test_it_is_written_as_the_bep_says() -> None:
    assert LocalAnnounce(6881, (HASH,), "abc").encode(GROUP_IPV4) == WRITTEN


@given(
    st.integers(1, MAX_PORT),
    st.lists(st.binary(min_size=20, max_size=20), min_size=1, max_size=MAX_INFO_HASHES),
    st.text("0123456789abcdef-", max_size=64),
    st.sampled_from([GROUP_IPV4, GROUP_IPV6]),
)
def test_what_is_written_is_read(
    port: int, hashes: list[bytes], cookie: str, group: object
) -> None:
    announce = LocalAnnounce(port, tuple(hashes), cookie)
    datagram = announce.encode(group)  # type: ignore[arg-type]
    assert len(datagram) <= MAX_DATAGRAM_BYTES
    assert read_local_announce(datagram) == announce


@given(st.binary(max_size=300), st.integers(0, len(WRITTEN)), st.integers(0, 40))
def test_no_datagram_does_harm(junk: bytes, position: int, cut: int) -> None:
    read_local_announce(junk)
    read_local_announce(WRITTEN[:position] + junk + WRITTEN[position + cut :])


@pytest.mark.parametrize(
    ("what", "instead"),
    [
        (b"BT-SEARCH", b"M-SEARCH"),
        (b"Port: 6881", b"Port: 0"),
        (b"Port: 6881", b"Port: 65536"),
        (b"Port: 6881", b"Port: six"),
        (b"Port: 6881\r\n", b""),
        (b"Infohash: 00", b"Infohash: "),
        (b"cookie: abc", b"cookie: " + b"x" * MAX_DATAGRAM_BYTES),
    ],
)
def test_what_is_no_announce_is_nothing(what: bytes, instead: bytes) -> None:
    assert read_local_announce(WRITTEN.replace(what, instead)) is None


def test_names_of_fields_may_be_written_otherwise() -> None:
    shouted = WRITTEN.replace(b"Infohash", b"INFOHASH").replace(b"Port: ", b"port:")
    assert read_local_announce(shouted) == LocalAnnounce(6881, (HASH,), "abc")
