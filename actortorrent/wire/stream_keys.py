"""The cryptography of encrypted streams: Diffie-Hellman over 768 bits, SHA-1 and RC4.

None of it is secure today, and it need not be: it hides from those who sort packets
that this is BitTorrent. Whoever knows the torrent's info-hash can still come in.

The numbers and names are those of "Message Stream Encryption", from the wiki of Vuze.
"""

from __future__ import annotations

from hashlib import sha1
from typing import Protocol

from msgspec import Struct

from actortorrent.errors import PeerProtocolError

PUBLIC_KEY_BYTES = 96
PRIVATE_KEY_BYTES = 20
DROPPED_BYTES = 1024  # RC4's first output gives away something of its key

PRIME = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74"
    "020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437"
    "4FE1356D6D51C245E485B576625E7EC6F44C42E9A63A36210000000000090563",
    16,
)
GENERATOR = 2


class Cipher(Protocol):
    """One direction of an encrypted stream; with RC4, to encrypt and to decrypt are the same."""

    def update(self, data: bytes | memoryview, /) -> bytes:
        """Return the next bytes of the stream, encrypted or decrypted."""

    def update_into(self, data: memoryview, buf: memoryview, /) -> int:
        """Write them into `buf` instead, which may be `data` itself."""


def public_key(private_key: bytes) -> bytes:
    """Return the 96 bytes that belong to a private key of 20."""
    return pow(GENERATOR, int.from_bytes(private_key), PRIME).to_bytes(PUBLIC_KEY_BYTES)


def shared_secret(private_key: bytes, their_public_key: bytes) -> bytes:
    """Return the 96 bytes that only both sides know.

    Raises:
        PeerProtocolError: if their key would make the secret one that everybody knows.
    """
    theirs = int.from_bytes(their_public_key)
    if not 1 < theirs < PRIME - 1:
        raise PeerProtocolError("expected a public key, found a number that hides nothing")
    return pow(theirs, int.from_bytes(private_key), PRIME).to_bytes(PUBLIC_KEY_BYTES)


def meeting_mark(secret: bytes) -> bytes:
    """Return the 20 bytes that show the dialled side where the padding ends."""
    return sha1(b"req1" + secret).digest()


def torrent_mark(secret: bytes, info_hash: bytes) -> bytes:
    """Return the 20 bytes that name the torrent to those who know it."""
    named, hidden = sha1(b"req2" + info_hash).digest(), sha1(b"req3" + secret).digest()
    return bytes(left ^ right for left, right in zip(named, hidden, strict=True))


class StreamKeys(Struct, frozen=True):
    """Name the two keys of a connection: of what its dialler sends, and of what it is sent."""

    from_dialler: bytes
    to_dialler: bytes


def stream_keys(secret: bytes, info_hash: bytes) -> StreamKeys:
    """Return the keys that follow from a secret and a torrent."""
    return StreamKeys(
        from_dialler=sha1(b"keyA" + secret + info_hash).digest(),
        to_dialler=sha1(b"keyB" + secret + info_hash).digest(),
    )


def new_cipher(key: bytes) -> Cipher:
    """Return RC4 with a key of 20 bytes, its first 1024 bytes dropped.

    Raises:
        PeerProtocolError: if this machine has no RC4; a peer may still be spoken to plainly.
    """
    # Not every session meets an encrypted stream, and the library takes a while to load.
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4  # noqa: PLC0415
    from cryptography.hazmat.primitives.ciphers import Cipher as Algorithm  # noqa: PLC0415

    try:
        cipher = Algorithm(ARC4(key), mode=None).encryptor()
    except UnsupportedAlgorithm:  # OpenSSL can be built or told to go without
        raise PeerProtocolError("expected RC4 in this machine's OpenSSL, found none") from None
    cipher.update(bytes(DROPPED_BYTES))
    return cipher
