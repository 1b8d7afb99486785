"""`actortorrent trace merge`: traces of several peers put together into one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
from msgspec.structs import asdict

from actortorrent.cli.grouped import GroupedCommand, option
from actortorrent.cli.text import plural, safe_text
from actortorrent.cli.traces.telling import OUT_PATH, TRACE_PATH, print_json
from actortorrent.tracing.merging import Merge, merge_traces, write_merge
from actortorrent.tracing.wording import duration_text

EXAMPLES = (
    (
        "three ends of one swarm",
        "actortorrent trace merge seed.jsonl ada.jsonl bob.jsonl -o swarm.jsonl",
    ),
    (
        "... and what became of a block of the seed's",
        "actortorrent trace show swarm.jsonl --piece 17 --ids",
    ),
)


@click.command(cls=GroupedCommand, examples=EXAMPLES)
@click.argument("files", nargs=-1, required=True, type=TRACE_PATH)
@option(
    "-o",
    "--output",
    required=True,
    type=OUT_PATH,
    metavar="FILE",
    group="What is written",
    help="Write the merged trace to FILE.",
)
@option("--json", "as_json", is_flag=True, group="What is shown", help="Print one JSON object.")
def merge(files: tuple[Path, ...], *, output: Path, as_json: bool) -> None:
    """Put traces of several peers of one torrent together into one.

    Each message that went between two of them is found at both ends, so that causes can be
    followed from peer to peer. The peers are called as their files. Clocks that disagree
    are set so that nothing arrives before it was sent; the first file's is believed.
    """
    merged = merge_traces(files)
    count = write_merge(merged, output)
    if as_json:
        print_json({"events": count, "nodes": _nodes(merged), **asdict(merged.report)})
        return
    for line in _lines(merged, count, output):
        click.echo(safe_text(line))


def _nodes(merged: Merge) -> list[str]:
    return [node.name for node in merged.header.nodes]


def _lines(merged: Merge, count: int, output: Path) -> Iterator[str]:
    report = merged.report
    yield f"merged    {plural(count, 'event')} of {', '.join(_nodes(merged))}"
    yield (
        f"matched   {plural(report.matched, 'message')} at both ends of "
        f"{plural(report.connections, 'connection')}"
    )
    if report.never_arrived:
        yield f"          {report.never_arrived} still on the way when a connection ended"
    if report.from_nowhere:
        yield f"          {report.from_nowhere} received that the sender's trace has lost"
    if report.summed:
        yield f"          {report.summed} only counted at the other end (--trace-level)"
    for name, ahead_ns in report.clocks:
        side = "ahead of" if ahead_ns > 0 else "behind"
        yield (
            f"clock     {name} was {duration_text(abs(ahead_ns))} {side} {_nodes(merged)[0]}: set"
        )
    if report.held_back:
        most = duration_text(report.most_held_back_ns)
        yield f"clock     {plural(report.held_back, 'arrival')} moved by {most} at most"
    yield f"trace     {output} (actortorrent trace show {output})"
