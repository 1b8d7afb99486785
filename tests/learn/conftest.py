"""What tests of the course share: a folder in which all its scripts ran just now."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.learn.chapters import chapters
from tests.learn.running import run_scripts
from tests.sharing import wait_long_for


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let whichever test comes first wait until all scripts have been run."""
    wait_long_for("fresh", items)


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what the scripts of all chapters leave: traces made now."""
    folder = tmp_path_factory.mktemp("course")
    run_scripts(chapters(), folder)
    return folder
