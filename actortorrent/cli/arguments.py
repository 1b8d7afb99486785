"""What commands share that need none of a session's options, which are slow to import."""

from __future__ import annotations

import os
from pathlib import Path

from actortorrent.errors import UsageError

PROGRESS_KINDS = ("auto", "bar", "lines", "json", "none")


def check_order(usage: str, source: str, directory: Path) -> None:
    """Raise a usage error where the folder and the torrent were given in the wrong order."""
    if os.path.isdir(source) and directory.is_file():  # noqa: PTH112 - a link may be too long for `Path`
        raise UsageError(
            f"expected a .torrent file, found the folder {source}",
            hint=f"the order is: actortorrent {usage}",
        )
