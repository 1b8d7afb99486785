"""The site that `make docs` builds: whole, in order, and without a word to the network."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.documents import ROOT

SETTINGS = ROOT / "docs" / "site" / "mkdocs.yml"


class Page(HTMLParser):
    """What a page links, loads, and can be linked at."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.links: list[str] = []
        self.loads: list[str] = []
        self.anchors: set[str] = set()
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.anchors.update(filter(None, [given.get("id"), given.get("name")]))
        target = given.get("src") or given.get("href")
        if target:
            (self.links if tag == "a" else self.loads).append(target)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Page]:
    """Build the site as strictly as `make docs`, and return its pages."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict"]
    done = subprocess.run(
        [*command, "--config-file", SETTINGS, "--site-dir", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {path: Page(path) for path in folder.rglob("*.html") if path.name != "404.html"}


def test_every_link_and_anchor_leads_somewhere(pages: dict[Path, Page]) -> None:
    assert len(pages) > 8
    assert [(page.path.name, link) for page in pages.values() for link in broken(page, pages)] == []


def test_pages_load_nothing_from_the_network(pages: dict[Path, Page]) -> None:
    loaded = {target for page in pages.values() for target in page.loads}
    assert loaded
    assert {target for target in loaded if ":" in target or target.startswith("//")} == set()


def test_every_document_and_chapter_is_in_the_navigation(pages: dict[Path, Page]) -> None:
    first = next(page for page in pages.values() if page.path.name == "architecture.html")
    folder = first.path.parent
    linked = {(folder / link.partition("#")[0]).resolve() for link in first.links}
    documents = {
        folder / path.relative_to(ROOT / "docs").with_suffix(".html")
        for path in (ROOT / "docs").rglob("*.md")
    }
    assert documents - linked == set()
    chapters = [link for link in first.links if link.startswith("learn/0")]
    assert chapters == sorted(chapters)


def broken(page: Page, pages: dict[Path, Page]) -> Iterator[str]:
    """Yield links and files that are not there."""
    for target in [*page.links, *page.loads]:
        file, _, anchor = unquote(target).partition("#")
        if ":" in file:
            continue
        there = (page.path.parent / file).resolve() if file else page.path
        if not there.is_file() or (anchor and anchor not in pages[there].anchors):
            yield target
