"""An HTTP tracker's side of BEP 3, 7, 23, 24 and 48: URLs in, bencoded replies out."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import unquote_to_bytes

from actortorrent.errors import TrackerError
from actortorrent.lab.tracked_peers import SwarmCounts
from actortorrent.wire.addresses import MAX_PORT, Address, pack_compact
from actortorrent.wire.announces import AnnounceEvent, AnnounceRequest
from actortorrent.wire.bencoding import Encodable, encode

MAX_QUERY_CHARACTERS = 4_096
MAX_FIELDS = 64
MAX_SCRAPED = 64  # torrents of one scrape
ID_BYTES = 20
MAX_DIGITS = 19  # of a number of bytes
DEFAULT_WANTED = 50
EVENTS = {str(event).encode(): event for event in AnnounceEvent} | {
    b"": AnnounceEvent.NONE,
    b"empty": AnnounceEvent.NONE,
}


def read_announce(query: str) -> AnnounceRequest:
    """Read the query of an announce URL.

    Raises:
        TrackerError: what is missing or out of range, as the asker is told it.
    """
    fields = dict(_fields(query))
    event = fields.get(b"event", b"")
    if event not in EVENTS:
        raise TrackerError("event is none of started, completed, stopped")
    port = _number(fields, b"port")
    if not 0 < port <= MAX_PORT:
        raise TrackerError("port is not from 1 to 65535")
    return AnnounceRequest(
        info_hash=_id(fields, b"info_hash"),
        peer_id=_id(fields, b"peer_id"),
        port=port,
        uploaded=_number(fields, b"uploaded"),
        downloaded=_number(fields, b"downloaded"),
        left=_number(fields, b"left"),
        event=EVENTS[event],
        wanted_peers=_number(fields, b"numwant", DEFAULT_WANTED),
    )


def read_scrape(query: str) -> tuple[bytes, ...]:
    """Read the info-hashes of a scrape URL (BEP 48), one or more.

    Raises:
        TrackerError: there is none, or one is not of 20 bytes.
    """
    asked = [_id({name: value}, name) for name, value in _fields(query) if name == b"info_hash"]
    if not asked:
        raise TrackerError("info_hash is missing: only named torrents are scraped")
    return tuple(asked[:MAX_SCRAPED])


def write_announce_reply(
    peers: Iterable[Address], counts: SwarmCounts, interval_seconds: int, asker_host: str
) -> bytes:
    """Return a reply with compact peers, those of IPv6 under a key of their own (BEP 7).

    It tells who asked at which address we see it (BEP 24).
    """
    by_kind: dict[bool, list[bytes]] = {False: [], True: []}
    for peer in peers:
        by_kind[peer.is_ipv6].append(pack_compact(peer))
    reply: dict[str, Encodable] = {
        "complete": counts.seeds,
        "external ip": ipaddress.ip_address(asker_host).packed,
        "incomplete": counts.leeches,
        "interval": interval_seconds,
        "min interval": interval_seconds,
        "peers": b"".join(by_kind[False]),
    }
    if by_kind[True]:
        reply["peers6"] = b"".join(by_kind[True])
    return encode(reply)


def write_scrape_reply(counts: Iterable[tuple[bytes, SwarmCounts]]) -> bytes:
    """Return the counts of each torrent asked for."""
    files: dict[bytes, Encodable] = {
        info_hash: {
            "complete": count.seeds,
            "downloaded": count.finished,
            "incomplete": count.leeches,
        }
        for info_hash, count in counts
    }
    return encode({"files": files})


def write_failure(reason: str) -> bytes:
    """Return a refusal, in words."""
    return encode({"failure reason": reason})


def _fields(query: str) -> list[tuple[bytes, bytes]]:
    if len(query) > MAX_QUERY_CHARACTERS or query.count("&") >= MAX_FIELDS:
        raise TrackerError("the request is too long")
    pairs = [part.partition("=") for part in query.split("&")]
    return [(unquote_to_bytes(name), unquote_to_bytes(value)) for name, _, value in pairs]


def _id(fields: dict[bytes, bytes], name: bytes) -> bytes:
    value = fields.get(name, b"")
    if len(value) != ID_BYTES:
        raise TrackerError(f"{name.decode()} is not of 20 bytes but of {len(value)}")
    return value


def _number(fields: dict[bytes, bytes], name: bytes, default: int | None = None) -> int:
    value = fields.get(name)
    if value is None and default is not None:
        return default
    if value is None or not value.isdigit() or len(value) > MAX_DIGITS:
        raise TrackerError(f"{name.decode()} is not a number of 0 or more")
    return int(value)
