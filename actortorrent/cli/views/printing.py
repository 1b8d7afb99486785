"""The lines that more than one view prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from actortorrent.cli.views.wording import summary_lines

if TYPE_CHECKING:
    from actortorrent.cli.views.view import Job
    from actortorrent.session import Summary

LABEL_WIDTH = 10


def print_summary(job: Job, summary: Summary) -> None:
    """Print what came of a session, a label before each line."""
    for label, text in summary_lines(job, summary):
        click.echo(click.style(f"{label:<{LABEL_WIDTH}}", bold=True) + text)
