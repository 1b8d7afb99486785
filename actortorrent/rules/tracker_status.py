"""How a tracker stands, as the `Reporter` is told it and people read it."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class TrackerState(StrEnum):
    """Say what a tracker is doing for us."""

    ASKING = "asking"
    WORKING = "working"
    FAILED = "failed"
    SKIPPED = "skipped"  # of a kind that we do not speak


class TrackerStatus(Struct, frozen=True, kw_only=True):
    """Say how one tracker stands.

    Attributes:
        number: which tracker; two may show the same `url`.
        url: without its secrets, fit for a trace: `http://tracker.example:6969/…`.
        message: why it failed, or what it warns of; cleaned, one line.
        seeders: as it last said, or None; so `leechers`.
        peers: addresses it named in its last answer.
        next_announce_seconds: until trackers are asked again, or None if that is open.
        has_every_tracker_refused: no tracker of this torrent will serve us: each said
            no, or is of a kind that we do not speak.
    """

    number: int
    url: str
    state: TrackerState
    message: str = ""
    seeders: int | None = None
    leechers: int | None = None
    peers: int = 0
    next_announce_seconds: float | None = None
    has_every_tracker_refused: bool = False

    def __str__(self) -> str:
        """Return one line for people."""
        return f"{self.url}: {self._words()}"

    def _words(self) -> str:
        if self.state is TrackerState.WORKING:
            counts = f"{_shown(self.seeders, 'seeder')}, {_shown(self.leechers, 'leecher')}"
            return f"{counts} ({self.message})" if self.message else counts
        return f"{self.state}, {self.message}" if self.message else str(self.state)


def _shown(count: int | None, noun: str) -> str:
    if count == 1:
        return f"1 {noun}"
    return f"{'?' if count is None else count} {noun}s"
