"""`actortorrent trace report`: a trace as one page that opens in any browser, offline."""

from __future__ import annotations

from pathlib import Path

import click
from msgspec.structs import asdict

from actortorrent.cli.grouped import GroupedCommand, option
from actortorrent.cli.text import plural, safe_text
from actortorrent.cli.traces.telling import OUT_PATH, TRACE_PATH, print_json
from actortorrent.tracing.report.writing import Report, write_report
from actortorrent.tracing.wording import size_text

EXAMPLES = (
    ("look at a fetch", "actortorrent trace report fetch.jsonl"),
    (
        "a swarm, seen by all of its peers",
        "actortorrent trace report seed.jsonl ada.jsonl bob.jsonl -o swarm.html",
    ),
)


@click.command(cls=GroupedCommand, examples=EXAMPLES)
@click.argument("files", nargs=-1, required=True, type=TRACE_PATH)
@option(
    "-o",
    "--output",
    type=OUT_PATH,
    metavar="FILE",
    group="What is written",
    help="Write the page to FILE.  [default: the first trace's name, with .html]",
)
@option("--json", "as_json", is_flag=True, group="What is shown", help="Print one JSON object.")
def report(files: tuple[Path, ...], *, output: Path | None, as_json: bool) -> None:
    """Write a page that shows a trace: one file for any browser, which needs no network.

    Lanes with an arrow for each message, what each means and where that is written, its
    causes and effects through all peers, pieces and choking over time, who gave whom how
    much, what is missing, and a quiz. Of several traces of one torrent it shows all
    together.
    """
    page = output or files[0].with_suffix(".html")
    written = write_report(files, page)
    if as_json:
        print_json({"page": str(page), **asdict(written)})
        return
    for line in _lines(written, page):
        click.echo(safe_text(line))


def _lines(written: Report, page: Path) -> list[str]:
    shown = f", {written.shown:,} shown each" if written.shown < written.events else ""
    return [
        f"events    {plural(written.events, 'event')} of {', '.join(written.nodes)}{shown}",
        *(f"note      {remark}" for remark in written.remarks),
        f"report    {page} ({size_text(written.size)}; open it in a browser)",
    ]
