"""Patience for the runs of the lab, which one test waits for and all others share."""

from __future__ import annotations

import pytest

from tests.sharing import wait_long_for


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let whichever test comes first wait until all scenarios have been run."""
    wait_long_for("labs", items)
