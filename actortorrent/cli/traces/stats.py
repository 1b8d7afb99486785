"""`actortorrent trace stats`: a trace in figures."""

from __future__ import annotations

from pathlib import Path

import click

from actortorrent.cli.grouped import GroupedCommand, option
from actortorrent.cli.traces.telling import TRACE_PATH, print_json, print_lines
from actortorrent.tracing.merging import open_traces
from actortorrent.tracing.stats import statistics

EXAMPLES = (
    ("who sent how much, who was busy", "actortorrent trace stats fetch.jsonl"),
    ("for a script", "actortorrent trace stats fetch.jsonl --json | jq '.nodes[0].peers'"),
)


@click.command(cls=GroupedCommand, examples=EXAMPLES)
@click.argument("files", nargs=-1, required=True, type=TRACE_PATH)
@option("--json", "as_json", is_flag=True, group="What is shown", help="Print one JSON object.")
def stats(files: tuple[Path, ...], *, as_json: bool) -> None:
    """Count: bytes of each peer, work of each actor, messages, decisions."""
    with open_traces(files) as (header, events):
        figures = statistics(header, events)
    if as_json:
        print_json(figures.to_json())
    else:
        print_lines(figures.lines())
