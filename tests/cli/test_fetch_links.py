"""`actortorrent fetch` of what is no file: magnet links, info-hashes, URLs."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from actortorrent import Metainfo, parse_magnet
from actortorrent.cli.main import run
from actortorrent.errors import ExitCode
from tests.actors.playing_trackers import PlayedHttpTracker
from tests.conftest import ContentMaker
from tests.content import Content
from tests.peers.own import own_seed

# Nobody outside of this machine hears of these fetches.
ALONE = ("--port", "0", "--bind", "127.0.0.1", "--no-portmap", "--no-dht", "--no-lsd")
SIZES = {"film.mkv": 300_000, "subs/en.srt": 70_000}


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> Content:
    return ContentMaker(tmp_path_factory.mktemp("links"))(SIZES, name="holiday")


@pytest.fixture(scope="module")
def seed_address(content: Content) -> Iterator[str]:
    with own_seed(content) as seed:
        yield seed.address


def fetch(source: str, *more: str) -> int:
    return run(["fetch", source, *ALONE, *more])


def link_of(content: Content) -> str:
    return Metainfo.from_file(content.torrent).magnet_link


def test_lines_say_what_it_is_once_that_is_known(
    content: Content, seed_address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = tmp_path / "mine.torrent"
    options = ["-o", str(tmp_path / "out"), "--peer", seed_address, "--save-torrent", str(saved)]
    assert fetch(link_of(content), *options) == ExitCode.DONE
    content.assert_same_in(tmp_path / "out")
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert lines[0] == f"fetching holiday: by its info-hash, {tmp_path / 'out'}"
    assert f"fetching holiday: 361 KiB in 2 files, {tmp_path / 'out' / 'holiday'}" in lines
    assert f"actortorrent seed {tmp_path / 'out'} {saved} serves it to others" in lines[-1]
    assert Metainfo.from_file(saved).info_hash == content.info_hash


def test_without_a_file_there_is_nothing_to_seed_with(
    content: Content, seed_address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["-o", str(tmp_path / "out"), "--peer", seed_address]
    assert fetch(content.info_hash.hex(), *options) == ExitCode.DONE
    assert "serves it to others" not in capsys.readouterr().out


def test_json_says_that_the_torrent_is_being_fetched_and_then_what_it_is(
    content: Content, seed_address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["-o", str(tmp_path / "out"), "--peer", seed_address, "--progress", "json"]
    fetch(link_of(content), *options)
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    names = [event["event"] for event in events]
    assert names[0] == "start"
    assert names.count("torrent") == 1
    assert names[-1] == "done"
    assert events[0]["piece_count"] == 0
    assert events[names.index("torrent")]["wanted_bytes"] == content.total_length


def test_the_list_of_files_needs_no_more_than_the_torrent(
    content: Content,
    seed_address: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert fetch(link_of(content), "--list", "--peer", seed_address) == ExitCode.DONE
    captured = capsys.readouterr()
    assert [line.split()[-1] for line in captured.out.splitlines()] == ["film.mkv", "subs/en.srt"]
    assert captured.err == ""
    assert not any(tmp_path.iterdir())


def test_a_url_leads_to_the_torrent(
    content: Content, seed_address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torrent = content.torrent.read_bytes()
    with PlayedHttpTracker(lambda talk: talk.send_response(torrent)) as server:
        options = ["-o", str(tmp_path / "out"), "--peer", seed_address]
        assert fetch(f"{server.url}/x.torrent", *options) == ExitCode.DONE
    content.assert_same_in(tmp_path / "out")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [("404 Not Found", b"no", "answers 404"), ("200 OK", b"<html>", "is not a torrent we can use")],
)
def test_a_url_that_leads_to_none_is_exit_code_3_and_keeps_its_secret(
    status: str, body: bytes, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with PlayedHttpTracker(lambda talk: talk.send_response(body, status=status)) as server:
        assert fetch(f"{server.url}?key=sesame") == ExitCode.INVALID_TORRENT
    err = capsys.readouterr().err
    assert told in err
    assert "sesame" not in err


def test_a_link_that_selects_what_is_not_there_is_exit_code_3(
    content: Content, seed_address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["-o", str(tmp_path / "out"), "--peer", seed_address]
    assert fetch(f"{link_of(content)}&so=7", *options) == ExitCode.INVALID_TORRENT
    assert "file numbers under 2" in capsys.readouterr().err


def test_the_user_chooses_before_the_link_does(
    content: Content, seed_address: str, tmp_path: Path
) -> None:
    options = ["-o", str(tmp_path / "out"), "--peer", seed_address, "--match", "*.srt"]
    assert parse_magnet(f"{link_of(content)}&so=0").file_ranges
    assert fetch(f"{link_of(content)}&so=0", *options) == ExitCode.DONE
    folder = tmp_path / "out" / "holiday"
    assert [one.name for one in folder.rglob("*") if one.is_file()] == ["en.srt"]


def test_a_place_that_is_not_there_is_told_before_anybody_is_asked(
    content: Content, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = str(tmp_path / "missing" / "x.torrent")
    assert fetch(link_of(content), "--save-torrent", target) == ExitCode.DISK
    assert "cannot write into" in capsys.readouterr().err


@pytest.mark.parametrize("by_web", [False, True])
def test_ctrl_c_ends_it_before_the_torrent_is_known(
    content: Content, tmp_path: Path, *, by_web: bool
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host, port = silent.getsockname()
        source = f"http://{host}:{port}/x.torrent" if by_web else link_of(content)
        line = ["fetch", source, "-o", str(tmp_path), *ALONE]
        peer = ["--peer", f"{host}:{port}"]
        process = subprocess.Popen(
            [sys.executable, "-m", "actortorrent", *line, *peer], stdout=subprocess.PIPE, text=True
        )
        with process, silent.accept()[0]:
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=60)
            assert process.returncode == ExitCode.INTERRUPTED
    if not by_web:
        assert "stopped   holiday: before the torrent was known\n" in out
        assert out.endswith("next      run the same command again to go on\n")
