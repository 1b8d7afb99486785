"""Magnet links: what is taken is within limits, and its own link says the same."""

from __future__ import annotations

from actortorrent.errors import MagnetError
from actortorrent.wire.magnet import (
    MAX_FILE_INDEX,
    MAX_NAME_CHARACTERS,
    MAX_PEERS,
    MAX_TRACKERS,
    MAX_WEB_SEEDS,
    parse_magnet,
)
from tests.fuzz.refusing import check_refusal

HEX = "0123456789abcdef0123456789ABCDEF01234567"
SOME_FILES = 50


def seeds() -> list[bytes]:
    links = [
        f"magnet:?xt=urn:btih:{HEX}&dn=a%20name&tr=http%3A%2F%2Ft.example%2Fannounce&so=0,2-4",
        f"magnet:?xt.1=urn:btih:{HEX}&amp;tr.1=udp://u:80&amp;x.pe=10.0.0.1:6881&x.pe=[::1]:1",
        "magnet:?xt=urn:btih:abcdefghijklmnopqrstuvwxyz234567&ws=http://w.example/&dn=%ff",
        "magnet:?xt=urn:btmh:1220" + "a" * 64,
        f" MAGNET:?XT=URN:BTIH:{HEX}&so=9999999-0",
    ]
    return [link.encode() for link in links]


def check(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")  # as an argument comes from a shell
    try:
        magnet = parse_magnet(text)
    except MagnetError as error:
        check_refusal(error)
        return
    assert len(magnet.info_hash) == 20
    assert len(magnet.name) <= MAX_NAME_CHARACTERS
    assert len(magnet.trackers) <= MAX_TRACKERS
    assert len(magnet.web_seeds) <= MAX_WEB_SEEDS
    assert len(magnet.peers) <= MAX_PEERS
    assert all(url.isprintable() for url in (*magnet.trackers, *magnet.web_seeds))
    assert all(0 <= first <= last <= MAX_FILE_INDEX for first, last in magnet.file_ranges)
    assert max(magnet.selected_files(SOME_FILES) or [0]) < SOME_FILES
    assert parse_magnet(magnet.link) == magnet
