"""What README and docs say is so: help as printed, commands and options that exist, links."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from actortorrent.cli.main import COMMANDS
from actortorrent.errors import ExitCode
from tests.documents import DOCUMENTS, ROOT, command_lines, problems_of, with_help

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)

each_document = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)


@each_document
def test_help_in_a_document_is_what_the_command_prints(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text == with_help(text), "renew it: python -m tests.documents"


@each_document
def test_commands_and_options_in_a_document_exist(path: Path) -> None:
    lines = command_lines(path.read_text("utf-8"))
    assert [problem for words in lines for problem in problems_of(words)] == []


@each_document
def test_links_within_the_repository_lead_somewhere(path: Path) -> None:
    text = path.read_text("utf-8")
    for target in LINK.findall(text):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        there = path.parent / file if file else path
        assert there.exists(), target
        if anchor:
            assert anchor in _anchors(there.read_text("utf-8")), target


def test_every_command_is_described() -> None:
    text = (ROOT / "docs" / "commands.md").read_text("utf-8")
    assert [name for name in COMMANDS if f"<!-- help of: {name} -->" not in text] == []


def test_every_exit_code_is_described() -> None:
    text = (ROOT / "docs" / "commands.md").read_text("utf-8")
    described = {int(code) for code in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)}
    assert described == set(ExitCode)


def test_a_command_or_option_that_does_not_exist_is_found() -> None:
    assert list(problems_of(["fetch", "a.torrent", "-o", "x", "--up=2M", "--list"])) == []
    assert list(problems_of(["fetsch", "a.torrent"])) != []
    assert list(problems_of(["fetch", "a.torrent", "--upp", "2M"])) != []


def _anchors(text: str) -> set[str]:
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in HEADING.findall(text)
    }
