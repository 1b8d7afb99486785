from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tests.sharing import Sharing, place_of


@pytest.fixture
def sharing() -> Sharing:
    config: Any = SimpleNamespace(getvalue=lambda _: ["popen"])
    return Sharing(config)


def test_files_are_kept_whole_and_some_folders_too(sharing: Sharing) -> None:
    by_file = [sharing._split_scope(f"tests/wire/test_{name}.py::test") for name in "ab"]
    by_folder = [sharing._split_scope(f"tests/lab/test_{name}.py::test") for name in "ab"]
    assert len(set(by_file)) == 2
    assert len(set(by_folder)) == 1


def test_who_takes_long_is_begun_first() -> None:
    nodes = ["tests/wire/a.py::t", "tests/peers/a.py::t", "tests/lab/a.py::t", "tests/a.py::t"]
    assert sorted(nodes, key=place_of)[:2] == ["tests/lab/a.py::t", "tests/peers/a.py::t"]
