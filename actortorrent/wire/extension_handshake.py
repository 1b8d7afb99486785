"""The handshake of the extensions: which of them a client speaks, and what it says of itself.

BEP 10, with `metadata_size` of BEP 9 and `upload_only` of BEP 21. It is the payload of an
`Extended` message with the number 0, and may come again: what it says then is added to what
was said before. The numbers are the speaker's own: whoever sends it a message of an
extension uses its number.

All of it is optional, and comes from strangers: what makes no sense is taken as not said.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from actortorrent.errors import BencodeError, PeerProtocolError
from actortorrent.wire.addresses import MAX_PORT
from actortorrent.wire.bencoding import Encodable, Limits, decode, encode
from actortorrent.wire.fields import Fields
from actortorrent.wire.messages import Extended

EXTENSION_HANDSHAKE_ID = 0
UT_METADATA = "ut_metadata"  # BEP 9
UT_PEX = "ut_pex"  # BEP 11
METADATA_ID = 1  # our numbers for them
PEX_ID = 2

MAX_EXTENSIONS = 64  # of one client; a dozen is much
MAX_NAME_BYTES = 64
MAX_ID = 255  # it is one byte
MAX_CLIENT_BYTES = 128
MAX_REQUEST_QUEUE = 1_000_000  # more is taken as that many
MAX_SAID_BYTES = 2**63 - 1  # of `metadata_size`; who fetches it has a limit of its own
LIMITS = Limits(size=64 * 1024, depth=8, tokens=2_000)


class ExtensionHandshake(Struct, frozen=True):
    """Hold what such a handshake says; None (or empty) is what it does not say.

    Attributes:
        extensions: names and the speaker's numbers, 1 to 255; 0 switches one off.
        client: name and version, not safe for a terminal.
        listen_port: where the speaker takes connections.
        request_queue: how many requests it lets wait.
        your_ip: as it sees whom it speaks to.
        ipv4, ipv6: its own addresses.
        is_upload_only: whether it will fetch nothing more (BEP 21).
        metadata_size: bytes of the info dictionary (BEP 9); not said by who has none.
        prefers_encryption: whether it would rather be dialled encrypted (`e`, of BEP 11).
    """

    extensions: tuple[tuple[str, int], ...] = ()
    client: str = ""
    listen_port: int | None = None
    request_queue: int | None = None
    your_ip: str | None = None
    ipv4: str | None = None
    ipv6: str | None = None
    is_upload_only: bool | None = None
    metadata_size: int | None = None
    prefers_encryption: bool | None = None

    def __str__(self) -> str:
        names = ", ".join(name for name, number in self.extensions if number) or "none"
        client = "".join(one if one.isprintable() else "." for one in self.client)
        who = f" of {client}" if client else ""
        size = f"; metadata of {self.metadata_size} bytes" if self.metadata_size else ""
        only = "; upload only" if self.is_upload_only else ""
        return f"handshake{who}: {names}{size}{only}"

    def id_of(self, name: str) -> int:
        """Return the speaker's number for an extension; 0 if it does not speak it."""
        return dict(self.extensions).get(name, 0)

    def updated_by(self, later: ExtensionHandshake) -> ExtensionHandshake:
        """Return what is known once the same client has said more."""
        numbers = dict(self.extensions) | dict(later.extensions)
        said = {
            name: value
            for name in _SAID
            if (value := getattr(later, name)) is not None and value != ""
        }
        spoken = [(name, number) for name, number in numbers.items() if number]
        return replace(self, **{**said, "extensions": tuple(spoken[:MAX_EXTENSIONS])})

    @classmethod
    def from_payload(cls, payload: bytes) -> ExtensionHandshake:
        """Read it from what follows the number 0.

        Raises:
            PeerProtocolError: if it is no bencoded dictionary, or one beyond the limits.
        """
        try:
            decoded = decode(payload, limits=LIMITS)
        except BencodeError as error:
            raise PeerProtocolError(f"expected a handshake of the extensions: {error}") from None
        fields = Fields(decoded, "the handshake of the extensions", PeerProtocolError)
        client = (fields.find_bytes(b"v") or b"")[:MAX_CLIENT_BYTES]
        queue = _in_range(fields, b"reqq", 2**63)
        return cls(
            extensions=tuple(_read_extensions(fields.values.get(b"m"))),
            client=client.decode("utf-8", "replace"),
            listen_port=_in_range(fields, b"p", MAX_PORT),
            request_queue=None if queue is None else min(queue, MAX_REQUEST_QUEUE),
            your_ip=fields.find_ip(b"yourip"),
            ipv4=fields.find_ip(b"ipv4", (4,)),
            ipv6=fields.find_ip(b"ipv6", (16,)),
            is_upload_only=_read_flag(fields, b"upload_only"),
            metadata_size=_in_range(fields, b"metadata_size", MAX_SAID_BYTES),
            prefers_encryption=_read_flag(fields, b"e"),
        )

    def encode(self) -> bytes:
        """Write the payload; what is not said is left out, but for `m`."""
        said: dict[str, Encodable | None] = {
            "m": dict(self.extensions),
            "v": self.client or None,
            "p": self.listen_port,
            "reqq": self.request_queue,
            "yourip": _packed(self.your_ip),
            "ipv4": _packed(self.ipv4),
            "ipv6": _packed(self.ipv6),
            "upload_only": _flag(self.is_upload_only),
            "metadata_size": self.metadata_size,
            "e": _flag(self.prefers_encryption),
        }
        return encode({key: value for key, value in said.items() if value is not None})

    def message(self) -> Extended:
        """Return the message that carries it."""
        return Extended(EXTENSION_HANDSHAKE_ID, self.encode())


_SAID = (
    *("client", "listen_port", "request_queue", "your_ip", "ipv4", "ipv6"),
    *("is_upload_only", "metadata_size", "prefers_encryption"),
)


def _read_extensions(value: object) -> Iterator[tuple[str, int]]:
    if not isinstance(value, Mapping):
        return
    for _, (name, number) in zip(range(MAX_EXTENSIONS), value.items(), strict=False):
        is_number = isinstance(number, int) and 0 <= number <= MAX_ID
        if is_number and name.isascii() and 0 < len(name) <= MAX_NAME_BYTES:
            text = name.decode("ascii")
            if text.isprintable():
                yield text, number


def _in_range(fields: Fields, key: bytes, maximum: int) -> int | None:
    value = fields.find_int(key)
    return value if value is not None and 1 <= value <= maximum else None


def _read_flag(fields: Fields, key: bytes) -> bool | None:
    value = fields.find_int(key)
    return None if value is None else value != 0


def _flag(said: bool | None) -> int | None:
    return None if said is None else int(said)


def _packed(host: str | None) -> bytes | None:
    return None if host is None else ipaddress.ip_address(host).packed
