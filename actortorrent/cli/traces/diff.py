"""`actortorrent trace diff`: two traces compared by what happened."""

from __future__ import annotations

from pathlib import Path

import click

from actortorrent.cli.grouped import GroupedCommand, option
from actortorrent.cli.traces.telling import TRACE_PATH, print_json, print_lines
from actortorrent.tracing.diffing import compare
from actortorrent.tracing.merging import open_traces

EXAMPLES = (
    ("what did the other picker change?", "actortorrent trace diff rarest.jsonl mine.jsonl"),
)


@click.command(cls=GroupedCommand, examples=EXAMPLES)
@click.argument("first", type=TRACE_PATH)
@click.argument("second", type=TRACE_PATH)
@option("--json", "as_json", is_flag=True, group="What is shown", help="Print one JSON object.")
def diff(first: Path, second: Path, *, as_json: bool) -> None:
    """Compare two traces by what happened in them.

    Pieces are aligned by their index, peers by their role (seed or leech), messages by
    their type: times, ports and numbers of connections never agree. Of merged traces,
    nodes of the same name are compared.
    """
    with open_traces([first]) as one, open_traces([second]) as other:
        difference = compare(one, other)
    if as_json:
        print_json(difference.to_json())
    else:
        print_lines(difference.lines())
