"""URLs of trackers and proxies, and addresses: what users paste, and what torrents name."""

from __future__ import annotations

from actortorrent.errors import TrackerError, UsageError
from actortorrent.wire.addresses import MAX_PORT, parse_address
from actortorrent.wire.announces import ScrapeRequest
from actortorrent.wire.proxy_handshake import MAX_FIELD_BYTES, parse_proxy
from actortorrent.wire.tracker_http import build_url
from actortorrent.wire.tracker_urls import MAX_URL_CHARACTERS, parse_tracker_url, shown_url
from tests.fuzz.refusing import check_refusal

SHOWN_CHARACTERS = 2 * MAX_URL_CHARACTERS


def seeds() -> list[bytes]:
    return [
        b"http://tracker.example:6969/announce?key=secret",
        b"udp://[2001:db8::1]:80/announce",
        b"https://user:secret@tracker.example/a/announce.php",
        b"socks5://user:pass%40word@proxy.example:1080",
        b"http://[::1]:8080",
        b"10.0.0.1:6881",
        b"[2001:db8::1]:6881",
        "http://tr\u00e4cker.example:\u0664/announce".encode(),
        b"http://host\xff:1/",
    ]


def check(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")  # as an argument comes from a shell
    _check_tracker(text)
    _check_proxy(text)
    try:
        address = parse_address(text)
    except UsageError:
        return
    assert 0 < address.port <= MAX_PORT
    assert parse_address(str(address)) == address


def _check_tracker(text: str) -> None:
    shown = shown_url(text)
    assert shown.isprintable()
    assert len(shown) <= SHOWN_CHARACTERS
    try:
        url = parse_tracker_url(text)
    except TrackerError as error:
        check_refusal(error)
        return
    assert 0 < url.port <= MAX_PORT
    assert url.host
    if url.is_udp:
        assert len(url.path_and_query) <= len(text)
        return
    try:
        assert "info_hash=" in build_url(url.text, ScrapeRequest(b"h" * 20))
    except TrackerError:
        return


def _check_proxy(text: str) -> None:
    try:
        proxy = parse_proxy(text)
    except UsageError as error:
        check_refusal(error)
        return
    assert 0 < proxy.port <= MAX_PORT
    assert len(proxy.user.encode()) <= MAX_FIELD_BYTES
    assert proxy.authorization.isascii()
    assert str(proxy).isprintable()
