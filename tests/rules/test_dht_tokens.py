from __future__ import annotations

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
