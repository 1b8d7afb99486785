from __future__ import annotations

import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from actortorrent.cli import hashing_view
from actortorrent.cli.hashing_view import showing_hashing
from actortorrent.cli.main import run
from actortorrent.errors import ExitCode
from actortorrent.wire.metainfo import Metainfo

KIB = 1024


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder `photos` in the current folder."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "photos"
    (folder / "2024").mkdir(parents=True)
    (folder / "a.jpg").write_bytes(b"a" * 50_000)
    (folder / "2024" / "b.jpg").write_bytes(b"b" * 50_000)
    return folder


def create(*arguments: object) -> int:
    return run(["create", *map(str, arguments)])


def test_the_torrent_lies_in_the_current_folder_under_the_contents_name(
    photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert create("photos") == ExitCode.DONE
    torrent = Metainfo.from_file("photos.torrent")
    assert torrent.total_length == 100_000
    assert capsys.readouterr().out.splitlines() == [
        "created   photos.torrent",
        "content   photos: 97.7 KiB in 2 files, 7 pieces of 16 KiB",
        f"info-hash {torrent.info_hash_hex}",
        "trackers  none: peers meet in the DHT",
        "next      actortorrent seed photos photos.torrent serves it to others",
    ]
    assert photos.is_dir()


def test_of_a_private_torrent_without_trackers_it_says_what_peers_need(
    photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert create("photos", "--private") == ExitCode.DONE
    assert "trackers  none: peers need --peer to find each other" in capsys.readouterr().out
    assert photos.is_dir()


def test_a_folder_given_with_dots_has_its_own_name(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photos / "2024")
    assert create("..", "-q") == ExitCode.DONE
    assert Metainfo.from_file("photos.torrent").name == "photos"


@pytest.mark.usefixtures("photos")
class TestOptions:
    def test_they_all_come_into_the_torrent(self) -> None:
        options = ["-a", "http://a/x", "--tracker", "udp://b:1", "--web-seed", "http://w/"]
        more = ["--private", "--comment", "é", "--piece-length", "64K", "-o", "x"]
        assert create("photos", *options, *more) == ExitCode.DONE
        torrent = Metainfo.from_file("x")
        assert torrent.tracker_tiers == (("http://a/x",), ("udp://b:1",))
        assert torrent.web_seeds == ("http://w/",)
        assert torrent.is_private
        assert (torrent.comment, torrent.piece_length) == ("é", 64 * KIB)

    def test_the_date_is_now(self) -> None:
        before = int(time.time())
        create("photos", "-q")
        date = Metainfo.from_file("photos.torrent").creation_date
        assert date is not None
        assert before <= date <= time.time()

    def test_without_a_date_the_bytes_are_the_same(self) -> None:
        for output in ("1", "2"):
            create("photos", "--no-date", "-o", output)
        assert Path("1").read_bytes() == Path("2").read_bytes()
        assert Metainfo.from_file("1").creation_date is None

    def test_an_existing_file_is_kept_unless_forced(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        Path("photos.torrent").write_text("mine")
        assert create("photos") == ExitCode.USAGE
        assert "photos.torrent exists already" in capsys.readouterr().err
        assert Path("photos.torrent").read_text() == "mine"
        assert create("photos", "--force") == ExitCode.DONE
        assert Metainfo.from_file("photos.torrent").name == "photos"

    @pytest.mark.parametrize("length", ["3K", "1", "128M", "much", "-1", ""])
    def test_a_piece_length_that_makes_no_sense_is_refused(self, length: str) -> None:
        assert create("photos", "--piece-length", length) == ExitCode.USAGE
        assert not Path("photos.torrent").exists()

    def test_quiet_says_nothing(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert create("photos", "-q") == ExitCode.DONE
        assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("photos")
class TestFailures:
    def test_content_that_is_not_there_is_the_disks_error(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert create("missing") == ExitCode.DISK
        assert capsys.readouterr().err == ("actortorrent: cannot read missing: it is not there\n")

    def test_a_link_in_the_content_is_refused(
        self, photos: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (photos / "link").symlink_to("a.jpg")
        assert create("photos") == ExitCode.USAGE
        assert "found a symbolic link" in capsys.readouterr().err


def test_names_that_others_will_not_have_are_told(
    photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (photos / "aux.c").touch()
    (photos / "re\x1bd").touch()
    assert create("photos") == ExitCode.DONE
    assert capsys.readouterr().err.splitlines() == [
        "note: fetched, photos/aux.c becomes photos/_aux.c",
        "note: fetched, photos/re\\x1bd becomes photos/re_d",
    ]


@pytest.mark.usefixtures("photos")
class TestForScripts:
    def test_each_line_is_an_object(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert create("photos", "--progress", "json", "-q") == ExitCode.DONE
        first, *_, last = objects(capsys)
        assert set(first) == {"event", "hashed_bytes", "total_bytes", "elapsed_seconds"}
        assert (first["event"], first["total_bytes"]) == ("progress", 100_000)
        assert last["event"] == "done"
        assert last["torrent"] == str(Path("photos.torrent").absolute())
        assert last["info_hash"] == Metainfo.from_file("photos.torrent").info_hash_hex

    def test_an_error_is_one_too(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert create("missing", "--progress", "json") == ExitCode.DISK
        (error,) = objects(capsys)
        assert (error["event"], error["exit_code"]) == ("error", 6)
        assert error["message"] == "cannot read missing: it is not there"


class TestProgress:
    def test_plain_lines_come_now_and_then(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clock = Clock(monkeypatch)
        with showing_hashing("lines") as on_progress:
            for done in range(0, 88, 8):
                on_progress(done * KIB, 80 * KIB)
                clock.now += 1.0
        assert capsys.readouterr().out.splitlines() == [
            "hashing 50.0 %  40.0 of 80.0 KiB  8.0 KiB/s  5.0 s left",
            "hashing 100.0 %  80.0 of 80.0 KiB  8.0 KiB/s  0.0 s left",
        ]

    def test_what_is_quickly_done_needs_no_lines(self, capsys: pytest.CaptureFixture[str]) -> None:
        with showing_hashing("auto") as on_progress:
            on_progress(100, 100)
        assert capsys.readouterr().out == ""

    def test_a_bar_is_drawn_and_taken_away(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("FORCE_COLOR", "1")
        clock = Clock(monkeypatch)
        with showing_hashing("bar") as on_progress:
            clock.now += 1.0
            on_progress(40 * KIB, 80 * KIB)
        drawn = capsys.readouterr().out
        assert "hashing" in drawn
        assert "40.0 of 80.0 KiB  40.0 KiB/s  1.0 s left" in drawn

    @pytest.mark.parametrize(("kind", "is_quiet"), [("none", False), ("bar", True)])
    def test_nothing_is_shown_where_nothing_is_asked_for(
        self, capsys: pytest.CaptureFixture[str], kind: str, is_quiet: bool
    ) -> None:
        with showing_hashing(kind, is_quiet=is_quiet) as on_progress:
            on_progress(1, 2)
        assert capsys.readouterr().out == ""


class Clock:
    """Stand in for the time, as this file's progress sees it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(hashing_view, "time", SimpleNamespace(monotonic=lambda: self.now))


def objects(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]
