"""`actortorrent fetch`: lists, selects, fetches from a real seed, and says what it did."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from actortorrent import Address, SessionOptions
from actortorrent.cli import fetch as fetch_module
from actortorrent.cli.main import run
from actortorrent.errors import ExitCode
from tests.cli.samples import COMPLETE
from tests.conftest import ContentMaker
from tests.content import Content
from tests.peers.own import own_seed

KIB = 1024
SIZES = {"film.mkv": 300 * KIB, "subs/en.srt": 70 * KIB, "subs/de.srt": 5 * KIB, "empty": 0}


@pytest.fixture
def content(content_maker: ContentMaker) -> Content:
    return content_maker(SIZES, name="holiday", piece_length=32 * KIB)


@pytest.fixture
def seed_address(content: Content) -> Iterator[str]:
    with own_seed(content) as seed:
        yield seed.address


def fetch(content: Content, folder: Path, *more: str) -> int:
    """Run the command in this process."""
    return run(["fetch", str(content.torrent), "-o", str(folder), "--port", "0", *more])


def test_the_files_are_listed_with_their_numbers(
    content: Content, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["fetch", str(content.torrent), "--list"]) == ExitCode.DONE
    assert capsys.readouterr().out.splitlines() == [
        "1     300 KiB  film.mkv",
        "2    70.0 KiB  subs/en.srt",
        "3     5.0 KiB  subs/de.srt",
        "4         0 B  empty",
    ]


def test_the_list_shows_what_would_be_selected(
    content: Content, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["fetch", str(content.torrent), "--list", "--match", "*.SRT", "--select", "4"])
    assert [line[0] for line in capsys.readouterr().out.splitlines()] == ["2", "3", "4"]


def test_a_fetch_ends_with_the_content_and_what_to_do_next(
    content: Content, seed_address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fetch(content, tmp_path / "out", "--peer", seed_address) == ExitCode.DONE
    content.assert_same_in(tmp_path / "out")
    captured = capsys.readouterr()
    assert captured.err == ""
    lines = captured.out.splitlines()
    assert lines[0] == f"fetching holiday: 375 KiB in 4 files, {tmp_path / 'out' / 'holiday'}"
    assert lines[1].startswith("listening on port ")
    assert "complete  holiday: every piece matches its hash" in lines
    assert f"files     {tmp_path / 'out' / 'holiday'}" in lines
    next_step = f"actortorrent seed {tmp_path / 'out'} {content.torrent} serves it to others"
    assert lines[-1] == f"next      {next_step}"


def test_what_is_complete_is_not_fetched_again(
    content: Content, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fetch(content, content.folder) == ExitCode.DONE
    assert "holiday: all 375 KiB were here already" in capsys.readouterr().out


def test_only_what_was_selected_is_on_the_disk(
    content: Content, seed_address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = fetch(content, tmp_path / "out", "--select", "2", "--peer", seed_address)
    assert code == ExitCode.DONE
    there = [path.name for path in (tmp_path / "out" / "holiday").rglob("*") if path.is_file()]
    assert there == ["en.srt"]
    wanted = content.folder / "holiday" / "subs" / "en.srt"
    fetched = tmp_path / "out" / "holiday" / "subs" / "en.srt"
    assert fetched.read_bytes() == wanted.read_bytes()
    assert "complete  1 of 4 files of holiday: " in capsys.readouterr().out


def test_json_begins_with_start_and_ends_with_done(
    content: Content, seed_address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fetch(content, tmp_path / "out", "--peer", seed_address, "--progress", "json")
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["event"] for event in events[:2]] == ["start", "listening"]
    assert events[0]["info_hash"] == content.info_hash.hex()
    assert events[-1]["event"] == "done"
    assert events[-1]["fetched_bytes"] == content.total_length
    assert events[-1]["is_complete"]
    assert {event["event"] for event in events[2:-1]} == {"progress"}


def test_quiet_says_nothing(
    content: Content, seed_address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fetch(content, tmp_path / "out", "--peer", seed_address, "-q") == ExitCode.DONE
    assert capsys.readouterr() == ("", "")


def test_an_error_in_json_is_an_object_and_a_line_on_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "no.torrent").write_bytes(b"le")
    code = run(["fetch", str(tmp_path / "no.torrent"), "--progress", "json"])
    assert code == ExitCode.INVALID_TORRENT
    captured = capsys.readouterr()
    error = json.loads(captured.out)
    assert error["event"] == "error"
    assert error["exit_code"] == 3
    assert captured.err == f"actortorrent: {error['message']}\n"


@pytest.mark.parametrize(
    ("source", "code", "told"),
    [
        ("magnet:?dn=x", ExitCode.INVALID_TORRENT, "found none"),
        ("ftp://example.org/a.torrent", ExitCode.INVALID_TORRENT, "found a URL"),
        ("0123456789abcdef0123456789ABCDEF01234567", ExitCode.NO_PROGRESS, "found none"),
        ("magnet:?xt=urn:btih:" + "0" * 40, ExitCode.NO_PROGRESS, "a peer that answers"),
    ],
)
def test_a_link_that_leads_nowhere_is_an_error(
    source: str, code: ExitCode, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = ["--port", "0", "--bind", "127.0.0.1", "--no-portmap", "--no-dht", "--no-lsd"]
    assert run(["fetch", source, *alone]) == code
    assert told in capsys.readouterr().err


def test_nobody_to_fetch_from_is_exit_code_4(
    content: Content, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fetch(content, tmp_path / "out") == ExitCode.NO_PROGRESS
    assert "actortorrent: expected a peer that answers, found none" in capsys.readouterr().err


def test_ctrl_c_ends_with_130_and_says_how_to_go_on(content: Content, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host, port = silent.getsockname()
        line = ["fetch", str(content.torrent), "-o", str(tmp_path), "--peer", f"{host}:{port}"]
        process = subprocess.Popen(
            [sys.executable, "-m", "actortorrent", *line], stdout=subprocess.PIPE, text=True
        )
        with process:
            silent.accept()[0].close()
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=60)
            assert process.returncode == ExitCode.INTERRUPTED
    assert "stopped   holiday: 0.0 % is here, and saved\n" in out
    assert out.endswith("next      run the same command again to go on\n")


@dataclass
class FakeSession:
    """Take what a session takes, and be done at once."""

    metainfo: Any
    options: SessionOptions
    on_progress: Any
    on_notice: Any
    port = 6881

    def request_stop(self) -> None: ...
    def request_record(self) -> None: ...

    def run(self) -> Any:
        made.append(self)
        return COMPLETE


made: list[FakeSession] = []


@pytest.fixture
def fake_session(monkeypatch: pytest.MonkeyPatch) -> list[FakeSession]:
    made.clear()
    monkeypatch.setattr(fetch_module, "Session", FakeSession)
    return made


def test_without_options_the_session_gets_the_defaults(
    content: Content, fake_session: list[FakeSession]
) -> None:
    run(["fetch", str(content.torrent)])
    assert fake_session[0].options == SessionOptions(output=Path())


def test_a_tracker_that_we_cannot_ask_is_refused_at_once(
    content: Content, fake_session: list[FakeSession], capsys: pytest.CaptureFixture[str]
) -> None:
    added = ["--tracker", "wss://tracker.example/secret"]
    assert run(["fetch", str(content.torrent), *added]) == ExitCode.USAGE
    told = capsys.readouterr().err
    assert "found scheme wss" in told
    assert "secret" not in told
    assert not fake_session


def test_every_option_reaches_the_session(
    content: Content, fake_session: list[FakeSession]
) -> None:
    line = (
        "-o there --select 1,3 --match *.SRT --sequential --stall-timeout 60"
        " --peer 192.0.2.1:6881 --peer [2001:db8::1]:51413 --port 7000 --bind 192.0.2.9"
        " --max-peers 20 --down 2M --up 1.5K --no-trackers --no-dht --no-lsd --no-web-seeds"
        " --tracker udp://tracker.example:6969 --tracker http://other.example/announce?key=1"
        " --keep-seeding --seed-ratio 1.5 --seed-time 2"
        " --trace t.jsonl --trace-level block --progress none"
    )
    run(["fetch", str(content.torrent), *line.split()])
    assert fake_session[0].options == SessionOptions(
        output=Path("there"),
        peers=(Address("192.0.2.1", 6881), Address("2001:db8::1", 51413)),
        trackers=("udp://tracker.example:6969", "http://other.example/announce?key=1"),
        use_trackers=False,
        use_dht=False,
        use_web_seeds=False,
        use_local_discovery=False,
        port=7000,
        bind="192.0.2.9",
        max_peers=20,
        download_limit=2 * KIB * KIB,
        upload_limit=3 * KIB // 2,
        is_sequential=True,
        selected_files=frozenset({0, 1, 2}),
        keep_seeding=True,
        seed_ratio=1.5,
        seed_seconds=120.0,
        stall_timeout_seconds=60.0,
        trace=Path("t.jsonl"),
        trace_level="block",
    )
