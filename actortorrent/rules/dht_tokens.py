"""Tokens: who shows the one that it got may announce itself, and nobody else (BEP 5).

A token is made of a secret, the asker's IP address and the info-hash, so nothing has to be
kept. The secret changes every few minutes; tokens of the one before are still taken.
"""

from __future__ import annotations

import hmac

TOKEN_BYTES = 4  # short, or an answer with one would be longer than its query
ROTATION_SECONDS = 5 * 60.0
SECRET_BYTES = 16


class TokenMint:
    """Make tokens and know them again.

    Args:
        secret: `SECRET_BYTES` that nobody can guess.
    """

    def __init__(self, secret: bytes) -> None:
        self._secrets = (secret, secret)

    def rotate(self, secret: bytes) -> None:
        """Make tokens of another secret from now on; those of the last one are still good."""
        self._secrets = (secret, self._secrets[0])

    def token_for(self, host: str, info_hash: bytes) -> bytes:
        """Return the token of one asker for one torrent."""
        return _token(self._secrets[0], host, info_hash)

    def is_valid(self, token: bytes, host: str, info_hash: bytes) -> bool:
        """Say whether a token was made for this asker and torrent, not too long ago."""
        made = [_token(secret, host, info_hash) for secret in self._secrets]
        return any(hmac.compare_digest(one, token) for one in made)


def _token(secret: bytes, host: str, info_hash: bytes) -> bytes:
    return hmac.digest(secret, host.encode() + info_hash, "sha1")[:TOKEN_BYTES]
