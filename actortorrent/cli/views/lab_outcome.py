"""What came of a lab, for people and for scripts: sums, files, and what is worth looking at."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import click

from actortorrent.cli.text import format_duration, format_size
from actortorrent.cli.views.swarm import labelled, print_lab_event
from actortorrent.lab.aftermath import Aftermath
from actortorrent.lab.highlights import Highlight
from actortorrent.lab.swarm import Outcome


def tell_outcome(outcome: Outcome, after: Aftermath) -> None:
    """Tell people what came of it."""
    for label, text in _facts(outcome, after):
        click.echo(labelled(label, text))
    for highlight in after.highlights:
        click.echo(labelled("look at", f"{highlight.seconds:.1f} s: {highlight.text}"))
        click.echo(labelled("", f"  {_command(after, highlight)}"))


def _facts(outcome: Outcome, after: Aftermath) -> Iterator[tuple[str, str]]:
    leeches = _count(sum(one.member.fetches for one in outcome.members), "leech")
    yield "complete", f"{leeches} in {format_duration(outcome.seconds)}"
    for one in outcome.members:
        got = f", got {format_size(one.fetched_bytes)}" if one.member.fetches else ""
        wasted = f" ({format_size(one.wasted_bytes)} in vain)" if one.wasted_bytes else ""
        banned = f"; banned {', '.join(one.banned)}" if one.banned else ""
        sent = f"sent {format_size(one.uploaded_bytes)}"
        says = (
            f"{sent}{got}{wasted}{banned}"
            if one.member.is_traced or one.fetched_bytes
            else "fetched it all"
        )
        yield "", f"{one.member.name:<10} {says}"
    if not outcome.plan.loses_tracker:
        heard = ", ".join(f"{count} {event}" for event, count in outcome.heard.items())
        yield "told", f"the tracker heard: {heard}"
    size = format_size(after.merged.stat().st_size)
    yield "trace", f"{after.merged} ({size}, of {_count(len(outcome.traces), 'process')})"
    yield "", f"{after.event_count:,} events, {after.fit.matched:,} messages seen at both ends"
    yield "report", f"{after.report} (open it in a browser)"
    yield "removed", "the content: it was made for this alone; the traces and the report stay"


def _command(after: Aftermath, highlight: Highlight) -> str:
    return shlex.join(
        [_own_command(), "trace", *highlight.question, _short(after.merged), *highlight.filters]
    )


def print_outcome(outcome: Outcome, after: Aftermath) -> None:
    """Tell scripts what came of it."""
    print_lab_event(
        "done",
        {
            "scenario": outcome.plan.scenario,
            "elapsed_seconds": round(outcome.seconds, 3),
            "trace": str(after.merged),
            "traces": {name: str(path) for name, path in outcome.traces.items()},
            "events": after.event_count,
            "matched_messages": after.fit.matched,
            "report": str(after.report),
            "look_at": [
                {
                    "what": one.kind,
                    "seconds": round(one.seconds, 3),
                    "text": one.text,
                    "command": _command(after, one),
                }
                for one in after.highlights
            ],
        },
    )


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}es"


def _own_command() -> str:
    """Return how our command is called from here: it may not be on the PATH."""
    beside_python = Path(sys.executable).with_name("actortorrent")
    if shutil.which("actortorrent") or not beside_python.exists():
        return "actortorrent"
    return _short(beside_python)


def _short(path: Path) -> str:
    """Return a path as one would type it here."""
    with suppress(ValueError):
        return str(path.relative_to(Path.cwd()))
    return str(path)
