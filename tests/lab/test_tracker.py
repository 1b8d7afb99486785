from __future__ import annotations

import socket
import sys
from collections.abc import Iterator

import bencodepy
import pytest
import requests

from actortorrent.lab.processes import Running
from actortorrent.lab.tracker import EmbeddedTracker, Heard

INFO_HASH = b"\x01" * 20


@pytest.fixture
def heard() -> list[Heard]:
    return []


@pytest.fixture
def tracker(heard: list[Heard]) -> Iterator[EmbeddedTracker]:
    with EmbeddedTracker(on_announce=heard.append, interval_seconds=45) as running:
        yield running


def announce(
    tracker: EmbeddedTracker, name: bytes, port: int, **more: str | int
) -> dict[bytes, object]:
    fields: dict[str, str | bytes | int] = {
        "info_hash": INFO_HASH,
        "peer_id": name.ljust(20, b"-"),
        "port": port,
        "uploaded": 0,
        "downloaded": 0,
        "left": 10,
        **more,
    }
    reply: dict[bytes, object] = bencodepy.decode(
        requests.get(tracker.url, fields, timeout=60).content
    )
    return reply


def test_two_peers_find_each_other(tracker: EmbeddedTracker, heard: list[Heard]) -> None:
    assert announce(tracker, b"a", 1001, event="started")[b"peers"] == b""
    reply = announce(tracker, b"b", 1002, event="started")
    assert reply[b"peers"] == bytes([127, 0, 0, 1]) + (1001).to_bytes(2, "big")
    assert (reply[b"interval"], reply[b"complete"], reply[b"incomplete"]) == (45, 0, 2)
    assert [str(one.peer) for one in heard] == ["127.0.0.1:1001", "127.0.0.1:1002"]


def test_a_scrape_counts(tracker: EmbeddedTracker) -> None:
    announce(tracker, b"a", 1001, left=0)
    url = tracker.url.replace("announce", "scrape")
    reply = bencodepy.decode(requests.get(url, {"info_hash": INFO_HASH}, timeout=60).content)
    assert reply[b"files"][INFO_HASH] == {b"complete": 1, b"downloaded": 0, b"incomplete": 0}


def test_what_makes_no_sense_is_refused_in_words(tracker: EmbeddedTracker) -> None:
    assert announce(tracker, b"a", 0)[b"failure reason"] == b"port is not from 1 to 65535"
    elsewhere = requests.get(tracker.url.replace("announce", "index.html"), timeout=60).content
    assert b"failure reason" in elsewhere


def test_closing_waits_for_no_slow_client() -> None:
    with EmbeddedTracker() as tracker:
        host, port = tracker.url.split("/")[2].split(":")
        slow = socket.create_connection((host, int(port)))
        slow.sendall(b"GET /announce?")
        announce(tracker, b"a", 1001)  # by now the slow one is being served as well
    with slow:
        assert slow.recv(1) == b""


def test_it_listens_on_ipv6(heard: list[Heard]) -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    with EmbeddedTracker(host="::1", on_announce=heard.append) as tracker:
        announce(tracker, b"a", 1001)
        reply = announce(tracker, b"b", 1002)
    assert reply[b"peers6"] == bytes(15) + b"\x01" + (1001).to_bytes(2, "big")
    assert str(heard[0].peer) == "[::1]:1001"


def test_as_a_process_it_says_where_it_is_and_what_it_hears() -> None:
    with Running([sys.executable, "-m", "actortorrent.lab.tracker"]) as process:
        url = process.wait_for_line(r'"listening", "url": "(.*?)"')[1]
        fields: dict[str, str | bytes | int] = {
            "info_hash": INFO_HASH,
            "peer_id": "p" * 20,
            "port": 1001,
            "uploaded": 0,
            "downloaded": 0,
            "left": 0,
            "event": "completed",
        }
        requests.get(url, fields, timeout=60)
        process.wait_for_line('"what": "completed", "peer": "127.0.0.1:1001"')
        process.interrupt()
        process.wait_for_success(5)
