"""`actortorrent seed`: says what is there and what is wrong, and serves what is right."""

from __future__ import annotations

from pathlib import Path

import pytest

from actortorrent.cli.main import run
from actortorrent.errors import ExitCode
from tests.conftest import ContentMaker
from tests.content import Content

KIB = 1024
FOR_A_MOMENT = ["--port", "0", "--seed-time", "0.001", "--bind", "127.0.0.1"]


@pytest.fixture
def content(content_maker: ContentMaker) -> Content:
    sizes = {f"{number:02}.bin": 32 * KIB for number in range(20)}
    return content_maker(sizes, name="album", piece_length=32 * KIB)


def seed(content: Content, folder: Path, *more: str) -> int:
    return run(["seed", str(folder), str(content.torrent), *FOR_A_MOMENT, *more])


@pytest.mark.parametrize("inside", ["", "album"])
def test_dir_may_hold_the_content_or_be_it(
    inside: str, content: Content, capsys: pytest.CaptureFixture[str]
) -> None:
    assert seed(content, content.folder / inside) == ExitCode.DONE
    captured = capsys.readouterr()
    root = content.folder / "album"
    assert captured.err == f"note: content is in {root}: all 20 files have the right size\n"
    assert captured.out.startswith(f"seeding album: 640 KiB in 20 files, {root}\n")
    assert "seeded    album for " in captured.out


def test_missing_and_wrong_files_are_named_at_once(
    content: Content, capsys: pytest.CaptureFixture[str]
) -> None:
    (content.folder / "album" / "03.bin").unlink()
    (content.folder / "album" / "07.bin").write_bytes(b"short")
    assert seed(content, content.folder) == ExitCode.DONE
    notes = capsys.readouterr().err.splitlines()
    assert notes[0].endswith("18 of 20 files have the right size")
    assert notes[1:] == [
        "note: missing: album/03.bin",
        "note: of another size: album/07.bin",
        "note: 2 of 20 pieces do not match the torrent: not served",
    ]


def test_of_very_many_files_ten_are_named(
    content: Content, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(1, 20):
        (content.folder / "album" / f"{number:02}.bin").unlink()
    seed(content, content.folder)
    notes = capsys.readouterr().err.splitlines()
    assert sum(note.startswith("note: missing: album/") for note in notes) == 10
    assert "note: missing: 9 more files" in notes


def test_a_damaged_piece_is_told(content: Content, capsys: pytest.CaptureFixture[str]) -> None:
    (content.folder / "album" / "05.bin").write_bytes(bytes(32 * KIB))
    assert seed(content, content.folder) == ExitCode.DONE
    assert "1 of 20 pieces does not match the torrent: not served" in capsys.readouterr().err


def test_a_folder_without_the_content_is_exit_code_7(
    content: Content, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "elsewhere").mkdir()
    assert seed(content, tmp_path / "elsewhere") == ExitCode.CONTENT_MISMATCH
    assert "found none of its files" in capsys.readouterr().err


def test_content_of_which_no_piece_matches_is_exit_code_7(
    content: Content, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (content.folder / "album").iterdir():
        path.write_bytes(bytes(32 * KIB))
    assert seed(content, content.folder) == ExitCode.CONTENT_MISMATCH
    assert "found no piece that does" in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_exit_code_6(content: Content, tmp_path: Path) -> None:
    assert seed(content, tmp_path / "nowhere") == ExitCode.DISK


@pytest.mark.parametrize("command", ["seed", "verify"])
def test_the_wrong_order_of_folder_and_torrent_is_told(
    command: str, content: Content, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, torrent = str(content.folder), str(content.torrent)
    swapped = [torrent, folder] if command == "seed" else [folder, torrent]
    assert run([command, *swapped]) == ExitCode.USAGE
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == f"actortorrent: expected a .torrent file, found the folder {folder}"
    assert lines[1].startswith(f"  the order is: actortorrent {command} ")
