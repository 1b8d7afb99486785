"""One JSON object a line, for scripts: docs/commands.md lists the keys, which stay.

The first object is "start", the last "done" or "error". New keys may join an object;
those that are there keep their name and meaning as long as `SCHEMA` stays the same.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import asdict

from actortorrent.errors import ExitCode
from actortorrent.version import VERSION

if TYPE_CHECKING:
    from actortorrent import Progress
    from actortorrent.cli.failures import Failure
    from actortorrent.cli.views.view import Job
    from actortorrent.session import Summary

SCHEMA = "actortorrent-progress/1"
DIGITS = 3  # of fractions: a thousandth of a second, of a byte a second


class JsonView:
    """Print each thing that happens as one JSON object on one line of stdout."""

    def __init__(self) -> None:
        self._port = 0

    def begin(self, job: Job) -> None:
        """Print "start": what the session is about."""
        _print("start", {"schema": SCHEMA, "version": VERSION, **_about(job)})

    def learn(self, job: Job) -> None:
        """Print "torrent": the same keys, now that all of it is known."""
        _print("torrent", _about(job))

    def listening(self, port: int) -> None:
        """Print "listening"."""
        if port != self._port:
            self._port = port
            _print("listening", {"port": port})

    def show(self, progress: Progress) -> None:
        """Print "progress": every field of `Progress`."""
        _print("progress", {**asdict(progress), "is_complete": progress.is_complete})

    def notice(self, text: str) -> None:
        """Print "notice"."""
        _print("notice", {"text": text})

    def end(self, job: Job, summary: Summary) -> None:
        """Print "done": what came of it, also when it was interrupted."""
        progress = summary.progress
        was_interrupted = summary.was_interrupted
        _print(
            "done",
            {
                "exit_code": int(ExitCode.INTERRUPTED if was_interrupted else ExitCode.DONE),
                "is_complete": summary.is_complete,
                "was_interrupted": was_interrupted,
                "elapsed_seconds": summary.elapsed_seconds,
                "average_download_rate": summary.average_download_rate,
                "wanted_bytes": progress.wanted_bytes,
                "verified_bytes": progress.verified_bytes,
                "fetched_bytes": progress.fetched_bytes,
                "uploaded_bytes": progress.uploaded_bytes,
                "wasted_bytes": progress.wasted_bytes,
                "ratio": progress.ratio,
                "content": str(job.content.absolute()),
                "trace": None if summary.trace is None else str(summary.trace),
            },
        )

    def fail(self, failure: Failure) -> None:
        """Print "error"; stderr has the same in words."""
        _print(
            "error",
            {
                "exit_code": int(failure.exit_code),
                "message": failure.message,
                "hint": failure.hint,
            },
        )


def _about(job: Job) -> dict[str, Any]:
    about = asdict(job)
    about["output"] = str(job.output.absolute())
    about["content"] = str(job.content.absolute())
    return about


def _print(event: str, values: dict[str, Any]) -> None:
    plain = {key: _plain(value) for key, value in values.items()}
    # ASCII alone: names of files need not be Unicode, and no terminal is steered by it.
    click.echo(json.dumps({"event": event, **plain}, allow_nan=False))


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, DIGITS) if math.isfinite(value) else None
    return value
