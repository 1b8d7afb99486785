from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from actortorrent.lab.made_content import find_difference, make_files

BYTES = 3_000_000


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_same_seed_makes_the_same_files(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        make_files(tmp_path / name, BYTES, seed)
    assert files_in(tmp_path / "a") == files_in(tmp_path / "b")
    assert files_in(tmp_path / "a") != files_in(tmp_path / "c")


def test_there_are_as_many_bytes_as_asked_and_an_empty_file_among_them(tmp_path: Path) -> None:
    count = make_files(tmp_path, BYTES, seed=1)
    files = files_in(tmp_path)
    assert sum(map(len, files.values())) == BYTES
    assert len(files) == count
    assert min(map(len, files.values())) == 0


def test_two_folders_with_the_same_bytes_do_not_differ(tmp_path: Path) -> None:
    for name in ("a", "b"):
        make_files(tmp_path / name, BYTES, seed=1)
    assert find_difference(tmp_path / "a", tmp_path / "b") is None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda raw: raw[:5] + b"?" + raw[6:], "read me.txt differs from byte 5 on"),
        (lambda raw: raw[:-1], "read me.txt differs from byte 1,233 on"),
        (lambda raw: raw + b"?", "read me.txt differs from byte 1,234 on"),
    ],
)
def test_the_first_byte_that_differs_is_told(
    tmp_path: Path, change: Callable[[bytes], bytes], told: str
) -> None:
    for name in ("a", "b"):
        make_files(tmp_path / name, BYTES, seed=1)
    changed = tmp_path / "b" / "read me.txt"
    changed.write_bytes(change(changed.read_bytes()))
    assert str(find_difference(tmp_path / "a", tmp_path / "b")) == told


def test_a_missing_file_differs_from_its_first_byte_on(tmp_path: Path) -> None:
    for name in ("a", "b"):
        make_files(tmp_path / name, BYTES, seed=1)
    (tmp_path / "b" / "ocean.raw").unlink()
    assert str(find_difference(tmp_path / "a", tmp_path / "b")) == (
        "ocean.raw differs from byte 0 on"
    )
