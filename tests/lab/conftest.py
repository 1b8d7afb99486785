"""Patience for the runs of the lab, which one test waits for and all others share."""

from __future__ import annotations

import pytest

LABS_SECONDS = 240  # on a machine that is busy with something else; 20 s where it is not


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let whichever test comes first wait until all scenarios have been run."""
    for item in items:
        if "labs" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(LABS_SECONDS))
