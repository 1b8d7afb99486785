"""The course holds what each chapter promises, and what it shows still happens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.documents import blocks, command_lines
from tests.learn.__main__ import LARGEST_TRACE_BYTES, kept_files
from tests.learn.chapters import COURSE, TRACES, Chapter, chapters
from tests.learn.excerpts import EVENT_ID, SHOW, files_of, printed_by, renewed, shapes
from tests.learn.pictures import LARGEST_BYTES, Reports, show
from tests.tracing.report.browser import Browser

PNG = b"\x89PNG\r\n\x1a\n"

PRIVATE = re.compile(rb"/(?:home|root|tmp|work|usr|var|Users)/")
TITLE = re.compile(r"^# \d+\. \S")

each_chapter = pytest.mark.parametrize("chapter", chapters(), ids=lambda one: one.path.stem)


@each_chapter
def test_excerpts_are_what_the_commands_print(chapter: Chapter) -> None:
    assert chapter.text == renewed(chapter.text, TRACES), "renew them: python -m tests.learn"


@each_chapter
def test_a_chapter_has_all_its_parts(chapter: Chapter) -> None:
    assert TITLE.match(chapter.text)
    assert chapter.scripts, "a command to run"
    assert all(len(one.printed.splitlines()) >= 1 for one in chapter.excerpts)
    assert chapter.excerpts, "what it prints"
    assert chapter.pictures, "a picture"
    assert all(len(answer) > 40 for _, answer in chapter.questions)
    assert len(chapter.questions) == 3
    assert all(question for question, _ in chapter.questions)


@each_chapter
def test_chapters_lead_to_the_next_and_to_the_one_before(chapter: Chapter) -> None:
    names = [one.path.name for one in chapters()]
    place = names.index(chapter.path.name)
    around = [names[n] for n in (place - 1, place + 1) if 0 <= n < len(names)]
    last_line = chapter.text.rstrip().rpartition("\n\n")[2]
    assert set(re.findall(r"\]\((\d[^)]+)\)", last_line)) == set(around)


@each_chapter
def test_what_an_excerpt_shows_happens_in_a_new_run(chapter: Chapter, fresh: Path) -> None:
    for excerpt in chapter.excerpts:
        told = shapes(excerpt.printed.splitlines())
        if excerpt.command.startswith(SHOW):
            (name,) = files_of(excerpt.command)
            happened = shapes(printed_by(f"{SHOW}{name}", fresh).splitlines())
            assert told - happened == set(), excerpt.command
        elif not EVENT_ID.search(excerpt.command):
            assert printed_by(excerpt.command, fresh), excerpt.command


@each_chapter
def test_a_picture_is_small_and_shows_what_its_link_says(
    chapter: Chapter, browser: Browser, tmp_path: Path
) -> None:
    reports = Reports(tmp_path)
    for picture in chapter.pictures:
        content = picture.path.read_bytes()
        assert content.startswith(PNG)
        assert len(content) <= LARGEST_BYTES
        fragment = show(browser, reports, picture)
        for part in fragment.split("&"):
            key, _, value = part.partition("=")
            assert str(browser.ask(f"return String(S.{key})")) == value, picture.fragment
        assert browser.errors() == []


@each_chapter
def test_what_is_kept_of_a_run_is_small_and_has_no_folder_of_this_machine(chapter: Chapter) -> None:
    for name in kept_files(chapter):
        content = (TRACES / name).read_bytes()
        assert len(content) <= LARGEST_TRACE_BYTES
        assert not PRIVATE.search(content)


@each_chapter
def test_files_are_kept_as_the_chapter_prints_them(chapter: Chapter) -> None:
    kept = {name: (TRACES / name).read_text("utf-8") for name in chapter.files}
    assert kept == chapter.files


def test_nothing_is_kept_that_no_chapter_uses() -> None:
    used = {TRACES / name for chapter in chapters() for name in kept_files(chapter)}
    assert {path for path in TRACES.rglob("*") if path.is_file()} == used
    taken = {picture.path for chapter in chapters() for picture in chapter.pictures}
    assert set((COURSE / "pictures").glob("*")) == taken


def test_the_index_names_every_chapter() -> None:
    text = (COURSE / "index.md").read_text("utf-8")
    assert [one.path.name for one in chapters() if f"]({one.path.name})" not in text] == []


def test_commands_outside_of_excerpts_look_into_what_was_kept() -> None:
    """A reader who runs no lab may type every `trace` command in docs/learn/traces."""
    kept = {name for chapter in chapters() for name in kept_files(chapter)}
    for chapter in chapters():
        for words in command_lines(chapter.text):
            if words[0] == "trace":
                named = [word for word in words if re.fullmatch(r"[\w-]+/[\w-]+\.trace", word)]
                assert set(named) <= kept, words
        assert len(blocks(chapter.text, "text")) >= len(chapter.excerpts)
