from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.rules.allowed_fast import (
    allowed_fast_set,
    given_count,
    may_ask_though_choked,
)

HASH = b"\xaa" * 20
NINE = (1059, 431, 808, 1217, 287, 376, 1188, 353, 508)


@pytest.mark.parametrize("count", [7, 9])
def test_the_set_is_that_of_the_beps_example(count: int) -> None:
    assert allowed_fast_set(HASH, "80.4.4.200", 1313, count) == NINE[:count]


def test_all_hosts_of_a_network_are_allowed_the_same() -> None:
    assert allowed_fast_set(HASH, "80.4.4.7", 1313, 9) == NINE
    assert allowed_fast_set(HASH, "::ffff:80.4.4.7", 1313, 9) == NINE
    assert allowed_fast_set(HASH, "80.4.5.200", 1313, 9) != NINE


@pytest.mark.parametrize("host", ["2001:db8::1", "peer.example", ""])
def test_there_is_no_set_for_other_addresses(host: str) -> None:
    assert allowed_fast_set(HASH, host, 1313) == ()


@given(
    st.binary(min_size=20, max_size=20),
    st.ip_addresses(v=4).map(str),
    st.integers(0, 5_000),
    st.integers(0, 20),
)
def test_it_has_as_many_pieces_as_asked_for_all_different_and_of_the_torrent(
    info_hash: bytes, host: str, piece_count: int, count: int
) -> None:
    allowed = allowed_fast_set(info_hash, host, piece_count, count)
    assert len(allowed) == len(set(allowed)) == min(count, piece_count)
    assert all(0 <= index < piece_count for index in allowed)


def test_a_peer_with_more_pieces_than_that_starts_no_longer() -> None:
    assert may_ask_though_choked(0)
    assert may_ask_though_choked(10)
    assert not may_ask_though_choked(11)


@pytest.mark.parametrize(("pieces", "count"), [(0, 0), (99, 0), (100, 1), (550, 5), (10**6, 10)])
def test_of_a_small_torrent_fewer_pieces_are_given(pieces: int, count: int) -> None:
    assert given_count(pieces) == count
