"""The extensions of a peer's actor: what both sides say of themselves, and metadata for others.

BEP 10, with `upload_only` of BEP 21, and the serving half of BEP 9. Behind the handshake
each side tells its client, its limits, and the numbers under which it takes the messages of
extensions (`wire/extension_handshake.py`). Which extensions there are is a table here: one
more is a number and a function.

What a peer asks for is sent while the socket takes it, so that one that asks and does not
read holds no more of our memory than a few parts.
"""

from __future__ import annotations

import ipaddress
from collections import deque
from collections.abc import Callable

from actortorrent.actors.peer_uploads import MAX_QUEUED_REQUESTS
from actortorrent.actors.peer_values import Connection, TorrentFacts
from actortorrent.errors import PeerProtocolError
from actortorrent.rules.metadata_serving import MetadataServing
from actortorrent.version import VERSION
from actortorrent.wire.extension_handshake import (
    EXTENSION_HANDSHAKE_ID,
    METADATA_ID,
    PEX_ID,
    UT_METADATA,
    UT_PEX,
    ExtensionHandshake,
)
from actortorrent.wire.messages import Extended
from actortorrent.wire.metadata_exchange import MAX_PARTS, MetadataKind, MetadataMessage

CLIENT = f"actortorrent {VERSION}"
OUR_EXTENSIONS = ((UT_METADATA, METADATA_ID), (UT_PEX, PEX_ID))
MAX_ASKED_PARTS = 2 * MAX_PARTS  # that wait to be sent: all of them, and once more
ENOUGH_PENDING_BYTES = 64 * 1024  # serve on only while less than this waits to be sent

Take = Callable[[bytes], None]


class PeerExtensions:
    """Keep what a peer says of itself, say what we are, and serve the metadata.

    Attributes:
        theirs: all that the peer has said of itself so far.
        handlers: what takes the payload of a message, by our number for the extension; those
            that have none here we do not offer.
        metadata_came: takes what answers requests of ours; without it, it is dropped.
        has_greeted: whether we have said what we are.
    """

    __slots__ = (
        "_asked",
        "_connection",
        "_serving",
        "_torrent",
        "handlers",
        "has_greeted",
        "metadata_came",
        "theirs",
    )

    def __init__(self, connection: Connection, torrent: TorrentFacts) -> None:
        self._connection = connection
        self._torrent = torrent
        self._serving = MetadataServing(torrent.raw_info)
        self._asked: deque[int] = deque()
        self.theirs = ExtensionHandshake()
        self.handlers: dict[int, Take] = {
            EXTENSION_HANDSHAKE_ID: self._handshake_came,
            METADATA_ID: self._metadata_came,
        }
        self.metadata_came: Callable[[MetadataMessage], None] | None = None
        self.has_greeted = False

    # --- speaking -----------------------------------------------------------------------------

    def greeting(self, *, is_upload_only: bool = False) -> Extended:
        """Return what we say of ourselves, which comes behind our handshake."""
        self.has_greeted = True
        torrent = self._torrent
        return ExtensionHandshake(
            extensions=tuple(one for one in OUR_EXTENSIONS if one[1] in self.handlers),
            client=CLIENT,
            listen_port=torrent.listen_port or None,
            request_queue=MAX_QUEUED_REQUESTS,
            your_ip=None if torrent.proxy else _ip_of(self._connection.address.host),
            is_upload_only=is_upload_only or None,
            metadata_size=self._serving.size,
            prefers_encryption=torrent.encryption.is_on or None,
        ).message()

    def upload_only(self) -> Extended:
        """Return what adds to it that we fetch nothing more (BEP 21)."""
        return ExtensionHandshake(is_upload_only=True).message()

    def message_for(self, name: str, payload: bytes) -> Extended | None:
        """Return a message of an extension; None if the peer does not speak that one."""
        number = self.theirs.id_of(name)
        return Extended(number, payload) if number else None

    # --- listening ----------------------------------------------------------------------------

    def came(self, message: Extended) -> None:
        """Take a message; one of an extension that we gave no number is ignored.

        Raises:
            PeerProtocolError: if it is not what its extension says it must be.
        """
        take = self.handlers.get(message.extended_id)
        if take is not None:
            take(message.payload)

    def _handshake_came(self, payload: bytes) -> None:
        self.theirs = self.theirs.updated_by(ExtensionHandshake.from_payload(payload))

    def _metadata_came(self, payload: bytes) -> None:
        message = MetadataMessage.from_payload(payload)
        if message is None:
            return
        if message.kind is MetadataKind.REQUEST:
            self._asked_for(message.part_index)
        elif self.metadata_came is not None:
            self.metadata_came(message)

    # --- serving metadata ---------------------------------------------------------------------

    def _asked_for(self, part_index: int) -> None:
        if len(self._asked) >= MAX_ASKED_PARTS:
            raise PeerProtocolError(
                f"expected at most {MAX_ASKED_PARTS} requests for metadata waiting, found more"
            )
        self._asked.append(part_index)

    def can_serve(self, pending_bytes: int) -> bool:
        """Say whether a part is to be sent, with so many bytes that wait for the socket."""
        return bool(self._asked) and pending_bytes < ENOUGH_PENDING_BYTES

    def next_answer(self) -> Extended | None:
        """Take the next request, and return what answers it; None if there is no way to."""
        answer = self._serving.answer(self._asked.popleft())
        return self.message_for(UT_METADATA, answer.encode())


def _ip_of(host: str) -> str | None:
    """Return an address as `yourip` has it; None if it is a name."""
    try:
        ip = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return str(mapped or ip)
