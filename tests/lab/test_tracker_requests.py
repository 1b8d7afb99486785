from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.errors import TrackerError
from actortorrent.lab.tracked_peers import SwarmCounts
from actortorrent.lab.tracker_requests import (
    read_announce,
    read_scrape,
    write_announce_reply,
    write_scrape_reply,
)
from actortorrent.wire.addresses import Address
from actortorrent.wire.announces import (
    AnnounceEvent,
    AnnounceReply,
    AnnounceRequest,
    ScrapeReply,
    ScrapeRequest,
)
from actortorrent.wire.tracker_http import build_url, read_reply

ASK = AnnounceRequest(
    info_hash=bytes(range(20)),
    peer_id=b"-AT0100-%&=+ \xff\x00abcde",
    port=6881,
    uploaded=1,
    downloaded=2,
    left=3,
)


def query_of(request: AnnounceRequest | ScrapeRequest) -> str:
    return build_url("http://tracker/announce", request).partition("?")[2]


@pytest.mark.parametrize("event", AnnounceEvent)
def test_what_our_client_asks_is_read_as_it_was_meant(event: AnnounceEvent) -> None:
    asked = AnnounceRequest(
        info_hash=ASK.info_hash,
        peer_id=ASK.peer_id,
        port=ASK.port,
        uploaded=10,
        downloaded=20,
        left=30,
        event=event,
        wanted_peers=7,
    )
    assert read_announce(query_of(asked)) == asked


def test_what_we_answer_is_read_by_our_client() -> None:
    peers = [Address("10.0.0.1", 80), Address("2001:db8::1", 81)]
    reply = read_reply(200, write_announce_reply(peers, SwarmCounts(2, 3, 4), 90, "10.0.0.7"), ASK)
    assert isinstance(reply, AnnounceReply)
    assert set(reply.peers) == set(peers)
    assert (reply.interval_seconds, reply.seeders, reply.leechers) == (90, 2, 3)
    assert reply.external_host == "10.0.0.7"


def test_a_scrape_is_answered_for_each_torrent_asked() -> None:
    ask = ScrapeRequest(info_hash=ASK.info_hash)
    asked = read_scrape(f"{query_of(ask)}&info_hash=%00{'b' * 19}")
    assert asked == (ASK.info_hash, b"\0" + b"b" * 19)
    counts = [(info_hash, SwarmCounts(1, 2, 3)) for info_hash in asked]
    reply = read_reply(200, write_scrape_reply(counts), ask)
    assert isinstance(reply, ScrapeReply)
    assert (reply.seeders, reply.leechers, reply.completed) == (1, 2, 3)


GOOD = query_of(ASK)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("", "port is not a number"),
        (GOOD.replace("port=6881", "port=0"), "port is not from 1 to 65535"),
        (GOOD.replace("port=6881", "port=65536"), "port is not from 1 to 65535"),
        (GOOD.replace("port=6881", "port=-1"), "port is not a number"),
        (GOOD.replace("left=3", "left=" + "9" * 20), "left is not a number"),
        (GOOD.replace("info_hash=", "info_hash=x"), "info_hash is not of 20 bytes but of 21"),
        (GOOD + "&event=paused", "event is none of"),
        (GOOD + "&x=" + "y" * 5000, "too long"),
        (GOOD + "&x" * 70, "too long"),
    ],
)
def test_an_announce_that_makes_no_sense_is_refused(query: str, reason: str) -> None:
    with pytest.raises(TrackerError, match=reason):
        read_announce(query)


@given(st.text(max_size=200))
def test_no_query_does_worse_than_be_refused(query: str) -> None:
    for read in (read_announce, read_scrape):
        with pytest.raises(TrackerError):
            read(query)
