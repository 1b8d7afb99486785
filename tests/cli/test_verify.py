from __future__ import annotations

import json
import os

import pytest

from actortorrent.cli.main import run
from actortorrent.errors import ExitCode
from tests.conftest import ContentMaker
from tests.content import Content

# Pieces of 64 KiB: a.bin 0-4, b.bin 4-7, c.bin 7-8
SIZES = {"a.bin": 300_000, "b.bin": 200_001, "c.bin": 70_000}


@pytest.fixture
def content(content_maker: ContentMaker) -> Content:
    return content_maker(SIZES)


def verify(content: Content, *options: str) -> int:
    return run(["verify", str(content.torrent), str(content.folder), *options])


def spoil(content: Content) -> None:
    """Damage pieces 1, 2 and 3 in a.bin, shorten b.bin, remove c.bin."""
    path = content.folder / "content"
    data = bytearray((path / "a.bin").read_bytes())
    for offset in (70_000, 140_000, 210_000):
        data[offset] ^= 1
    (path / "a.bin").write_bytes(data)
    os.truncate(path / "b.bin", 150_000)
    (path / "c.bin").unlink()


def test_content_that_matches_is_told_and_exits_with_0(
    content: Content, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(content) == ExitCode.DONE
    root = content.folder / "content"
    assert capsys.readouterr().out == f"{root} matches the torrent: 3 files, 9 pieces\n"


def test_what_is_bad_is_named_and_exits_with_7(
    content: Content, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(content)
    assert verify(content) == ExitCode.CONTENT_MISMATCH
    root = content.folder / "content"
    assert capsys.readouterr().out.splitlines() == [
        "damaged: content/a.bin (pieces 1-3)",
        "wrong size: content/b.bin (150,000 bytes, expected 200,001)",
        "missing: content/c.bin (68.4 KiB)",
        f"{root} does not match the torrent: 3 of 3 files and 6 of 9 pieces are bad",
    ]


def test_what_cannot_be_proven_is_told(
    content: Content, capsys: pytest.CaptureFixture[str]
) -> None:
    (content.folder / "content/c.bin").unlink()
    verify(content)
    assert capsys.readouterr().out.splitlines()[0] == (
        "unproven: content/b.bin"
        " (it shares piece 7 with a file that is missing or of the wrong size)"
    )


def test_json_says_it_all(content: Content, capsys: pytest.CaptureFixture[str]) -> None:
    spoil(content)
    assert verify(content, "--json") == ExitCode.CONTENT_MISMATCH
    told = json.loads(capsys.readouterr().out)
    assert not told["is_right"]
    assert told["bad_pieces"] == [1, 2, 3, 6, 7, 8]
    assert [file["state"] for file in told["files"]] == ["damaged", "wrong size", "missing"]
    assert told["files"][1] == {
        "path": "content/b.bin",
        "state": "wrong size",
        "expected_bytes": 200_001,
        "found_bytes": 150_000,
        "bad_pieces": [6, 7],
    }


def test_quiet_tells_by_the_exit_code_alone(
    content: Content, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(content)
    assert verify(content, "--quiet") == ExitCode.CONTENT_MISMATCH
    assert capsys.readouterr().out == ""


def test_a_folder_that_is_not_there_exits_with_6(
    content: Content, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["verify", str(content.torrent), "/nowhere/at/all"]) == ExitCode.DISK
    assert "cannot find the content in /nowhere/at/all: it is not there" in capsys.readouterr().err
