"""What a peer's actor is given when it starts, and what it says when it goes."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from msgspec import Struct

from actortorrent.errors import StorageError
from actortorrent.rules.encryption import Encryption
from actortorrent.rules.geometry import Geometry
from actortorrent.wire.addresses import Address

if TYPE_CHECKING:
    from actortorrent.actors.content_reader import ContentReader
    from actortorrent.actors.piece_manager import PieceManagerProxy
    from actortorrent.actors.seeder import SeederProxy
    from actortorrent.actors.storage import StorageProxy
    from actortorrent.actors.swarm import SwarmProxy
    from actortorrent.wire.proxy_handshake import Proxy


class Connection(Struct, frozen=True):
    """Name a connection: its number in this session, the other end, and who dialled.

    `sock` is the accepted socket, which changes hands whole, or None if we dial.
    """

    conn: int
    address: Address
    sock: socket.socket | None = None

    @property
    def we_dialled(self) -> bool:
        """Say whether this side dialled."""
        return self.sock is None


def _no_content() -> ContentReader:
    """Stand for the content of a torrent that is not known yet: nobody can ask for it."""
    raise StorageError("expected a torrent that is known, found its info-hash alone")


class DhtDoor(Struct, frozen=True):
    """Lead to our node of the DHT, where there is one (BEP 5).

    Attributes:
        port: returns its UDP port, 0 while that is not known.
        add_node: tells it of a node, by host and port.
    """

    port: Callable[[], int]
    add_node: Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class TorrentFacts:
    """What every peer of a session must know: the same for all."""

    info_hash: bytes
    peer_id: bytes
    geometry: Geometry
    open_reader: Callable[[], ContentReader] = _no_content
    bind: str | None = None
    encryption: Encryption = Encryption.OFF
    proxy: Proxy | None = None
    is_download_limited: bool = False
    is_upload_limited: bool = False
    raw_info: bytes = field(default=b"", repr=False)  # to serve as metadata (BEP 9)
    listen_port: int = 0  # where we take connections; 0: nowhere
    dht: DhtDoor | None = None
    is_private: bool = False  # peers are told of by nobody but the trackers (BEP 27)
    gives_fast: bool = True  # a few pieces to peers that begin, though they are choked (BEP 6)


class Neighbours(Struct, frozen=True):
    """Whom a peer's actor tells its facts."""

    swarm: SwarmProxy
    piece_manager: PieceManagerProxy
    storage: StorageProxy
    seeder: SeederProxy


class Parting(Enum):
    """Say at which point, and how, a connection ended."""

    NEVER_ANSWERED = "never answered"  # the dial failed, or no handshake came
    LEFT = "left"  # closed by either side, in order or by the network
    MISBEHAVED = "misbehaved"  # broke the protocol
    OURSELVES = "ourselves"  # the other end is this session
    NOTHING_TO_TRADE = "nothing to trade"  # both have everything
    FAILED = "failed"  # a bug of ours
