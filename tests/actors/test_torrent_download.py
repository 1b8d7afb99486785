"""A .torrent file from the web: whole, within limits, and with its secrets kept."""

from __future__ import annotations

import pytest

from actortorrent.actors.http_fetching import HttpLimits
from actortorrent.actors.torrent_download import download_torrent
from actortorrent.errors import InvalidTorrentError
from tests.actors.playing_trackers import HttpTalk, PlayedHttpTracker, Talk


def refuse(talk: Talk, why: str, **limits: float) -> None:
    with PlayedHttpTracker(talk) as server:
        url = f"{server.url}?passkey=sesame"
        with pytest.raises(InvalidTorrentError, match=why) as caught:
            download_torrent(url, limits=HttpLimits(**limits))  # type: ignore[arg-type]
    assert "sesame" not in str(caught.value)


def test_the_body_comes_back() -> None:
    with PlayedHttpTracker(lambda talk: talk.send_response(b"d4:infodee")) as server:
        assert download_torrent(server.url) == b"d4:infodee"


def test_a_redirect_is_followed() -> None:
    def talk(talk: HttpTalk) -> None:
        if talk.path.startswith("/there"):
            talk.send_response(b"torrent")
        else:
            talk.redirect("/there")

    with PlayedHttpTracker(talk) as server:
        assert download_torrent(server.url) == b"torrent"


def test_what_is_not_found_is_told_with_its_status() -> None:
    refuse(lambda talk: talk.send_response(b"no", status="404 Not Found"), "answers 404")


def test_a_body_beyond_the_limit_is_refused() -> None:
    refuse(lambda talk: talk.send_response(bytes(101)), "at most 100 bytes", body_bytes=100)


def test_a_server_that_drips_ends_in_time() -> None:
    def talk(talk: HttpTalk) -> None:
        talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        talk.drip(b"x")

    refuse(talk, "no whole answer in 0.3 s", total_seconds=0.3)


def test_redirects_for_ever_are_refused() -> None:
    refuse(lambda talk: talk.redirect("/again"), "more than 2 redirects", redirects=2)


@pytest.mark.parametrize("url", ["udp://tracker.example:80/x", "http://", "ftp://host/x"])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(InvalidTorrentError, match="cannot fetch the torrent"):
        download_torrent(url)
