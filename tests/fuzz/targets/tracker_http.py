"""Trackers' replies over HTTP: bounded in every number, safe in every text."""

from __future__ import annotations

from actortorrent.errors import TrackerError
from actortorrent.wire.announces import (
    MAX_COUNT,
    MAX_INTERVAL_SECONDS,
    MAX_PEERS,
    MAX_TEXT_CHARACTERS,
    MAX_TRACKER_ID_BYTES,
    MIN_INTERVAL_SECONDS,
    AnnounceReply,
    AnnounceRequest,
    Ask,
    Reply,
    ScrapeReply,
    ScrapeRequest,
)
from actortorrent.wire.bencoding import encode
from actortorrent.wire.tracker_http import build_url, read_reply
from tests.fuzz.refusing import check_refusal

HASH = b"h" * 20
ANNOUNCE = AnnounceRequest(
    info_hash=HASH, peer_id=b"p" * 20, port=6881, uploaded=0, downloaded=0, left=1
)
STATUSES = (200, 400, 404, 429, 500, 302)


def seeds() -> list[bytes]:
    announced = {
        "complete": 3,
        "incomplete": 4,
        "interval": 1800,
        "min interval": 60,
        "peers": b"\x0a\0\0\1\x1a\xe1" * 3,
        "peers6": b"\x20\x01" + bytes(13) + b"\1\x1a\xe1",
        "tracker id": "id",
        "warning message": "slow down\x1b[31m",
    }
    listed = {"peers": [{"ip": "10.0.0.1", "port": 6881}, {"ip": "::1%lo", "port": 1}, "x"]}
    scraped = {"files": {HASH: {"complete": 1, "downloaded": 2, "incomplete": -3}}}
    replies = [announced, listed, {"failure reason": "no\nsuch torrent"}]
    return [
        *(b"\0" + encode(reply) for reply in replies),
        b"\1" + encode(scraped),
        b"\x08" + b"<html>",
        b"\4de",
    ]


def check(data: bytes) -> None:
    first = (data or b"\0")[0]
    ask: Ask = ScrapeRequest(HASH) if first & 1 else ANNOUNCE
    try:
        reply = read_reply(STATUSES[(first >> 1) % len(STATUSES)], data[1:], ask)
    except TrackerError as error:
        check_refusal(error)
        return
    check_reply(reply)
    if isinstance(reply, AnnounceReply):
        told = AnnounceRequest(
            info_hash=HASH, peer_id=b"p" * 20, port=1, uploaded=0, downloaded=0, left=0,
            tracker_id=reply.tracker_id,
        )  # fmt: skip
        url = build_url("http://t.example/announce?key=1", told)
        assert url.isascii()
        assert url.isprintable()


def check_reply(reply: Reply) -> None:
    """Assert that a reply is within the bounds that all trackers are held to."""
    if isinstance(reply, ScrapeReply):
        counts: tuple[int | None, ...] = (reply.seeders, reply.completed, reply.leechers)
    else:
        counts = (reply.seeders, reply.leechers)
        _check_announced(reply)
    assert all(count is None or 0 <= count <= MAX_COUNT for count in counts)


def _check_announced(reply: AnnounceReply) -> None:
    assert len(set(reply.peers)) == len(reply.peers) <= MAX_PEERS
    assert all(0 < peer.port <= 65_535 and "%" not in peer.host for peer in reply.peers)
    assert MIN_INTERVAL_SECONDS <= reply.interval_seconds <= MAX_INTERVAL_SECONDS
    assert MIN_INTERVAL_SECONDS <= reply.min_interval_seconds <= reply.interval_seconds
    assert len(reply.tracker_id) <= MAX_TRACKER_ID_BYTES
    assert len(reply.warning) <= MAX_TEXT_CHARACTERS
    assert reply.warning.isprintable()
