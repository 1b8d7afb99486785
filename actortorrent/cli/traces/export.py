"""`actortorrent trace export`: a trace in the formats of other tools."""

from __future__ import annotations

from pathlib import Path

import click

from actortorrent.cli.grouped import GroupedCommand, option
from actortorrent.cli.text import safe_text
from actortorrent.cli.traces.telling import OUT_PATH, TRACE_PATH
from actortorrent.cli.traces.wanted import wanted_options
from actortorrent.tracing.exports import FORMATS, write_export
from actortorrent.tracing.filters import EventFilter, Wishes
from actortorrent.tracing.merging import open_traces
from actortorrent.tracing.wording import size_text

WRITTEN = "What is written"
WANTED = "What is in it"
EXAMPLES = (
    (
        "a whole swarm on ui.perfetto.dev",
        "actortorrent trace export seed.jsonl fetch.jsonl --format perfetto -o swarm.json",
    ),
    (
        "what became of one piece, as a diagram for a document",
        "actortorrent trace export fetch.jsonl --format mermaid --piece 3 -o piece.mmd",
    ),
)


@click.command(cls=GroupedCommand, examples=EXAMPLES)
@click.argument("files", nargs=-1, required=True, type=TRACE_PATH)
@option(
    "--format",
    "form",
    required=True,
    type=click.Choice(list(FORMATS)),
    group=WRITTEN,
    help="perfetto: JSON for ui.perfetto.dev; mermaid: a sequence diagram; shiviz: a log.",
)
@option(
    "-o",
    "--output",
    required=True,
    type=OUT_PATH,
    metavar="FILE",
    group=WRITTEN,
    help="Write it to FILE.",
)
@wanted_options(WANTED)
def export(
    files: tuple[Path, ...],
    *,
    form: str,
    output: Path,
    actors: tuple[str, ...],
    types: tuple[str, ...],
    pieces: tuple[int, ...],
    peers: tuple[str, ...],
) -> None:
    """Write a trace, or several merged into one, for another tool to show.

    Perfetto shows actors as threads, messages as slices with arrows, and how full each
    mailbox was. Mermaid draws what is small. ShiViz shows who could have known of what.
    """
    wanted = EventFilter(Wishes(actors=actors, types=types, pieces=pieces, peers=peers)).wants
    with open_traces(files) as (header, events):
        size = write_export(form, header, events, wanted, output)
    click.echo(safe_text(f"export    {output} ({size_text(size)}, for {form})"))
