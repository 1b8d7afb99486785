from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from actortorrent.cli import describing
from actortorrent.cli.describing import format_piece_length
from actortorrent.cli.main import run
from actortorrent.errors import ExitCode
from actortorrent.wire.bencoding import Encodable, encode
from actortorrent.wire.metainfo_writing import build_metainfo

DOCUMENT = Path(__file__).parents[2] / "docs" / "torrent-files.md"
KIB = 1024


@pytest.fixture
def torrent(tmp_path: Path) -> Path:
    """Return a torrent of two files that says everything one can say."""
    raw = build_metainfo(
        name="photos",
        piece_length=64 * KIB,
        piece_hashes=bytes(40),
        files=[(("a", "é.jpg"), 100_000), (("b",), 5)],
        is_single_file=False,
        tracker_tiers=[["http://a/x", "http://b/y"], ["udp://c:1"]],
        web_seeds=["http://w/"],
        is_private=True,
        comment="first\nsecond",
        created_by="me",
        creation_date=86_400,
    )
    return write(tmp_path, raw)


def write(folder: Path, raw: bytes) -> Path:
    path = folder / "x.torrent"
    path.write_bytes(raw)
    return path


def many_files(folder: Path, count: int) -> Path:
    raw = build_metainfo(
        name="many",
        piece_length=64 * KIB,
        piece_hashes=bytes(20),
        files=[((f"file {number}",), 1) for number in range(1, count + 1)],
        is_single_file=False,
    )
    return write(folder, raw)


def shown(capsys: pytest.CaptureFixture[str], path: Path, *options: str) -> str:
    assert run(["show", str(path), *options]) == ExitCode.DONE
    return capsys.readouterr().out


def as_json(capsys: pytest.CaptureFixture[str], path: Path) -> dict[str, Any]:
    found = json.loads(shown(capsys, path, "--json"))
    assert isinstance(found, dict)
    return found


def test_people_see_what_the_torrent_says(
    torrent: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    info_hash = as_json(capsys, torrent)["info_hash"]
    assert shown(capsys, torrent).splitlines() == [
        "name       photos",
        f"info-hash  {info_hash}",
        "size       97.7 KiB (100,005 bytes) in 2 files",
        "pieces     2 of 64 KiB",
        "private    yes: peers from its trackers alone",
        "tier 1     http://a/x",
        "tier 1     http://b/y",
        "tier 2     udp://c:1",
        "web seed   http://w/",
        "created    1970-01-02 00:00 UTC",
        "made by    me",
        "comment    first",
        "           second",
        "",
        "1    97.7 KiB  a/é.jpg",
        "2         5 B  b",
    ]


def test_scripts_get_what_the_torrent_says(
    torrent: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = as_json(capsys, torrent)
    assert re.fullmatch("[0-9a-f]{40}", found.pop("info_hash"))
    assert found == {
        "schema": "actortorrent-torrent/1",
        "name": "photos",
        "total_bytes": 100_005,
        "padding_bytes": 0,
        "piece_length": 64 * KIB,
        "piece_count": 2,
        "is_single_file": False,
        "is_private": True,
        "trackers": [["http://a/x", "http://b/y"], ["udp://c:1"]],
        "web_seeds": ["http://w/"],
        "comment": "first\nsecond",
        "created_by": "me",
        "creation_date": 86_400,
        "files": [
            {"number": 1, "path": ["a", "é.jpg"], "length": 100_000, "attributes": ""},
            {"number": 2, "path": ["b"], "length": 5, "attributes": ""},
        ],
    }


def test_the_keys_are_those_that_the_document_lists(
    torrent: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    documented = re.findall(r"^\| `(\w+)` \| ", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    assert list(as_json(capsys, torrent)) == documented


def test_padding_is_no_file_but_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files: list[Encodable] = [
        {"length": 10, "path": ["a"]},
        {"attr": "p", "length": 6, "path": [".pad", "6"]},
        {"attr": "x", "length": 3, "path": ["b"]},
    ]
    info: dict[str, Encodable] = {
        "files": files,
        "name": "n",
        "piece length": 16,
        "pieces": bytes(40),
    }
    found = as_json(capsys, write(tmp_path, encode({"info": info})))
    assert (found["total_bytes"], found["padding_bytes"]) == (13, 6)
    assert [(file["path"], file["attributes"]) for file in found["files"]] == [
        (["a"], ""),
        (["b"], "x"),
    ]


def test_a_long_list_of_files_is_cut(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, many_files(tmp_path, 100)).splitlines()
    assert lines[-2].endswith("file 40")
    assert lines[-1] == "and 60 files more, 60 B (--all lists them)"


def test_all_files_are_listed_on_demand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, many_files(tmp_path, 100), "--all").splitlines()
    assert lines[-1] == "100         1 B  file 100"


def test_a_list_is_not_cut_for_the_sake_of_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    count = describing.MAX_LISTED_FILES + 1
    assert shown(capsys, many_files(tmp_path, count)).splitlines()[-1].endswith(f"file {count}")


def test_nothing_in_a_torrent_steers_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = "\x1b[31m\x07\r\u202e\u2028\x9b"
    info: dict[str, Encodable] = {
        "files": [{"length": 1, "path": [evil, evil]}],
        "name": evil,
        "piece length": 16,
        "pieces": bytes(20),
    }
    about: dict[str, Encodable] = dict.fromkeys(("comment", "created by"), evil)
    path = write(tmp_path, encode({"info": info, "announce": f"http://{evil}/", **about}))
    for options in ((), ("--json",)):
        assert not set(shown(capsys, path, *options)) & set(evil) - set("[31m")


def test_a_comment_as_long_as_a_book_is_cut(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    info: dict[str, Encodable] = {"length": 1, "name": "n", "piece length": 16, "pieces": bytes(20)}
    path = write(tmp_path, encode({"info": info, "comment": "x" * 100_000}))
    assert len(shown(capsys, path)) < 3000


def test_what_is_no_torrent_is_an_error_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, b"<html>")
    assert run(["show", str(path)]) == ExitCode.INVALID_TORRENT
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize(
    ("length", "text"),
    [(16 * KIB, "16 KiB"), (KIB * KIB, "1 MiB"), (1536 * KIB, "1,536 KiB"), (1000, "1,000 B")],
)
def test_the_length_of_a_piece_is_shown_exactly(length: int, text: str) -> None:
    assert format_piece_length(length) == text
