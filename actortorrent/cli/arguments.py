"""What commands share that need none of a session's options, which are slow to import."""

from __future__ import annotations

from pathlib import Path

from actortorrent.errors import UsageError

PROGRESS_KINDS = ("auto", "bar", "lines", "json", "none")


def check_order(usage: str, source: str, directory: Path) -> None:
    """Raise a usage error where the folder and the torrent were given in the wrong order."""
    if Path(source).is_dir() and directory.is_file():
        raise UsageError(
            f"expected a .torrent file, found the folder {source}",
            hint=f"the order is: actortorrent {usage}",
        )
