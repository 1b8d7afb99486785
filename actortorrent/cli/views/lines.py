"""Plain lines for logs and pipes: one when something changed, and not too often.

A new phase is told at once; a new activity after a moment, since activities flicker;
figures after a while. The clock is that of `Progress`, so the view needs none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from actortorrent.cli.text import format_clock, safe_text
from actortorrent.cli.views import wording
from actortorrent.cli.views.printing import print_summary

if TYPE_CHECKING:
    from actortorrent import Progress
    from actortorrent.cli.failures import Failure
    from actortorrent.cli.views.view import Job
    from actortorrent.session import Summary

ACTIVITY_SECONDS = 2.0  # between lines when only the activity is new
FIGURES_SECONDS = 10.0  # between lines when only the figures are


class LinesView:
    """Print a line when there is something new to say."""

    def __init__(self, *, is_verbose: bool = False) -> None:
        self._is_verbose = is_verbose
        self._port = 0
        self._told: Progress | None = None

    def begin(self, job: Job) -> None:
        """Print what is about to happen."""
        doing = "seeding" if job.command == "seed" else "fetching"
        size = wording.job_size(job)
        click.echo(f"{doing} {safe_text(job.name)}: {size}, {safe_text(str(job.content))}")

    def learn(self, job: Job) -> None:
        """Print what is fetched."""
        self.begin(job)

    def listening(self, port: int) -> None:
        """Print where other peers reach us."""
        if port != self._port:
            self._port = port
            click.echo(f"listening on port {port}")

    def show(self, progress: Progress) -> None:
        """Print a line, if it is time for one."""
        if self._told is None or _is_worth_telling(progress, self._told):
            self._told = progress
            self._print(progress)

    def notice(self, text: str) -> None:
        """Print a notice on stderr."""
        click.echo(f"note: {safe_text(text)}", err=True)

    def end(self, job: Job, summary: Summary) -> None:
        """Print what came of it."""
        print_summary(job, summary)

    def fail(self, failure: Failure) -> None:
        """Print nothing: the command prints the error."""

    def _print(self, progress: Progress) -> None:
        share = "" if progress.phase == "checking" else wording.share(progress)
        figures = [
            f"[{format_clock(progress.elapsed_seconds)}] {share:>7}",
            wording.amount(progress),
            wording.rates(progress),
            safe_text(progress.activity) or progress.phase,
        ]
        click.echo(wording.GAP.join(part for part in figures if part))
        if self._is_verbose:
            for line in (wording.peers(progress), *wording.details(progress)):
                click.echo(f"{'':8}{line}")


def _is_worth_telling(progress: Progress, told: Progress) -> bool:
    if progress.phase != told.phase:
        return True
    passed = progress.elapsed_seconds - told.elapsed_seconds
    if progress.activity != told.activity:
        return passed >= ACTIVITY_SECONDS
    return passed >= FIGURES_SECONDS and _figures(progress) != _figures(told)


def _figures(progress: Progress) -> tuple[object, ...]:
    return (
        wording.share(progress),
        progress.verified_bytes,
        progress.uploaded_bytes,
        progress.peers_connected,
        progress.peers_unchoking_us,
    )
