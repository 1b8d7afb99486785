"""What every refusal must be, whatever was refused."""

from __future__ import annotations

from actortorrent.errors import ActorTorrentError


def check_refusal(error: ActorTorrentError) -> None:
    """Assert that it says something, in one line that a terminal can show."""
    assert str(error)
    assert str(error).isprintable()
