"""How far the hashing of content is: a bar, plain lines, JSON lines, or nothing.

Not in `views`, which `create` would then have to import whole.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from actortorrent.cli.text import format_duration, format_part, format_rate, format_share

OnProgress = Callable[[int, int], None]
Show = Callable[[int, int, float], None]

BAR_SECONDS = 0.1  # between two pictures
JSON_SECONDS = 0.5
LINES_SECONDS = 5.0  # nothing is printed of what takes no longer


@contextmanager
def showing_hashing(kind: str, *, is_quiet: bool = False) -> Iterator[OnProgress]:
    """Yield what is to be called with (bytes done, bytes in all), as often as one likes.

    Args:
        kind: "auto", "bar", "lines", "json" or "none".
        is_quiet: whether only errors are wanted; scripts that asked for JSON still get it.
    """
    chosen = "none" if is_quiet and kind != "json" else _resolve(kind)
    if chosen == "bar":
        with _drawing() as show:
            yield _Sometimes(show, BAR_SECONDS, starts_at_once=True)
    elif chosen == "json":
        yield _Sometimes(_print_object, JSON_SECONDS, starts_at_once=True)
    elif chosen == "lines":
        yield _Sometimes(_print_line, LINES_SECONDS, starts_at_once=False)
    else:
        yield _show_nothing


def print_event(event: str, values: dict[str, Any]) -> None:
    """Print one JSON object on one line, in ASCII alone."""
    import json  # noqa: PLC0415 - seldom needed

    click.echo(json.dumps({"event": event, **values}))


class _Sometimes:
    """Pass progress on, with the seconds since the start, when the last time is long enough ago."""

    def __init__(self, show: Show, pause_seconds: float, *, starts_at_once: bool) -> None:
        self._show = show
        self._pause_seconds = pause_seconds
        self._began = time.monotonic()
        self._next = self._began + (0 if starts_at_once else pause_seconds)

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + self._pause_seconds
            self._show(done, total, now - self._began)


def _resolve(kind: str) -> str:
    if kind != "auto":
        return kind
    can_move_the_cursor = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    return "bar" if can_move_the_cursor else "lines"


def _show_nothing(_done: int, _total: int) -> None:
    return


def _print_line(done: int, total: int, seconds: float) -> None:
    click.echo(f"hashing {format_share(done, total)}  {_figures(done, total, seconds)}")


def _print_object(done: int, total: int, seconds: float) -> None:
    values = {"hashed_bytes": done, "total_bytes": total, "elapsed_seconds": round(seconds, 3)}
    print_event("progress", values)


def _figures(done: int, total: int, seconds: float) -> str:
    """Return how much is hashed, how fast, and how long it will take."""
    rate = done / seconds if seconds > 0 else 0.0
    left = f"  {format_duration((total - done) / rate)} left" if rate > 0 else ""
    return f"{format_part(done, total)}  {format_rate(rate)}{left}"


@contextmanager
def _drawing() -> Iterator[Show]:
    """Draw a bar on the terminal while the block runs; rich is slow to import, so only here."""
    from rich.console import Console  # noqa: PLC0415
    from rich.live import Live  # noqa: PLC0415
    from rich.progress_bar import ProgressBar  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    def draw(done: int, total: int, seconds: float) -> None:
        line = Table.grid(expand=True, padding=(0, 1))
        line.add_column(no_wrap=True)
        line.add_column(ratio=1)
        line.add_column(justify="right", no_wrap=True)
        bar = ProgressBar(total=max(1, total), completed=done)
        line.add_row(Text("hashing"), bar, Text(_figures(done, total, seconds)))
        live.update(line, refresh=True)

    console = Console(highlight=False, markup=False, emoji=False)
    with Live(console=console, auto_refresh=False, transient=True) as live:
        yield draw
