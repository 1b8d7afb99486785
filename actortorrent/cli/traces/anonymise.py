"""`actortorrent trace anonymise`: a trace to give away."""

from __future__ import annotations

from pathlib import Path

import click

from actortorrent.cli.grouped import GroupedCommand, option
from actortorrent.cli.text import plural, safe_text
from actortorrent.cli.traces.telling import OUT_PATH, TRACE_PATH
from actortorrent.tracing.anonymising import AnonymisedTrace
from actortorrent.tracing.merging import write_trace

EXAMPLES = (
    ("a trace for a report of a bug", "actortorrent trace anonymise fetch.jsonl -o public.jsonl"),
)


@click.command(cls=GroupedCommand, examples=EXAMPLES)
@click.argument("file", type=TRACE_PATH)
@option(
    "-o",
    "--output",
    required=True,
    type=OUT_PATH,
    metavar="FILE",
    group="What is written",
    help="Write the new trace to FILE.",
)
def anonymise(file: Path, *, output: Path) -> None:
    """Give addresses, peer ids, info-hash and names of files new names in a trace.

    The same has the same new name everywhere, so that what happened can still be followed.
    Ports, times, sizes and the names of clients stay. Merge traces first: each that is
    anonymised by itself has names of its own.
    """
    with AnonymisedTrace(file) as trace:
        count = write_trace(output, trace.header, trace.events())
    click.echo(safe_text(f"trace     {output}: {plural(count, 'event')}, anonymised"))
