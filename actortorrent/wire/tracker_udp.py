"""Packets of trackers over UDP: BEP 15, and the path of the URL as BEP 41 tells it.

A reply is first matched to what was asked: by its action and the transaction id, which
nobody else can know. What does not match is none of our business (`None`); what matches
and is malformed is the tracker's fault.
"""

from __future__ import annotations

import ipaddress
import struct

from msgspec import Struct

from actortorrent.errors import TrackerError, TrackerRefusalError
from actortorrent.wire.addresses import (
    COMPACT_IPV4_BYTES,
    COMPACT_IPV6_BYTES,
    unpack_compact_ipv4,
    unpack_compact_ipv6,
)
from actortorrent.wire.announces import (
    MAX_PEERS,
    AnnounceReply,
    Ask,
    Reply,
    ScrapeReply,
    ScrapeRequest,
    bounded_count,
    bounded_interval,
    bounded_min_interval,
    clean_text,
    usable_peers,
)

PROTOCOL_ID = 0x41727101980  # BEP 15's magic number
CONNECT, ANNOUNCE, SCRAPE, ERROR = range(4)  # actions
MAX_PACKET_BYTES = 65_536  # more than a datagram can hold

OPTION_END = 0  # BEP 41
OPTION_URL_DATA = 2
MAX_OPTION_BYTES = 255
MAX_URL_DATA_BYTES = 2_048

_CONNECT = struct.Struct("!QII")
_HEAD = struct.Struct("!II")  # action, transaction id: how every reply begins
_CONNECTED = struct.Struct("!Q")
_ANNOUNCE = struct.Struct("!QII20s20sQQQIIIiH")
_ANNOUNCED = struct.Struct("!III")
_SCRAPE = struct.Struct("!QII20s")
_SCRAPED = struct.Struct("!III")


class ConnectReply(Struct, frozen=True):
    """Hold the connection id that a tracker gives, good for a minute."""

    connection_id: int


def build_connect(transaction_id: int) -> bytes:
    """Write the packet that asks for a connection id."""
    return _CONNECT.pack(PROTOCOL_ID, CONNECT, transaction_id)


def build_ask(connection_id: int, transaction_id: int, ask: Ask, url_data: str = "") -> bytes:
    """Write an announce or a scrape; `url_data` is the path and query of the URL (BEP 41)."""
    if isinstance(ask, ScrapeRequest):
        return _SCRAPE.pack(connection_id, SCRAPE, transaction_id, ask.info_hash)
    packet = _ANNOUNCE.pack(
        connection_id,
        ANNOUNCE,
        transaction_id,
        ask.info_hash,
        ask.peer_id,
        ask.downloaded,
        ask.left,
        ask.uploaded,
        ask.event.value,
        _ipv4_number(ask.ip),
        ask.key,
        ask.wanted_peers,
        ask.port,
    )
    return packet + _url_data_options(url_data)


def read_connect_reply(packet: bytes, transaction_id: int) -> ConnectReply | None:
    """Read the answer to a connect; None if it answers something else.

    Raises:
        TrackerRefusalError: if it is an error packet.
        TrackerError: if it is malformed.
    """
    body = _matching_body(packet, CONNECT, transaction_id)
    if body is None:
        return None
    _need_bytes(body, _CONNECTED.size)
    return ConnectReply(_CONNECTED.unpack_from(body)[0])


def read_reply(packet: bytes, transaction_id: int, ask: Ask, *, is_ipv6: bool) -> Reply | None:
    """Read the answer to `ask`; None if it answers something else.

    Args:
        packet: the datagram.
        transaction_id: what `ask` was sent with.
        ask: what was asked.
        is_ipv6: whether it came over IPv6, whose peers take 18 bytes, not 6.

    Raises:
        TrackerRefusalError: if it is an error packet.
        TrackerError: if it is malformed.
    """
    is_scrape = isinstance(ask, ScrapeRequest)
    body = _matching_body(packet, SCRAPE if is_scrape else ANNOUNCE, transaction_id)
    if body is None:
        return None
    if not body:  # opentracker's way
        raise TrackerRefusalError("an answer without content: it does not serve this torrent")
    return _read_scraped(body) if is_scrape else _read_announced(body, is_ipv6=is_ipv6)


def _matching_body(packet: bytes, action: int, transaction_id: int) -> bytes | None:
    if len(packet) < _HEAD.size:
        return None
    found_action, found_id = _HEAD.unpack_from(packet)
    if found_id != transaction_id or found_action not in (action, ERROR):
        return None
    body = packet[_HEAD.size :]
    if found_action == ERROR:
        raise TrackerRefusalError(clean_text(body.rstrip(b"\0")) or "no reason given")
    return body


def _read_announced(body: bytes, *, is_ipv6: bool) -> AnnounceReply:
    _need_bytes(body, _ANNOUNCED.size)
    seconds, leechers, seeders = _ANNOUNCED.unpack_from(body)
    packed = body[_ANNOUNCED.size :]
    if is_ipv6:
        peers = unpack_compact_ipv6(packed[: MAX_PEERS * COMPACT_IPV6_BYTES])
    else:
        peers = unpack_compact_ipv4(packed[: MAX_PEERS * COMPACT_IPV4_BYTES])
    interval = bounded_interval(seconds)
    return AnnounceReply(
        peers=usable_peers(peers),
        interval_seconds=interval,
        min_interval_seconds=bounded_min_interval(None, interval),
        seeders=bounded_count(seeders),
        leechers=bounded_count(leechers),
    )


def _read_scraped(body: bytes) -> ScrapeReply:
    _need_bytes(body, _SCRAPED.size)
    seeders, completed, leechers = map(bounded_count, _SCRAPED.unpack_from(body))
    return ScrapeReply(seeders, completed, leechers)


def _need_bytes(body: bytes, count: int) -> None:
    if len(body) < count:
        raise TrackerError(f"expected a reply of {count + _HEAD.size} bytes or more, found fewer")


def _url_data_options(url_data: str) -> bytes:
    raw = url_data.encode()[:MAX_URL_DATA_BYTES]
    options = [
        bytes((OPTION_URL_DATA, len(part))) + part
        for part in (raw[i : i + MAX_OPTION_BYTES] for i in range(0, len(raw), MAX_OPTION_BYTES))
    ]
    return b"".join([*options, bytes((OPTION_END,))]) if options else b""


def _ipv4_number(text: str) -> int:
    """Return an IPv4 address as a number; 0 says "the one this packet came from"."""
    try:
        return int(ipaddress.IPv4Address(text))
    except ValueError:
        return 0
