from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actortorrent.rules.dht_tokens import TOKEN_BYTES, TokenMint

TORRENT = b"t" * 20


def test_a_token_is_good_for_its_address_and_torrent() -> None:
    mint = TokenMint(b"secret")
    token = mint.token_for("192.0.2.1", TORRENT)
    assert len(token) == TOKEN_BYTES
    assert mint.is_valid(token, "192.0.2.1", TORRENT)


def test_a_token_of_another_address_torrent_or_node_is_refused() -> None:
    mint = TokenMint(b"secret")
    token = mint.token_for("192.0.2.1", TORRENT)
    assert not mint.is_valid(token, "192.0.2.2", TORRENT)
    assert not mint.is_valid(token, "192.0.2.1", b"u" * 20)
    assert not TokenMint(b"other").is_valid(token, "192.0.2.1", TORRENT)
    assert not mint.is_valid(b"", "192.0.2.1", TORRENT)


def test_a_token_outlives_one_change_of_the_secret() -> None:
    mint = TokenMint(b"one")
    token = mint.token_for("192.0.2.1", TORRENT)
    mint.rotate(b"two")
    assert mint.is_valid(token, "192.0.2.1", TORRENT)
    assert mint.token_for("192.0.2.1", TORRENT) != token
    mint.rotate(b"three")
    assert not mint.is_valid(token, "192.0.2.1", TORRENT)


@given(
    st.lists(st.sampled_from(["192.0.2.1", "192.0.2.2", "2001:db8::1"]), max_size=8),
    st.binary(max_size=8),
)
def test_whoever_asks_gets_a_token_of_its_own_and_guesses_are_no_good(
    hosts: list[str], guess: bytes
) -> None:
    mint = TokenMint(b"secret")
    tokens = {host: mint.token_for(host, TORRENT) for host in hosts}
    assert len(set(tokens.values())) == len(tokens)
    for host, token in tokens.items():
        for other in tokens:
            assert mint.is_valid(token, other, TORRENT) == (host == other)
        assert mint.is_valid(guess, host, TORRENT) == (guess == token)
