"""The live view: a bar, the rates, the peers, and what it does or waits for.

rich draws it. Its refresh thread stays off: the session calls twice a second, and
that is when the picture changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from actortorrent.cli.text import format_clock, safe_text
from actortorrent.cli.views import wording
from actortorrent.cli.views.printing import print_summary

if TYPE_CHECKING:
    from actortorrent import Progress
    from actortorrent.cli.failures import Failure
    from actortorrent.cli.views.view import Job
    from actortorrent.session import Summary

STOPPING_HINT = "Ctrl-C again exits at once"


class BarView:
    """Draw a session on a terminal, in place."""

    def __init__(self, *, is_verbose: bool = False, console: Console | None = None) -> None:
        self._is_verbose = is_verbose
        self._console = console or Console(highlight=False, markup=False, emoji=False)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._job: Job | None = None
        self._port = 0

    def begin(self, job: Job) -> None:
        """Start to draw."""
        self._job = job
        self._live.start()

    def learn(self, job: Job) -> None:
        """Draw this one from now on."""
        self._job = job

    def listening(self, port: int) -> None:
        """Keep in mind what port to show."""
        self._port = port

    def show(self, progress: Progress) -> None:
        """Draw how it stands."""
        if self._job is not None:
            picture = draw(self._job, progress, self._port, is_verbose=self._is_verbose)
            # An empty line last: there the terminal's echo of Ctrl-C disturbs nothing.
            self._live.update(Group(picture, ""), refresh=True)

    def notice(self, text: str) -> None:
        """Print a notice above the bar."""
        self._console.print(Text(f"note: {safe_text(text)}", style="yellow"))

    def end(self, job: Job, summary: Summary) -> None:
        """Put what came of it in the place of the bar."""
        self._live.stop()
        print_summary(job, summary)

    def fail(self, failure: Failure) -> None:  # noqa: ARG002 - the command prints the error
        """Take the bar away and give the cursor back."""
        self._live.stop()


def draw(
    job: Job, progress: Progress, port: int = 0, *, is_verbose: bool = False
) -> RenderableType:
    """Return the picture of one moment, for any width of terminal; `port` 0 is not known yet."""
    figures = wording.GAP.join(filter(None, (wording.amount(progress), wording.rates(progress))))
    lines: list[RenderableType] = [
        _headline(job),
        _bar(progress),
        *([_one_line(figures)] if figures else []),
        _one_line(wording.peers(progress) + (f"; our port is {port}" if port else "")),
        _activity(progress),
    ]
    if is_verbose:
        lines += [_one_line(line, "bright_black") for line in wording.details(progress)]
    return Group(*lines)


def _headline(job: Job) -> Table:
    line = Table.grid(expand=True, padding=(0, 1))
    line.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    line.add_column(justify="right", no_wrap=True)
    line.add_row(Text(safe_text(job.name), style="bold"), wording.job_size(job))
    return line


def _bar(progress: Progress) -> Table:
    line = Table.grid(expand=True, padding=(0, 1))
    line.add_column(ratio=1)
    line.add_column(justify="right", no_wrap=True, min_width=7)
    bar = ProgressBar(
        total=max(1, wording.whole(progress)),
        completed=wording.done(progress),
        complete_style="cyan" if progress.phase in ("metadata", "checking") else "green",
        finished_style="green",
    )
    line.add_row(bar, wording.share(progress))
    return line


def _activity(progress: Progress) -> Text:
    activity = safe_text(progress.activity) or progress.phase
    if progress.phase == "stopping":
        activity = f"{activity} ({STOPPING_HINT})"
    clock = format_clock(progress.elapsed_seconds)
    return Text(f"{clock}{wording.GAP}{activity}", style="cyan")  # it may take several lines


def _one_line(text: str, style: str = "") -> Text:
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")
