"""What clients of one local network call to each other by multicast: BEP 14.

An announce is a datagram in the manner of HTTP: where whoever sends it takes connections,
and for which torrents. The host is that of the datagram's sender. The cookie is anything by
which a client knows its own calls.
"""

from __future__ import annotations

import re

from msgspec import Struct

from actortorrent.wire.addresses import MAX_PORT, Address

GROUP_IPV4 = Address("239.192.152.143", 6771)
GROUP_IPV6 = Address("ff15::efc0:988f", 6771)
MAX_DATAGRAM_BYTES = 1400
MAX_INFO_HASHES = 24  # of one announce: that many fit in a datagram
MAX_COOKIE = 64  # characters

_FIRST_LINE = "BT-SEARCH * HTTP/1.1"
_INFO_HASH = re.compile("[0-9a-fA-F]{40}")
_PORT = re.compile("[0-9]{1,5}")


class LocalAnnounce(Struct, frozen=True):
    """Say on which port, 1 to 65535, torrents are traded here; info-hashes are of 20 bytes."""

    port: int
    info_hashes: tuple[bytes, ...]
    cookie: str = ""

    def __str__(self) -> str:
        return f"local announce of {len(self.info_hashes)} torrents on port {self.port}"

    def encode(self, group: Address) -> bytes:
        """Write the datagram for a multicast group."""
        host = f"[{group.host}]" if group.is_ipv6 else group.host
        lines = [
            _FIRST_LINE,
            f"Host: {host}:{group.port}",
            f"Port: {self.port}",
            *[f"Infohash: {one.hex()}" for one in self.info_hashes[:MAX_INFO_HASHES]],
            *([f"cookie: {self.cookie}"] if self.cookie else []),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n\r\n").encode("ascii")


def read_local_announce(datagram: bytes) -> LocalAnnounce | None:
    """Read a datagram; None if it is no announce, or names no port or no torrent."""
    if len(datagram) > MAX_DATAGRAM_BYTES:
        return None
    first, *lines = datagram.decode("latin-1").split("\r\n")
    if first != _FIRST_LINE:
        return None
    fields = [
        (name.lower(), value.strip()) for name, _, value in (one.partition(":") for one in lines)
    ]
    ports = [int(value) for name, value in fields if name == "port" and _PORT.fullmatch(value)]
    hashes = [value for name, value in fields if name == "infohash" and _INFO_HASH.fullmatch(value)]
    cookies = [value for name, value in fields if name == "cookie"]
    if not hashes or not ports or not 0 < ports[0] <= MAX_PORT:
        return None
    info_hashes = tuple(map(bytes.fromhex, hashes[:MAX_INFO_HASHES]))
    return LocalAnnounce(ports[0], info_hashes, cookies[0][:MAX_COOKIE] if cookies else "")
