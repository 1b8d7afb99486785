from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from actortorrent.tracing.header import new_header
from tests.tracing.traces import HEADER


def test_the_first_line_says_whose_trace_it_is_and_what_its_times_mean() -> None:
    header = json.loads(HEADER.to_line())
    assert header["file_schema"] == "actortorrent-trace/2"
    assert header["trace"] == {"vantage_point": {"name": HEADER.node, "type": "client"}}
    assert header["reference_time"]["clock_type"] == "monotonic"
    assert header["reference_time"]["monotonic_ns"] == HEADER.monotonic_ns
    assert header["versions"].keys() == {"actortorrent", "python", "pykka"}
    assert (header["info_hash"], header["seed"]) == (bytes(range(20)).hex(), 7)


def test_the_command_line_is_told_without_folders() -> None:
    argv = ["/usr/lib/x/actortorrent/__main__.py", "fetch", "/home/me/My Torrents/x.torrent", "-v"]
    header = new_header(
        peer_id=bytes(20),
        info_hash=bytes(20),
        piece_count=1,
        piece_length=1,
        total_length=1,
        argv=argv,
    )
    assert header.argv == ("actortorrent", "fetch", "x.torrent", "-v")


@pytest.mark.parametrize(
    ("argument", "told"),
    [
        ("magnet:?xt=urn:btih:" + "0" * 40 + "&tr=http://t.example/passkey", "magnet:?…"),
        ("https://me:word@t.example:8/get?passkey=sesame", "https://t.example:8/…"),
        ("HTTP://t.example?passkey=sesame", "HTTP://t.example/…"),
        ("udp://t.example:80/sesame/announce", "udp://t.example:80/…"),
    ],
)
def test_what_is_secret_in_links_is_not_told(argument: str, told: str) -> None:
    header = new_header(
        peer_id=bytes(20),
        info_hash=bytes(20),
        piece_count=0,
        piece_length=0,
        total_length=0,
        argv=["actortorrent", "fetch", argument],
    )
    assert header.argv == ("actortorrent", "fetch", told)


def test_a_node_without_a_name_is_named_after_its_peer_id() -> None:
    assert HEADER.node == b"ijkl".hex()
    assert replace(HEADER, node="leech-1").to_json()["node"] == "leech-1"
