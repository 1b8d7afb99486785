"""`actortorrent trace export`: a trace in the formats of other tools."""

from __future__ import annotations

from pathlib import Path

import click

from actortorrent.captures.exporting import ExportReport, export_capture
from actortorrent.cli.grouped import GroupedCommand, option
from actortorrent.cli.text import plural, safe_text
from actortorrent.cli.traces.telling import OUT_PATH, TRACE_PATH
from actortorrent.cli.traces.wanted import wanted_options
from actortorrent.errors import UsageError
from actortorrent.tracing.exports import FORMATS, write_export
from actortorrent.tracing.filters import EventFilter, Wishes
from actortorrent.tracing.merging import open_traces
from actortorrent.tracing.report.sources import open_source
from actortorrent.tracing.wording import size_text

CAPTURE = "pcap"
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
    (
        "what went over the wire, for Wireshark and tshark",
        "actortorrent trace export seed.jsonl fetch.jsonl --format pcap -o swarm.pcap",
    ),
)


@click.command(cls=GroupedCommand, examples=EXAMPLES)
@click.argument("files", nargs=-1, required=True, type=TRACE_PATH)
@option(
    "--format",
    "form",
    required=True,
    type=click.Choice([*FORMATS, CAPTURE]),
    group=WRITTEN,
    help="perfetto: JSON for ui.perfetto.dev; mermaid: a sequence diagram; shiviz: a log; "
    "pcap: packets for Wireshark.",
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
    Wireshark reads whole connections: of a capture only --peer picks some.
    """
    if form == CAPTURE and (actors or types or pieces):
        raise UsageError("pcap has whole connections: expected no filter but --peer")
    wanted = EventFilter(Wishes(actors=actors, types=types, pieces=pieces, peers=peers)).wants
    if form == CAPTURE:
        source = open_source(files)
        _tell_capture(export_capture(source.header, source.events, wanted, output), output)
        return
    with open_traces(files) as (header, events):
        size = write_export(form, header, events, wanted, output)
    click.echo(safe_text(f"export    {output} ({size_text(size)}, for {form})"))


def _tell_capture(report: ExportReport, output: Path) -> None:
    """Say what was written, and what of it no trace has told."""
    click.echo(
        safe_text(
            f"export    {output} ({size_text(report.size_bytes)}, for pcap): "
            f"{plural(report.messages, 'message')} in {plural(report.connections, 'connection')}"
        )
    )
    made_up = ["the handshakes of TCP"]
    if report.blank_bytes:
        made_up.append(f"zeros for the {size_text(report.blank_bytes)} of blocks")
    if report.made_up:
        counted = f"{plural(report.made_up, 'message')} that the trace only counts"
        made_up.append(f"of {counted}, the piece (0xffffffff) and offset")
    if report.made_up_addresses:
        made_up.append(f"addresses of {plural(report.made_up_addresses, 'connection')}")
    click.echo(f"made up   {'; '.join(made_up)}")
    if report.missing_bytes:
        click.echo(f"missing   {size_text(report.missing_bytes)}: events are missing in the trace")
