from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.errors import TrackerError
from actortorrent.wire.tracker_urls import parse_tracker_url, shown_url, sort_out


@pytest.mark.parametrize(
    ("text", "scheme", "host", "port"),
    [
        ("http://tracker.example/announce", "http", "tracker.example", 80),
        ("HTTPS://Tracker.example:8443/x", "https", "tracker.example", 8443),
        ("udp://[2001:db8::1]:6969", "udp", "2001:db8::1", 6969),
        ("http://user:word@10.0.0.1:81/a?b=c", "http", "10.0.0.1", 81),
    ],
)
def test_a_tracker_is_named_by_scheme_host_and_port(
    text: str, scheme: str, host: str, port: int
) -> None:
    url = parse_tracker_url(text)
    assert (url.scheme, url.host, url.port, url.text) == (scheme, host, port, text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("wss://tracker.example:443/announce", "scheme wss"),
        ("file:///etc/passwd", "scheme file"),
        ("tracker.example:80", "expected a tracker by"),
        ("udp://tracker.example/announce", "a host and a port"),
        ("http:///announce", "a host and a port"),
        ("http://tracker.example:99999/", "a host and a port"),
        ("http://tracker.example:x/", "a host and a port"),
        ("http://[::1/announce", "a host and a port"),
        ("http://tracker.example/a\nb", "printable"),
        ("http://tracker.example/a b", "printable"),
        ("http://tracker.example/" + "a" * 3000, "at most 2048"),
        ("", "scheme none"),
    ],
)
def test_what_we_cannot_ask_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(TrackerError, match=why):
        parse_tracker_url(text)


def test_a_url_shows_none_of_its_secrets() -> None:
    url = parse_tracker_url("http://me:word@tracker.example:81/PASSKEY/announce?key=SECRET")
    assert str(url) == "http://tracker.example:81/…"
    assert all(secret not in repr(url) for secret in ("word", "PASSKEY", "SECRET"))
    assert shown_url("wss://me:word@tracker.example/PASSKEY?x") == "wss://tracker.example/…"
    assert shown_url("\x1b[2J://x/PASSKEY") == "?[2J://x/…"


@given(st.text(max_size=200))
def test_any_text_can_be_shown_safely(text: str) -> None:
    assert shown_url(text).isprintable()


def test_path_and_query_are_told_to_udp_trackers() -> None:
    assert parse_tracker_url("udp://t:1/announce?key=1#x").path_and_query == "/announce?key=1"
    assert parse_tracker_url("udp://t:1").path_and_query == ""


def test_tiers_are_sorted_into_those_we_can_ask_and_the_others() -> None:
    usable, unusable = sort_out([["wss://a.example/x", "http://b/"], ["udp://c:1"]])
    assert [[url.text for url in tier] for tier in usable] == [["http://b/"], ["udp://c:1"]]
    assert unusable[0][0] == "wss://a.example/…"
    assert "scheme wss" in unusable[0][1]


def test_behind_a_proxy_trackers_that_speak_udp_are_not_asked() -> None:
    usable, unusable = sort_out([["udp://a.example:1/x", "http://b/"]], takes_udp=False)
    assert [[url.host for url in tier] for tier in usable] == [["b"]]
    assert [shown for shown, _ in unusable] == ["udp://a.example:1/…"]
    assert "go around the proxy" in unusable[0][1]
