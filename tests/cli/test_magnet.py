from __future__ import annotations

from pathlib import Path

import pytest

from actortorrent.cli.main import run
from actortorrent.errors import ExitCode
from actortorrent.wire.magnet import Magnet, parse_magnet
from actortorrent.wire.metainfo import Metainfo
from actortorrent.wire.metainfo_writing import build_metainfo


@pytest.fixture
def torrent(tmp_path: Path) -> Path:
    raw = build_metainfo(
        name="photos & \x1b[31m",
        piece_length=64 * 1024,
        piece_hashes=bytes(20),
        files=[(("a",), 5)],
        is_single_file=True,
        tracker_tiers=[["http://a/x?key=1", "http://b/y"], ["udp://c:1"]],
        web_seeds=["http://w/"],
    )
    path = tmp_path / "x.torrent"
    path.write_bytes(raw)
    return path


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(["magnet", *arguments]) == ExitCode.DONE
    return capsys.readouterr().out


def test_the_link_names_the_torrent_its_trackers_and_its_web_seeds(
    torrent: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = printed(capsys, str(torrent))
    assert line.endswith("\n")
    assert line.strip().isascii()
    assert line.strip().isprintable(), "safe for a terminal"
    assert parse_magnet(line) == Magnet(
        Metainfo.from_file(torrent).info_hash,
        name="photos & \x1b[31m",
        trackers=("http://a/x?key=1", "http://b/y", "udp://c:1"),
        web_seeds=("http://w/",),
    )


def test_trackers_can_be_left_out(torrent: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = parse_magnet(printed(capsys, str(torrent), "--no-trackers"))
    assert found.trackers == ()
    assert found.info_hash == Metainfo.from_file(torrent).info_hash


def test_what_is_no_torrent_is_an_error_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.torrent"
    path.write_bytes(b"<html>")
    assert run(["magnet", str(path)]) == ExitCode.INVALID_TORRENT
    assert len(capsys.readouterr().err.splitlines()) == 1
