from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actortorrent.rules.safe_names import comparable
from actortorrent.rules.safe_paths import MAX_PATH_BYTES, renamed_files, safe_paths
from actortorrent.wire.torrent_files import FileEntry

HARD = [
    "..",
    ".",
    "",
    "a",
    "A",
    "a/b",
    "b",
    "e\u0301",
    "é",
    "con",
    "C:",
    "a (2)",
    "x" * 250,
    "漢" * 90,
]
parts = st.sampled_from(HARD) | st.text(max_size=8) | st.text("ab/.\\ :", max_size=4)
long_parts = st.lists(st.sampled_from(["x" * 250, "漢" * 90, "a"]), min_size=1, max_size=8)
lists_of_paths = st.lists(st.lists(parts, min_size=1, max_size=4) | long_parts, max_size=12)


def entries(paths: Sequence[Sequence[str]], attributes: str = "") -> tuple[FileEntry, ...]:
    return tuple(FileEntry(tuple(path), 1, at, attributes) for at, path in enumerate(paths))


def strings(name: str, paths: Sequence[Sequence[str]]) -> list[str]:
    return [str(path) for path in safe_paths(name, entries(paths), is_single_file=False)]


def assert_all_safe(paths: Sequence[PurePosixPath | None]) -> None:
    forms = set()
    for path in paths:
        assert path is not None
        assert not path.is_absolute()
        assert path.parts
        assert not {"..", "."} & set(path.parts)
        assert all(0 < len(part.encode()) <= 255 for part in path.parts)
        assert not any("\\" in part or "\0" in part for part in path.parts)
        assert len(str(path).encode()) <= MAX_PATH_BYTES
        forms.add(comparable(str(path)))
    assert len(forms) == len(paths)
    folders = {
        "/".join(form.split("/")[:n]) for form in forms for n in range(1, form.count("/") + 1)
    }
    assert not forms & folders


@settings(max_examples=300)
@given(parts, lists_of_paths)
def test_paths_stay_inside_and_apart(name: str, paths: list[list[str]]) -> None:
    assert_all_safe(safe_paths(name, entries(paths), is_single_file=False))


@given(parts)
def test_a_single_file_stays_inside(name: str) -> None:
    (path,) = safe_paths(name, entries([[name]]), is_single_file=True)
    assert_all_safe([path])
    assert path is not None
    assert len(path.parts) == 1


@given(parts, lists_of_paths, st.booleans())
def test_safe_paths_are_left_as_they_are(
    name: str, paths: list[list[str]], for_windows: bool
) -> None:
    once = safe_paths(name, entries(paths), is_single_file=False, for_windows=for_windows)
    below = [path.parts[1:] for path in once if path]
    root = once[0].parts[0] if once and once[0] else "_"
    again = safe_paths(root, entries(below), is_single_file=False, for_windows=for_windows)
    assert again == once


def test_ordinary_paths_are_left_as_they_are() -> None:
    paths = [["read me.txt"], ["Season 1", "01: Pilot?.mkv"], ["漢字", "é"], [".hidden"]]
    assert strings("My Show", paths) == ["My Show/" + "/".join(path) for path in paths]


def test_a_single_file_lies_right_in_the_output_folder() -> None:
    assert safe_paths("x", entries([["x"]]), is_single_file=True) == (PurePosixPath("x"),)


@pytest.mark.parametrize(
    ("path", "safe"),
    [
        (["..", "..", "etc", "passwd"], "t/etc/passwd"),
        (["/etc/passwd"], "t/_etc_passwd"),
        (["", "etc", "passwd"], "t/etc/passwd"),
        (["..\\..\\boot.ini"], "t/.._.._boot.ini"),
        (["C:", "boot.ini"], "t/C_/boot.ini"),
        (["a", "..", "..", "..", "b"], "t/a/b"),
        ([".."], "t/_"),
        (["", "."], "t/_"),
        (["nul", "x"], "t/_nul/x"),
        (["a\0b"], "t/a_b"),
    ],
)
def test_a_way_out_leads_nowhere(path: list[str], safe: str) -> None:
    assert strings("t", [path]) == [safe]


@pytest.mark.parametrize(
    ("name", "root"), [("..", "_"), ("", "_"), ("/", "_"), ("a/b", "a_b"), ("/tmp", "_tmp")]
)
def test_the_torrents_own_name_leads_nowhere_either(name: str, root: str) -> None:
    assert strings(name, [["x"]]) == [f"{root}/x"]


def test_padding_has_no_path_and_takes_none() -> None:
    files = (*entries([["a"]]), *entries([["a"]], "p"), *entries([["b"]]))
    assert safe_paths("t", files, is_single_file=False) == (
        PurePosixPath("t/a"),
        None,
        PurePosixPath("t/b"),
    )


def test_of_equal_paths_the_first_keeps_its_name() -> None:
    assert strings("t", [["a.txt"], ["A.TXT"], ["a.txt"]]) == [
        "t/a.txt",
        "t/A (2).TXT",
        "t/a (3).txt",
    ]


def test_a_name_that_was_there_is_not_taken_by_one_that_was_mended() -> None:
    assert strings("t", [["a"], ["a"], ["a (2)"]]) == ["t/a", "t/a (3)", "t/a (2)"]


def test_a_file_makes_way_for_a_folder_whichever_comes_first() -> None:
    assert strings("t", [["a"], ["A", "x"]]) == ["t/a (2)", "t/A/x"]
    assert strings("t", [["A", "x"], ["a"]]) == ["t/A/x", "t/a (2)"]


def test_a_file_makes_way_into_no_other_folder() -> None:
    assert strings("t", [["a", "x"], ["a (2)", "x"], ["a"]])[2] == "t/a (3)"


def test_too_many_folders_become_one_and_stay_one_for_all_their_files() -> None:
    deep = [f"folder {number}" for number in range(100)]
    first, second, other = strings("t", [[*deep, "a"], [*deep, "b"], [*deep, "deeper", "a"]])
    assert len(first) < 100
    assert first[:-1] == second[:-1]
    assert other.rpartition("/")[0] != first.rpartition("/")[0]


def test_mended_files_are_named() -> None:
    files = entries([["fine"], ["aux.c"], [".."]])
    renamed = [(old, str(new)) for old, new in renamed_files("t", files, is_single_file=False)]
    assert renamed == [("t/aux.c", "t/_aux.c"), ("t/..", "t/_")]


@pytest.mark.parametrize(
    "paths",
    [
        [["same name.txt"]] * 50_000,
        [[f"folder {at % 500}", "below", f"file {at}"] for at in range(50_000)],
        [["x" * 243 + f"{at % 25_000:012}"] for at in range(50_000)],
        [[*"abcdefghijklmnop", str(at)] for at in range(50_000)],
    ],
    ids=["equal", "ordinary", "cut", "deep"],
)
def test_fifty_thousand_files_take_little_time(paths: list[list[str]]) -> None:
    started = time.thread_time()
    safe = safe_paths("t", entries(paths), is_single_file=False)
    assert time.thread_time() - started < 10  # 0.5 to 1.5 s on an idle machine
    assert len(set(safe)) == 50_000
