"""What docs/reliability.md says is shown by a test is: the test is there, under that name."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "docs" / "reliability.md").read_text("utf-8")


def test_every_test_that_it_names_is_there() -> None:
    sources = "\n".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    there = set(re.findall(r"def (test_\w+)\(", sources))
    named = set(re.findall(r"`(test_\w+)`", TEXT))
    assert len(named) > 50
    assert named - there == set()


def test_every_file_folder_and_target_that_it_names_is_there() -> None:
    paths = re.findall(r"`(tests/[\w/.]+)`", TEXT)
    assert [path for path in paths if not (ROOT / path).exists()] == []
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"`make (\w+)", TEXT)) - targets == set()


def test_every_target_of_the_fuzzer_is_named() -> None:
    modules = {path.stem for path in (ROOT / "tests" / "fuzz" / "targets").glob("[a-z]*.py")}
    assert modules - set(re.findall(r"`(\w+)`", TEXT)) == set()
