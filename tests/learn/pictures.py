"""Pictures of the report for the chapters, taken in a browser without a network."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import cast

from PIL import Image

from actortorrent.tracing.report.writing import write_report
from tests.learn.chapters import TRACES, Picture
from tests.learn.excerpts import event_id
from tests.tracing.report.browser import Browser, chromium

LARGEST_BYTES = 150_000
COLOURS = 256
SETTLED = "return document.getAnimations().every(one => one.playState !== 'running')"
ROW_OF = (
    "for (let row = 0; row < T.size; row++) if (T.id(row) === arguments[0]) return row; return -1;"
)
_EVENT = re.compile(r"\bevent=((?:first|last):[^&]+)")
_AROUND = re.compile(r"\baround=(\d+)")


class Reports:
    """The reports of the course's traces, each made when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pages: dict[str, Path] = {}

    def page(self, trace: str) -> Path:
        """Return the report of a trace."""
        if trace not in self._pages:
            page = self._folder / f"{len(self._pages)}.html"
            write_report([TRACES / one for one in trace.split(",")], page)
            self._pages[trace] = page
        return self._pages[trace]


def show(browser: Browser, reports: Reports, picture: Picture) -> str:
    """Open the report at what a picture shows; return the fragment of its address."""
    page = reports.page(picture.trace)
    fragment = picture.fragment
    if found := _EVENT.search(fragment):
        event = event_id(found[1], picture.trace, TRACES)
        browser.open(page)
        row = browser.ask(ROW_OF, event)
        assert row >= 0, f"{picture.path.name}: the report does not show {event}"
        fragment = fragment.replace(found[1], str(row))
        fragment = _AROUND.sub(lambda span: _span(row, int(span[1])), fragment)
    browser.open(page, fragment)
    return fragment


def _span(row: int, rows: int) -> str:
    return f"from={max(0, row - rows)}&to={row + rows}"


def take(pictures: Iterable[Picture]) -> None:
    """Take pictures, each to where it is kept."""
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        reports = Reports(Path(folder))
        for picture in pictures:
            show(browser, reports, picture)
            browser.wait_for(SETTLED)
            browser.take_picture(picture.path)
            _shrink(picture.path)
            size = picture.path.stat().st_size
            print(f"took {picture.path.name}: {size:,} bytes")
            assert size <= LARGEST_BYTES, "show less of it"


def _shrink(path: Path) -> None:
    """Write a picture anew with a palette of the colours that are most common in it."""
    with Image.open(path) as image:
        full = image.convert("RGB")
    colours = full.getcolors(full.width * full.height) or []
    counted = cast("list[tuple[int, tuple[int, int, int]]]", colours)
    common = [colour for _, colour in sorted(counted, reverse=True)[:COLOURS]]
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for colour in common for part in colour])
    full.quantize(palette=palette, dither=Image.Dither.NONE).save(path, optimize=True)
