"""What a running session shows: a live bar, plain lines, JSON lines, or nothing.

Every view takes the same calls (`View`), so a command never asks which one it has.
"""

from __future__ import annotations

import os
import sys

from actortorrent.cli.views.json_lines import JsonView
from actortorrent.cli.views.lines import LinesView
from actortorrent.cli.views.silent import SilentView
from actortorrent.cli.views.view import View


def make_view(kind: str, *, is_quiet: bool = False, is_verbose: bool = False) -> View:
    """Return the view that `--progress`, `-q` and `-v` ask for.

    Args:
        kind: "auto", "bar", "lines", "json" or "none".
        is_quiet: whether only errors are wanted; scripts that asked for JSON still get it.
        is_verbose: whether details are wanted.
    """
    chosen = "none" if is_quiet and kind != "json" else _resolve(kind)
    if chosen == "bar":
        # Here, because rich takes as long to import as everything else together.
        from actortorrent.cli.views.bar import BarView  # noqa: PLC0415

        return BarView(is_verbose=is_verbose)
    if chosen == "lines":
        return LinesView(is_verbose=is_verbose)
    return JsonView() if chosen == "json" else SilentView(is_quiet=is_quiet)


def _resolve(kind: str) -> str:
    if kind != "auto":
        return kind
    can_move_the_cursor = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    return "bar" if can_move_the_cursor else "lines"
