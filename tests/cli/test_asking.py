"""`announce` and `scrape`, as typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from actortorrent.cli.main import run
from actortorrent.errors import ExitCode
from tests.actors.playing_trackers import (
    HttpTalk,
    PlayedHttpTracker,
    answer_properly,
    played_udp_tracker,
)
from tests.conftest import ContentMaker
from tests.content import Content
from tests.peers.opentracker import opentracker
from tests.peers.processes import free_port
from tests.peers.proxies import microsocks, tinyproxy

PEERS = b"".join(bytes([192, 0, 2, number, 0x1A, 0xE1]) for number in range(1, 13))


@pytest.fixture
def content(content_maker: ContentMaker) -> Content:
    return content_maker(1000)


def reply_well(talk: HttpTalk) -> None:
    talk.send_reply(
        {
            "interval": 900,
            "complete": 1,
            "incomplete": 11,
            "peers": PEERS,
            "warning message": b"please\x1b[2J update",
            "external ip": bytes([192, 0, 2, 99]),
        }
    )


def test_announce_prints_what_each_tracker_says(
    content: Content, capsys: pytest.CaptureFixture[str]
) -> None:
    with PlayedHttpTracker(reply_well) as tracker:
        torrent = content.naming(tracker.url + "?key=SECRET").torrent
        assert run(["announce", str(torrent)]) == ExitCode.DONE
    counts = "1 seeder, 11 leechers"
    assert capsys.readouterr().out.splitlines() == [
        f"http://127.0.0.1:{tracker.port}/…  {counts}; 12 peers named; again in 15 min 00 s",
        "  it warns: please [2J update",
        "  it sees us at 192.0.2.99",
        *(f"  192.0.2.{number}:6881" for number in range(1, 11)),
        "  ... and 2 more (--all lists them)",
    ]


def test_announce_lists_all_peers_if_asked(
    content: Content, capsys: pytest.CaptureFixture[str]
) -> None:
    with PlayedHttpTracker(reply_well) as tracker:
        run(["announce", str(content.torrent), "--tracker", tracker.url, "--all"])
    assert capsys.readouterr().out.splitlines()[-1] == "  192.0.2.12:6881"


def test_announce_tells_event_and_port(content: Content) -> None:
    with PlayedHttpTracker(reply_well) as tracker:
        torrent = str(content.torrent)
        run(["announce", torrent, "--tracker", tracker.url, "--event", "none", "--port", "99"])
        assert len(tracker.paths) == 1
        assert "event=" not in tracker.paths[0]
        assert "port=99&" in tracker.paths[0]


def test_announce_as_json_is_an_object_a_line(
    content: Content, capsys: pytest.CaptureFixture[str]
) -> None:
    with played_udp_tracker(answer_properly) as tracker:
        torrent = content.naming(tracker.url, "wss://x/").torrent
        assert run(["announce", str(torrent), "--json"]) == ExitCode.DONE
    failed, answered = map(json.loads, capsys.readouterr().out.splitlines())
    assert (failed["tracker"], failed["answered"], failed["refused"]) == ("wss://x/…", False, False)
    assert answered.pop("seconds") >= 0
    assert answered == {
        "tracker": tracker.url.replace("announce", "…"),
        "answered": True,
        "refused": False,
        "error": "",
        "seeders": 3,
        "leechers": 4,
        "interval_seconds": 900,
        "min_interval_seconds": 60,
        "warning": "",
        "external_host": None,
        "peers": ["192.0.2.1:6881", "192.0.2.2:6881"],
    }


@pytest.mark.parametrize("command", ["announce", "scrape"])
def test_when_every_tracker_refuses_each_gets_a_line_and_the_exit_code_is_5(
    command: str, content: Content, capsys: pytest.CaptureFixture[str]
) -> None:
    with PlayedHttpTracker(lambda t: t.send_reply({"failure reason": "go\x1b[2J"})) as tracker:
        torrent = content.naming(tracker.url, "wss://x/").torrent
        assert run([command, str(torrent)]) == ExitCode.TRACKERS_REFUSED
    told = capsys.readouterr()
    assert f"http://127.0.0.1:{tracker.port}/…  refused: go [2J\n" in told.out
    assert "wss://x/…  failed: expected a tracker by http, https, udp; found scheme wss" in told.out
    assert "no answer of use from 2 trackers" in told.err


def test_a_torrent_without_trackers_is_a_matter_of_usage(
    content: Content, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["announce", str(content.torrent)]) == ExitCode.USAGE
    assert "names no tracker" in capsys.readouterr().err


def test_scrape_prints_the_counts(content: Content, capsys: pytest.CaptureFixture[str]) -> None:
    with played_udp_tracker(answer_properly) as tracker:
        torrent = content.naming(tracker.url).torrent
        assert run(["scrape", str(torrent)]) == ExitCode.DONE
        assert capsys.readouterr().out.endswith("3 seeders, 4 leechers; fetched 9 times\n")
        assert run(["scrape", str(torrent), "--json"]) == ExitCode.DONE
    said = json.loads(capsys.readouterr().out)
    assert (said["seeders"], said["leechers"], said["completed"]) == (3, 4, 9)


def test_announce_and_scrape_with_a_real_tracker(
    content: Content, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with opentracker(tmp_path / "tracker", [content.info_hash]) as tracker:
        torrent = str(content.naming(tracker.http_url, tracker.udp_url).torrent)
        assert run(["announce", torrent, "--event", "started", "--port", "7001"]) == ExitCode.DONE
        assert "127.0.0.1:7001" in capsys.readouterr().out
        assert run(["scrape", torrent]) == ExitCode.DONE
        assert capsys.readouterr().out.count("0 seeders, 1 leecher; fetched 0 times") == 2


@pytest.mark.parametrize("kind", ["socks5", "http"])
def test_a_real_tracker_is_asked_through_a_real_proxy_and_one_by_udp_is_not(
    content: Content, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    open_proxy = microsocks() if kind == "socks5" else tinyproxy(tmp_path)
    with opentracker(tmp_path / "tracker", [content.info_hash]) as tracker, open_proxy as behind:
        torrent = str(content.naming(tracker.http_url, tracker.udp_url).torrent)
        proxy = ["--proxy", f"{kind}://{behind.address}"]
        started = ["--event", "started", "--port", "7001"]
        assert run(["announce", torrent, *proxy, *started]) == ExitCode.DONE
        told = capsys.readouterr().out
        assert "1 leecher" in told
        assert "not asked: it speaks UDP" in told
        assert run(["scrape", torrent, *proxy]) == ExitCode.DONE
        assert "0 seeders, 1 leecher; fetched 0 times" in capsys.readouterr().out


def test_where_the_proxy_does_not_answer_no_tracker_is_asked(
    content: Content, capsys: pytest.CaptureFixture[str]
) -> None:
    with PlayedHttpTracker(reply_well) as tracker:
        torrent = str(content.naming(tracker.url).torrent)
        nowhere = ["--proxy", f"socks5://127.0.0.1:{free_port()}"]
        assert run(["announce", torrent, *nowhere]) == ExitCode.TRACKERS_REFUSED
        assert tracker.paths == []
    assert "failed" in capsys.readouterr().out
