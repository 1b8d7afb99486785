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
from actortorrent.telemetry.sending import send_spans
from actortorrent.tracing.exports import FORMATS, Wanted, write_export
from actortorrent.tracing.exports.spans import spans_of
from actortorrent.tracing.filters import EventFilter, Wishes
from actortorrent.tracing.merging import open_traces
from actortorrent.tracing.report.sources import open_source
from actortorrent.tracing.wording import size_text

CAPTURE = "pcap"
TELEMETRY = "otlp"
WRITTEN = "What is written"
SENT = "Where it is sent"
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
    (
        "to an OpenTelemetry collector (or Jaeger, Tempo), where traces of other machines are",
        "actortorrent trace export fetch.jsonl --format otlp --to http://localhost:4318",
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
    "pcap: packets for Wireshark; otlp: spans for OpenTelemetry.",
)
@option(
    "-o",
    "--output",
    type=OUT_PATH,
    metavar="FILE",
    group=WRITTEN,
    help="Write it to FILE.",
)
@option(
    "--to",
    metavar="URL",
    group=SENT,
    help="Send it to the collector at URL (http://HOST:4318) instead; otlp alone is sent.",
)
@option(
    "--run",
    default="",
    metavar="NAME",
    group=SENT,
    help="Call this run NAME: else all that otlp has of a torrent is one trace.",
)
@wanted_options(WANTED)
def export(
    files: tuple[Path, ...],
    *,
    form: str,
    output: Path | None,
    to: str | None,
    run: str,
    actors: tuple[str, ...],
    types: tuple[str, ...],
    pieces: tuple[int, ...],
    peers: tuple[str, ...],
) -> None:
    """Write a trace, or several merged into one, for another tool to show.

    Perfetto shows actors as threads, messages as slices with arrows, and how full each
    mailbox was. Mermaid draws what is small. ShiViz shows who could have known of what.
    Wireshark reads whole connections: of a capture only --peer picks some. A collector gets
    a span for each message; traces that several machines send of a torrent meet in one.
    """
    if form == CAPTURE and (actors or types or pieces):
        raise UsageError("pcap has whole connections: expected no filter but --peer")
    if form != TELEMETRY and (to or run):
        raise UsageError(f"--to and --run are for otlp: expected neither with {form}")
    wanted = EventFilter(Wishes(actors=actors, types=types, pieces=pieces, peers=peers)).wants
    if to is not None and output is None:
        _send(files, wanted, to, run)
    elif output is None or to is not None:
        places = "-o FILE or --to URL" if form == TELEMETRY else "-o FILE"
        raise UsageError(f"expected where it is to go: {places}")
    elif form == CAPTURE:
        source = open_source(files)
        _tell_capture(export_capture(source.header, source.events, wanted, output), output)
    else:
        with open_traces(files) as (header, events):
            size = write_export(form, header, events, wanted, output, run=run)
        click.echo(safe_text(f"export    {output} ({size_text(size)}, for {form})"))


def _send(files: tuple[Path, ...], wanted: Wanted, to: str, run: str) -> None:
    """Send spans to a collector, and say in which trace they are found there."""
    with open_traces(files) as (header, events):
        sent = send_spans(spans_of(header, events, wanted, run), to)
    click.echo(f"sent      {plural(sent.spans, 'span')} of {plural(sent.peers, 'peer')}")
    if sent.spans:
        click.echo(f"trace     {sent.trace_id}")


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
