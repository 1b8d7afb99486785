"""How `pytest -n` shares the tests among processes: what stays together, and what is begun first.

A file's tests run in one process, and so do those of a folder in which all look at what one
fixture made. The longest are begun first, so that none is left over when all others are done.
"""

from __future__ import annotations

import pytest
from xdist.scheduler import LoadFileScheduling

TOGETHER = ("tests/learn/", "tests/lab/", "tests/tracing/report/")
LONGEST = (*TOGETHER, "tests/peers/")  # in their order; they wait more than they compute
MOST_SECONDS = 480  # to make what others share, on a busy machine; 20 where it is not


class Sharing(LoadFileScheduling):  # type: ignore[misc]  # it ships no types
    """Hand out files, and whole folders of those that are kept together."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return next((folder for folder in TOGETHER if file.startswith(folder)), file)


def place_of(nodeid: str) -> int:
    """Return where a test stands: the less, the earlier it is begun."""
    places = [place for place, start in enumerate(LONGEST) if nodeid.startswith(start)]
    return places[0] if places else len(LONGEST)


def wait_long_for(fixture: str, items: list[pytest.Item]) -> None:
    """Give much time to tests that look at what a fixture makes once: any may have to make it."""
    for item in items:
        if fixture in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(MOST_SECONDS))
