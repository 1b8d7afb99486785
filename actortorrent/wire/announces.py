"""What a tracker is asked and answers, whichever protocol carries it (BEP 3, 15, 48).

The values are the same for HTTP and UDP; `tracker_http` and `tracker_udp` turn them
into bytes and back. Everything a tracker says is bounded here, and text of its own is
cleaned here, so that whoever shows it later need not think of it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from enum import Enum

from msgspec import Struct

from actortorrent.wire.addresses import MAX_PORT, Address

MAX_PEERS = 500  # of one reply, a quarter of what a swarm keeps; the rest are left out
WANTED_PEERS = 80  # what we ask for
MIN_INTERVAL_SECONDS = 30  # however often a tracker wants to be asked
MAX_INTERVAL_SECONDS = 6 * 60 * 60  # however seldom
DEFAULT_INTERVAL_SECONDS = 30 * 60  # where a reply names none
DEFAULT_MIN_INTERVAL_SECONDS = 60  # between announces that we want, where a reply names none
MAX_COUNT = 2**31 - 1  # seeders or leechers that we believe in
MAX_TEXT_CHARACTERS = 200  # of a tracker's own words
MAX_TRACKER_ID_BYTES = 256


class AnnounceEvent(Enum):
    """Say why a tracker is told; the value is BEP 15's number."""

    NONE = 0
    COMPLETED = 1
    STARTED = 2
    STOPPED = 3

    def __str__(self) -> str:
        return self.name.lower()


class AnnounceRequest(Struct, frozen=True, kw_only=True):
    """Tell a tracker how we stand, and ask for peers.

    Attributes:
        key: 32 bits that prove us the same client where our address changes.
        tracker_id: what this tracker gave us last time, or nothing.
        ip: address to be known by, or nothing: then the one we ask from.
    """

    info_hash: bytes
    peer_id: bytes
    port: int
    uploaded: int
    downloaded: int
    left: int
    event: AnnounceEvent = AnnounceEvent.NONE
    wanted_peers: int = WANTED_PEERS
    key: int = 0
    tracker_id: bytes = b""
    ip: str = ""

    def __str__(self) -> str:
        return f"announce {self.event}, {self.left} bytes left"


class AnnounceReply(Struct, frozen=True, kw_only=True):
    """Hold what a tracker answered to an announce, within our bounds.

    Attributes:
        interval_seconds: when it wants to be asked again.
        min_interval_seconds: before which it must not be asked again.
        seeders: peers that have all, or None where it did not say; so `leechers`.
        warning: its own words, cleaned; mostly empty.
        external_host: our address as it sees it (BEP 24); None where it does not say.
    """

    peers: tuple[Address, ...] = ()
    interval_seconds: int = DEFAULT_INTERVAL_SECONDS
    min_interval_seconds: int = DEFAULT_MIN_INTERVAL_SECONDS
    seeders: int | None = None
    leechers: int | None = None
    tracker_id: bytes = b""
    warning: str = ""
    external_host: str | None = None

    def __str__(self) -> str:
        return f"{len(self.peers)} peers, again in {self.interval_seconds} s"


class ScrapeRequest(Struct, frozen=True):
    """Ask how many peers a torrent has, without joining them (BEP 48)."""

    info_hash: bytes


class ScrapeReply(Struct, frozen=True):
    """Count a torrent's peers: with all, ever completed, without all."""

    seeders: int
    completed: int
    leechers: int


Ask = AnnounceRequest | ScrapeRequest
Reply = AnnounceReply | ScrapeReply


def bounded_interval(seconds: int | None) -> int:
    """Return an interval that we keep to: a tracker can neither rush us nor send us to sleep."""
    if seconds is None or seconds <= 0:
        return DEFAULT_INTERVAL_SECONDS
    return min(max(seconds, MIN_INTERVAL_SECONDS), MAX_INTERVAL_SECONDS)


def bounded_min_interval(seconds: int | None, interval_seconds: int) -> int:
    """Return a minimum interval, never longer than the interval itself."""
    if seconds is None or seconds <= 0:
        return min(DEFAULT_MIN_INTERVAL_SECONDS, interval_seconds)
    return min(max(seconds, MIN_INTERVAL_SECONDS), interval_seconds)


def bounded_count(count: int) -> int:
    """Return a number of peers that is not absurd."""
    return min(max(count, 0), MAX_COUNT)


def clean_text(raw: bytes) -> str:
    """Return a tracker's own words on one short line, without any control character."""
    text = raw[: 4 * MAX_TEXT_CHARACTERS].decode("utf-8", "replace")
    printable = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(printable.split())[:MAX_TEXT_CHARACTERS]


def usable_peers(peers: Iterable[Address]) -> tuple[Address, ...]:
    """Return at most `MAX_PEERS` addresses, each once, without those nobody can dial."""
    found: dict[Address, None] = {}
    for peer in peers:
        usable = _usable(peer)
        if usable is not None:
            found[usable] = None
        if len(found) >= MAX_PEERS:
            break
    return tuple(found)


def _usable(peer: Address) -> Address | None:
    try:
        ip = ipaddress.ip_address(peer.host)
    except ValueError:  # a host name: looking it up would let a tracker choose our DNS queries
        return None
    if isinstance(ip, ipaddress.IPv6Address):
        ip = ip.ipv4_mapped or ip
    if ip.is_unspecified or ip.is_multicast or "%" in str(ip) or not 0 < peer.port <= MAX_PORT:
        return None
    return Address(str(ip), peer.port)
