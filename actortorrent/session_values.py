"""What a session hears besides its actors' reports, and what it says at the end."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from actortorrent.errors import ActorTorrentError, shortage_of
from actortorrent.rules.progress import Progress
from actortorrent.story import described


class Summary(Struct, frozen=True, kw_only=True):
    """Say how a session went.

    Attributes:
        progress: how it stood at the end.
        output: the folder with the content.
        was_interrupted: it was asked to stop before it was done.
        average_download_rate: bytes a second, over the time it was fetching.
        trace: where the trace is, if one was kept.
    """

    progress: Progress
    output: Path
    elapsed_seconds: float
    was_interrupted: bool
    is_complete: bool
    average_download_rate: float
    trace: Path | None


class StopRequested(Struct, frozen=True):
    """Somebody wants the session to stop."""


class ActorFailed(Struct, frozen=True):
    """An actor failed: a bug of ours."""

    name: str
    error: BaseException


class PeerFailed(Struct, frozen=True):
    """The actor of one peer failed: a bug of ours, too, but the others go on."""

    text: str


class RecordRequested(Struct, frozen=True):
    """Somebody wants to see what the flight recorder holds."""


def as_bug(failed: ActorFailed) -> ActorTorrentError:
    """Return an actor's failure as the error that ends the session; a shortage is no bug."""
    if isinstance(failed.error, ActorTorrentError):
        return failed.error
    shortage = shortage_of(failed.error)
    if shortage is not None:
        return shortage
    return ActorTorrentError(
        f"{failed.name} failed: {described(failed.error)}",
        hint="this is a bug of ours; what was verified is kept",
    )
