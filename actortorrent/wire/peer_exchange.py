"""The message in which peers tell each other whom they are connected to: BEP 11.

It is the payload of an `Extended` message, and says what changed since the last one: who
was added, with a byte of flags each, and who was dropped. A stranger's word all of it:
`rules/peer_exchange.py` judges how much of it is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import IntFlag

from msgspec import Struct

from actortorrent.errors import BencodeError, PeerProtocolError
from actortorrent.wire.addresses import (
    COMPACT_IPV4_BYTES,
    COMPACT_IPV6_BYTES,
    Address,
    pack_compact,
    unpack_compact_ipv4,
    unpack_compact_ipv6,
)
from actortorrent.wire.bencoding import Encodable, Limits, decode, encode
from actortorrent.wire.fields import Fields

MAX_CONTACTS = 200  # that are read of each of the four lists; 50 are usual
LIMITS = Limits(size=64 * 1024, depth=4, tokens=64)


class ContactFlags(IntFlag):
    """Say what is known of a contact that is added."""

    NONE = 0
    PREFERS_ENCRYPTION = 0x01
    UPLOAD_ONLY = 0x02
    SPEAKS_UTP = 0x04
    SPEAKS_HOLEPUNCH = 0x08
    REACHABLE = 0x10  # the speaker dialled it


class Contact(Struct, frozen=True):
    """Name a peer that the speaker is connected to; `flags` are from 0 to 255."""

    address: Address
    flags: ContactFlags = ContactFlags.NONE

    def __str__(self) -> str:
        return str(self.address)


class PeerExchange(Struct, frozen=True):
    """Say who was added and who was dropped since the last such message."""

    added: tuple[Contact, ...] = ()
    dropped: tuple[Address, ...] = ()

    def __str__(self) -> str:
        return f"exchange of peers: {len(self.added)} added, {len(self.dropped)} dropped"

    @classmethod
    def from_payload(cls, payload: bytes) -> PeerExchange:
        """Read at most `MAX_CONTACTS` of each list; a ragged end and ports of 0 are left out.

        Raises:
            PeerProtocolError: if it is no bencoded dictionary, or one beyond the limits.
        """
        try:
            decoded = decode(payload, limits=LIMITS)
        except BencodeError as error:
            raise PeerProtocolError(f"expected an exchange of peers: {error}") from None
        fields = Fields(decoded, "the exchange of peers", PeerProtocolError)
        return cls(
            added=(*_read_added(fields, b"added"), *_read_added(fields, b"added6")),
            dropped=(
                *_addresses(fields.find_bytes(b"dropped") or b"", is_ipv6=False),
                *_addresses(fields.find_bytes(b"dropped6") or b"", is_ipv6=True),
            ),
        )

    def encode(self) -> bytes:
        """Write the payload; the lists of IPv4 are there even if empty."""
        payload: dict[str, Encodable] = {}
        for suffix, is_ipv6 in (("", False), ("6", True)):
            added = [one for one in self.added if one.address.is_ipv6 is is_ipv6]
            dropped = [one for one in self.dropped if one.is_ipv6 is is_ipv6]
            if added or not is_ipv6:
                payload[f"added{suffix}"] = _packed(one.address for one in added)
                payload[f"added{suffix}.f"] = bytes(one.flags for one in added)
            if dropped or not is_ipv6:
                payload[f"dropped{suffix}"] = _packed(dropped)
        return encode(payload)


def _packed(addresses: Iterable[Address]) -> bytes:
    return b"".join(map(pack_compact, addresses))


def _read_added(fields: Fields, key: bytes) -> Iterator[Contact]:
    """Yield the contacts of a list with their flags; who has none there has none set."""
    packed = fields.find_bytes(key) or b""
    flags = fields.find_bytes(key + b".f") or b""
    is_ipv6 = key.endswith(b"6")
    size = COMPACT_IPV6_BYTES if is_ipv6 else COMPACT_IPV4_BYTES
    for number in range(min(MAX_CONTACTS, len(packed) // size)):
        for address in _addresses(packed[number * size : (number + 1) * size], is_ipv6=is_ipv6):
            yield Contact(address, ContactFlags(flags[number] if number < len(flags) else 0))


def _addresses(packed: bytes, *, is_ipv6: bool) -> tuple[Address, ...]:
    if is_ipv6:
        return unpack_compact_ipv6(packed[: MAX_CONTACTS * COMPACT_IPV6_BYTES])
    return unpack_compact_ipv4(packed[: MAX_CONTACTS * COMPACT_IPV4_BYTES])
