"""Files are chosen by number, as people count them, and by glob."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.errors import MagnetError, UsageError
from actortorrent.rules.selection import files_of_link, numbered_files, select_files
from actortorrent.wire.magnet import Magnet
from actortorrent.wire.torrent_files import FileEntry


def entry(path: str, attributes: str = "") -> FileEntry:
    return FileEntry(tuple(path.split("/")), 10, 0, attributes)


FILES = (
    entry("film.mkv"),
    entry(".pad/12", "p"),
    entry("subs/English.srt"),
    entry(".pad/7", "p"),
    entry("subs/Français.SRT"),
    entry("read me.txt"),
)


def test_files_are_numbered_from_1_without_padding() -> None:
    assert [(file.number, file.index) for file in numbered_files(FILES)] == [
        (1, 0),
        (2, 2),
        (3, 4),
        (4, 5),
    ]


def test_a_link_selects_by_index_as_far_as_there_are_files() -> None:
    assert files_of_link(Magnet(bytes(20)), FILES) is None
    link = Magnet(bytes(20), file_ranges=((0, 0), (4, 99)))
    assert files_of_link(link, FILES) == {0, 4, 5}
    with pytest.raises(MagnetError, match="file numbers under 6"):
        files_of_link(Magnet(bytes(20), file_ranges=((6, 9),)), FILES)


def test_nothing_asked_selects_no_files_in_particular() -> None:
    assert select_files(FILES) is None


@pytest.mark.parametrize(
    ("numbers", "indexes"),
    [
        ("1", {0}),
        ("2,4", {2, 5}),
        ("2-3", {2, 4}),
        ("3-", {4, 5}),
        (" 1 , 4 ", {0, 5}),
        ("1-4", {0, 2, 4, 5}),
        ("2,2-3,3", {2, 4}),
    ],
)
def test_numbers_and_ranges_select(numbers: str, indexes: set[int]) -> None:
    assert select_files(FILES, numbers=numbers) == indexes


@pytest.mark.parametrize(
    ("glob", "indexes"),
    [
        ("*.srt", {2, 4}),
        ("subs/*", {2, 4}),
        ("FILM.*", {0}),
        ("english.srt", {2}),
        ("read me.*", {5}),
        ("*", {0, 2, 4, 5}),
        ("[ef]*.[sm][rk]*", {0, 2, 4}),
    ],
)
def test_globs_select_by_path_or_name_whatever_the_case(glob: str, indexes: set[int]) -> None:
    assert select_files(FILES, globs=[glob]) == indexes


def test_numbers_and_globs_add_up() -> None:
    assert select_files(FILES, numbers="1", globs=["*.txt", "eng*"]) == {0, 2, 5}


@pytest.mark.parametrize("numbers", ["0", "5", "3-2", "1-9", "5-", "999999999999999999999"])
def test_a_number_of_no_file_is_refused(numbers: str) -> None:
    with pytest.raises(UsageError, match=r"expected file numbers|from 1 to 4"):
        select_files(FILES, numbers=numbers)


@pytest.mark.parametrize("numbers", ["a", "1,,2", "1;2", "-3", "1-2-3", ",", "²", "1" * 40])
def test_what_is_no_number_is_refused(numbers: str) -> None:
    with pytest.raises(UsageError, match="such as 1,3-5"):
        select_files(FILES, numbers=numbers)


def test_a_glob_that_takes_nothing_is_refused_and_padding_is_never_taken() -> None:
    with pytest.raises(UsageError, match=r"no file matches '\.pad/\*'"):
        select_files(FILES, globs=[".pad/*"])


@given(st.text(max_size=30))
def test_any_text_either_selects_or_is_refused(text: str) -> None:
    for asked in ({"numbers": text}, {"globs": [text]}):
        try:
            select_files(FILES, **asked)  # type: ignore[arg-type]
        except UsageError:
            continue
