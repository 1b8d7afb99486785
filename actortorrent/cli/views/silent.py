"""No progress: only what the user should know, what came of it, and with -q not even that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from actortorrent.cli.text import safe_text
from actortorrent.cli.views.printing import print_summary

if TYPE_CHECKING:
    from actortorrent import Progress
    from actortorrent.cli.failures import Failure
    from actortorrent.cli.views.view import Job
    from actortorrent.session import Summary


class SilentView:
    """Show no progress.

    Args:
        is_quiet: whether notices and the summary are left out too.
    """

    def __init__(self, *, is_quiet: bool = False) -> None:
        self._is_quiet = is_quiet

    def begin(self, job: Job) -> None:
        """Show nothing."""

    def learn(self, job: Job) -> None:
        """Show nothing."""

    def listening(self, port: int) -> None:
        """Show nothing."""

    def show(self, progress: Progress) -> None:
        """Show nothing."""

    def notice(self, text: str) -> None:
        """Print a notice on stderr."""
        if not self._is_quiet:
            click.echo(f"note: {safe_text(text)}", err=True)

    def end(self, job: Job, summary: Summary) -> None:
        """Print what came of it."""
        if not self._is_quiet:
            print_summary(job, summary)

    def fail(self, failure: Failure) -> None:
        """Show nothing: the command prints the error."""
