from __future__ import annotations

import ipaddress
from contextlib import suppress
from urllib.parse import parse_qsl, unquote_to_bytes, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.errors import TrackerError, TrackerRefusalError
from actortorrent.wire.addresses import Address
from actortorrent.wire.announces import (
    MAX_PEERS,
    AnnounceEvent,
    AnnounceReply,
    AnnounceRequest,
    ScrapeReply,
    ScrapeRequest,
)
from actortorrent.wire.bencoding import Encodable, encode
from actortorrent.wire.tracker_http import (
    MAX_REPLY_BYTES,
    build_url,
    derive_scrape_url,
    read_reply,
)

HASH = bytes(range(236, 256))
ASK = AnnounceRequest(
    info_hash=HASH, peer_id=b"-AT0100-abcdefghijkl", port=6881, uploaded=1, downloaded=2, left=3
)
SCRAPE = ScrapeRequest(HASH)


def raw_query(url: str) -> dict[str, bytes]:
    pairs = (pair.partition("=") for pair in urlsplit(url).query.split("&"))
    return {key: unquote_to_bytes(value) for key, _, value in pairs}


def read(reply: Encodable, status: int = 200) -> AnnounceReply:
    answer = read_reply(status, encode(reply), ASK)
    assert isinstance(answer, AnnounceReply)
    return answer


class TestUrls:
    def test_an_announce_tells_what_bep_3_asks_for(self) -> None:
        assert raw_query(build_url("http://t/announce", ASK)) == {
            "info_hash": HASH,
            "peer_id": b"-AT0100-abcdefghijkl",
            "port": b"6881",
            "uploaded": b"1",
            "downloaded": b"2",
            "left": b"3",
            "compact": b"1",
            "numwant": b"80",
            "key": b"00000000",
        }

    def test_the_query_of_the_tracker_stays_and_its_fragment_goes(self) -> None:
        url = build_url("http://t/announce?passkey=abc&x=%2F#frag", ASK)
        assert url.startswith("http://t/announce?passkey=abc&x=%2F&info_hash=%EC")
        assert "#" not in url

    def test_a_url_without_a_path_gets_one(self) -> None:
        assert build_url("http://t", ASK).startswith("http://t/?info_hash=")

    @given(
        st.binary(min_size=20, max_size=20),
        st.binary(min_size=20, max_size=20),
        st.sampled_from(AnnounceEvent),
        st.binary(max_size=30),
        st.integers(0, 2**32 - 1),
    )
    def test_whatever_is_told_can_be_read_back(
        self, info_hash: bytes, peer_id: bytes, event: AnnounceEvent, tracker_id: bytes, key: int
    ) -> None:
        ask = AnnounceRequest(
            info_hash=info_hash,
            peer_id=peer_id,
            port=1,
            uploaded=0,
            downloaded=0,
            left=2**60,
            event=event,
            tracker_id=tracker_id,
            key=key,
            ip="2001:db8::1",
        )
        url = build_url("http://t/announce", ask)
        found = raw_query(url)
        assert url.isascii()
        assert found["info_hash"] == info_hash
        assert found["peer_id"] == peer_id
        assert found["left"] == b"%d" % 2**60
        assert found["ip"] == b"2001:db8::1"
        assert found.get("event", b"none") == str(event).encode()
        assert found.get("trackerid", b"") == tracker_id
        assert int(found["key"], 16) == key

    @pytest.mark.parametrize(
        ("announce", "scrape"),
        [
            ("http://t/announce", "http://t/scrape"),
            ("http://t/x/announce", "http://t/x/scrape"),
            ("http://t/announce.php", "http://t/scrape.php"),
            ("http://t/announce?x2%0644", "http://t/scrape?x2%0644"),
            ("http://t/announce?x=2/4", "http://t/scrape?x=2/4"),
        ],
    )
    def test_scrape_stands_where_announce_stood(self, announce: str, scrape: str) -> None:
        assert derive_scrape_url(announce) == scrape
        assert build_url(announce, SCRAPE).startswith(scrape)
        assert dict(parse_qsl(urlsplit(build_url(announce, SCRAPE)).query, encoding="latin-1"))[
            "info_hash"
        ] == HASH.decode("latin-1")

    @pytest.mark.parametrize("announce", ["http://t/a", "http://t/x%064announce", "http://t"])
    def test_a_tracker_without_scrape_is_known_by_its_url(self, announce: str) -> None:
        with pytest.raises(TrackerError, match="has no scrape"):
            build_url(announce, SCRAPE)


class TestAnnounceReplies:
    def test_compact_peers_of_both_kinds_are_read(self) -> None:
        reply = read(
            {
                "interval": 900,
                "min interval": 300,
                "complete": 5,
                "incomplete": 6,
                "tracker id": b"id",
                "warning message": b"slow\ndown",
                "peers": bytes([192, 0, 2, 1, 0x1A, 0xE1, 1, 2, 3, 4, 0, 0]),
                "peers6": bytes.fromhex("20010db8000000000000000000000001") + b"\x1a\xe1",
            }
        )
        assert reply == AnnounceReply(
            peers=(Address("192.0.2.1", 6881), Address("2001:db8::1", 6881)),
            interval_seconds=900,
            min_interval_seconds=300,
            seeders=5,
            leechers=6,
            tracker_id=b"id",
            warning="slow down",
        )

    @pytest.mark.parametrize("host", ["192.0.2.9", "2001:db8::9"])
    def test_it_may_say_what_our_address_is(self, host: str) -> None:
        packed = ipaddress.ip_address(host).packed
        assert read({"external ip": packed}).external_host == host

    @pytest.mark.parametrize("senseless", [b"", b"192.0.2.9", bytes(17), 5, []])
    def test_what_is_no_address_is_not_taken_for_ours(self, senseless: Encodable) -> None:
        assert read({"external ip": senseless}).external_host is None

    def test_peers_as_dictionaries_are_read_and_senseless_ones_left_out(self) -> None:
        listed: list[Encodable] = [
            {"ip": "192.0.2.1", "port": 6881, "peer id": b"x" * 20},
            {"ip": "2001:db8::1", "port": 1},
            {"ip": "peer.example", "port": 1},
            {"ip": "192.0.2.2", "port": 0},
            {"ip": "192.0.2.2", "port": 70_000},
            {"ip": "192.0.2.2", "port": "80"},
            {"ip": 5, "port": 5},
            {"port": 5},
            "192.0.2.3:80",
        ]
        assert read({"peers": listed}).peers == (
            Address("192.0.2.1", 6881),
            Address("2001:db8::1", 1),
        )

    def test_an_empty_reply_has_no_peers_and_the_usual_interval(self) -> None:
        assert read({}) == AnnounceReply()

    def test_no_more_peers_than_the_limit_are_read(self) -> None:
        packed = b"".join(bytes([10, i >> 8, i & 255, 1, 1, 1]) for i in range(MAX_PEERS + 100))
        assert len(read({"peers": packed}).peers) == MAX_PEERS

    def test_fields_of_the_wrong_kind_count_as_not_given(self) -> None:
        odd = read({"interval": "900", "complete": [], "peers": 5, "peers6": {}, "tracker id": 1})
        assert odd == AnnounceReply()


class TestRefusals:
    def test_a_failure_reason_is_the_trackers_no_whatever_the_status(self) -> None:
        for status in (200, 400, 500):
            with pytest.raises(TrackerRefusalError, match=r"^not \[2Jregistered$"):
                read({"failure reason": b"not\x1b[2Jregistered"}, status)

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
    def test_a_status_of_ours_to_mend_is_a_no(self, status: int) -> None:
        with pytest.raises(TrackerRefusalError, match=f"HTTP status {status}"):
            read_reply(status, b"<html>", ASK)

    @pytest.mark.parametrize("status", [204, 302, 408, 429, 500, 503])
    def test_any_other_status_is_a_failure_that_may_pass(self, status: int) -> None:
        with pytest.raises(TrackerError, match=f"found {status}") as caught:
            read({}, status)
        assert not isinstance(caught.value, TrackerRefusalError)

    @pytest.mark.parametrize(
        "body", [b"", b"<html>", b"l1:ae", b"i5e", b"d1:ai5e-6:e", b"l" * 500, b"d8:intervali1"]
    )
    def test_what_is_no_reply_is_told_apart(self, body: bytes) -> None:
        with pytest.raises(TrackerError):
            read_reply(200, body, ASK)

    def test_a_huge_body_is_refused_unread(self) -> None:
        with pytest.raises(TrackerError, match="at most"):
            read_reply(200, b"d" * (MAX_REPLY_BYTES + 1), ASK)

    @given(st.binary(max_size=300), st.sampled_from([200, 404, 500]))
    def test_no_body_does_worse_than_a_tracker_error(self, body: bytes, status: int) -> None:
        with suppress(TrackerError):
            read_reply(status, body, ASK)

    @given(st.binary(max_size=100))
    def test_its_words_are_safe_to_show(self, words: bytes) -> None:
        with pytest.raises(TrackerRefusalError) as caught:
            read({"failure reason": words})
        assert str(caught.value).isprintable()


class TestScrapeReplies:
    def test_the_counts_of_our_torrent_are_read(self) -> None:
        files = {b"x" * 20: {}, HASH: {"complete": 3, "downloaded": 9, "incomplete": -4}}
        assert read_reply(200, encode({"files": files}), SCRAPE) == ScrapeReply(3, 9, 0)

    def test_a_torrent_that_is_not_named_is_not_known(self) -> None:
        with pytest.raises(TrackerRefusalError, match="does not know this torrent"):
            read_reply(200, encode({"files": {}}), SCRAPE)

    @pytest.mark.parametrize("reply", [{}, {"files": []}, {"files": {HASH: 5}}])
    def test_what_is_no_scrape_is_told_apart(self, reply: Encodable) -> None:
        with pytest.raises(TrackerError):
            read_reply(200, encode(reply), SCRAPE)
