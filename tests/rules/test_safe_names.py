from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.rules.safe_names import MAX_NAME_BYTES, comparable, safe_name, shorten

NASTY = "./\\: _-~aAconCONulpr12\x00\x1b\x7f\u0130ßé\u0301\u202e\ud800漢"
names = st.text(max_size=40) | st.text(NASTY, max_size=12) | st.text(NASTY + "漢", min_size=200)


@given(names, st.booleans())
def test_a_safe_name_is_one_harmless_name(name: str, for_windows: bool) -> None:
    safe = safe_name(name, for_windows=for_windows)
    assert safe.strip(" .")
    assert not set(safe) & set("/\\\0\u202e")
    assert not any(unicodedata.category(character) in {"Cc", "Cs"} for character in safe)
    assert len(safe.encode()) <= MAX_NAME_BYTES
    assert safe[1:2] != ":" or not (safe[0].isascii() and safe[0].isalpha())
    assert safe.partition(".")[0].strip().lower() not in {"con", "nul", "prn", "aux", "com1"}
    assert not for_windows or (safe[-1] not in " ." and not set(safe) & set('<>:"|?*'))


@given(names, st.booleans())
def test_a_safe_name_is_left_as_it_is(name: str, for_windows: bool) -> None:
    safe = safe_name(name, for_windows=for_windows)
    assert safe_name(safe, for_windows=for_windows) == safe


@pytest.mark.parametrize(
    "name",
    [
        *(
            "film.mkv",
            ".hidden",
            "a b",
            "Foo: Bar?.mkv",
            "console",
            "nullable.c",
            "~",
            "-rf",
            "com10",
        ),
        *("漢字.txt", "cafe\u0301", "name.", "trailing ", "x" * 255, "漢" * 85),
    ],
)
def test_a_harmless_name_is_left_as_it_is(name: str) -> None:
    assert safe_name(name) == name


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("", "_"),
        (".", "_"),
        ("..", "__"),
        ("...", "___"),
        (".. ", "___"),
        ("a/b", "a_b"),
        ("..\\..\\x", ".._.._x"),
        ("C:", "C_"),
        ("c:autoexec.bat", "c_autoexec.bat"),
        ("nul\x00l", "nul_l"),
        ("\x1b[31mred", "_[31mred"),
        ("gpj\u202etxt", "gpj_txt"),
        ("con", "_con"),
        ("AUX.c", "_AUX.c"),
        ("Com1.tar.gz", "_Com1.tar.gz"),
        ("lpt².txt", "_lpt².txt"),
        ("nul .txt", "_nul .txt"),
    ],
)
def test_a_harmful_name_is_mended(name: str, safe: str) -> None:
    assert safe_name(name) == safe


@pytest.mark.parametrize(
    ("name", "safe"), [("a:b?", "a_b_"), ("name. .", "name"), ("aux. ", "_aux")]
)
def test_windows_forbids_more(name: str, safe: str) -> None:
    assert safe_name(name, for_windows=True) == safe


def test_a_name_that_becomes_reserved_by_cutting_is_mended_too() -> None:
    assert safe_name("aux" + " " * 300 + "x.txt") == "_aux.txt"


def test_cutting_keeps_the_extension_and_whole_characters() -> None:
    cut = shorten("漢" * 100 + ".mkv", 255)
    assert cut == "漢" * 83 + ".mkv"


def test_a_name_without_extension_is_cut_at_its_end() -> None:
    assert shorten("a." + "b" * 300, 255) == "a." + "b" * 253


@pytest.mark.parametrize(
    ("one", "other"),
    [("A/b", "a/B"), ("é", "e\u0301"), ("É", "e\u0301"), ("STRASSE", "straße"), ("Ω", "ω")],
)
def test_names_that_some_file_system_takes_for_the_same_compare_equal(one: str, other: str) -> None:
    assert comparable(one) == comparable(other)
