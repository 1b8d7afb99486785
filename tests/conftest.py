"""What every test gets: a check that it cleaned up, and content to share."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pykka
import pytest
from hypothesis import HealthCheck, settings

from tests.content import Content, Sizes, make_content
from tests.lab.runs import Seen, run_all
from tests.leaks import describe_leftovers, take_stock
from tests.sharing import Sharing, place_of
from tests.tracing.report.browser import Browser, chromium
from tests.tracing.swarm import trace_swarm

# A machine that is busy with something else is no failure of ours.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")

# A job in the background of a shell is born deaf to Ctrl-C, and so would be all that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Sharing:
    """Share the tests among processes our own way."""
    config.option.loadscopereorder = False  # or the order below would not count
    return Sharing(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the longest first in the processes of `-n`; one process alone keeps the order of files."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: place_of(item.nodeid))


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    """Fail a test that ends with an actor, thread, descriptor or child process of its own."""
    before = take_stock()
    yield
    leftovers = describe_leftovers(before)
    if leftovers:
        pykka.ActorRegistry.stop_all(timeout=5)  # or the next tests fail for this one
        pytest.fail("left behind:\n  " + "\n  ".join(leftovers), pytrace=False)


@pytest.fixture(autouse=True, scope="session")
def temp_folder_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what errors leave for people (reports, flight recorders) among the tests' own files."""
    folder = str(tmp_path_factory.mktemp("temp"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", folder)
        patch.setattr(tempfile, "tempdir", folder)
        yield


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Return a browser for all tests that open a page."""
    with chromium() as running:
        yield running


@pytest.fixture(scope="session")
def labs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Seen]:
    """Return what came of a small run of every scenario of the lab, by its name."""
    return run_all(tmp_path_factory.mktemp("labs"))


@pytest.fixture(scope="session")
def swarm_traces(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return the traces of a seed and four leeches that fetched with libtorrent."""
    return trace_swarm(tmp_path_factory.mktemp("swarm"))


class ContentMaker:
    """Make content and a torrent of it under a test's own folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made = 0

    def __call__(
        self,
        sizes: Sizes,
        *,
        name: str = "content",
        piece_length: int = 64 * 1024,
        seed: int = 0,
        trackers: tuple[str, ...] = (),
    ) -> Content:
        """Return fresh content: `sizes` is one file's bytes, or bytes by path."""
        self._made += 1
        folder = self._folder / f"content-{self._made}"
        return make_content(
            folder, sizes, name=name, piece_length=piece_length, seed=seed, trackers=trackers
        )


@pytest.fixture
def content_maker(tmp_path: Path) -> ContentMaker:
    """Return a maker of content with a torrent."""
    return ContentMaker(tmp_path)
