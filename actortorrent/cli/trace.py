"""`actortorrent trace`: read the traces that `fetch` and `seed` write with `--trace FILE`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import click

from actortorrent.cli.grouped import GroupedCommand, option
from actortorrent.cli.text import plural, safe_text
from actortorrent.tracing.events import Event
from actortorrent.tracing.filters import EventFilter, Wishes
from actortorrent.tracing.order import in_order
from actortorrent.tracing.reader import TraceFile
from actortorrent.tracing.show import ASCII_SIGNS, Line, Part, Signs, Teller, header_lines

WANTED = "What is shown"
EXAMPLES = (
    ("all of it, page by page", "actortorrent trace show fetch.jsonl | less"),
    ("what one peer said and was told", "actortorrent trace show fetch.jsonl --peer 1"),
    (
        "why pieces were picked as they were",
        "actortorrent trace show fetch.jsonl --type pick_piece",
    ),
    ("the life of one piece", "actortorrent trace show fetch.jsonl --piece 17"),
)
STYLES: Mapping[str, dict[str, Any]] = {
    "time": {"dim": True},
    "actor": {"fg": "cyan"},
    "arrow": {"dim": True},
    "message": {"bold": True},
    "received": {"fg": "green"},
    "sent": {"fg": "blue"},
    "decision": {"fg": "magenta", "bold": True},
    "timer": {"fg": "yellow"},
    "trouble": {"fg": "red", "bold": True},
    "quiet": {"dim": True},
}


@click.group()
def trace() -> None:
    """Read the traces that fetch and seed write with --trace FILE."""


@trace.command(cls=GroupedCommand, examples=EXAMPLES)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@option(
    "--actor",
    "actors",
    multiple=True,
    metavar="NAME",
    group=WANTED,
    help="What an actor did, sent and received: Storage, 'Peer-*'.",
)
@option(
    "--type",
    "types",
    multiple=True,
    metavar="TYPE",
    group=WANTED,
    help="Events, messages or decisions of a kind: decision, wants_work, unchoke, 'bt:*'.",
)
@option(
    "--piece",
    "pieces",
    multiple=True,
    type=click.IntRange(min=0),
    metavar="N",
    group=WANTED,
    help="What names the piece of this index.",
)
@option(
    "--peer",
    "peers",
    multiple=True,
    metavar="PEER",
    group=WANTED,
    help="What has to do with a peer: 3, Peer-3 or 10.0.0.1:6881.",
)
@option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    group=WANTED,
    help="The first N events only.",
)
@option(
    "--json", "as_json", is_flag=True, group=WANTED, help="The events as JSON, one object a line."
)
def show(
    file: Path,
    *,
    actors: tuple[str, ...],
    types: tuple[str, ...],
    pieces: tuple[int, ...],
    peers: tuple[str, ...],
    limit: int | None,
    as_json: bool,
) -> None:
    """Show a trace as lines that a person can read.

    Each line has the seconds since the trace began, to whom it happened, and what;
    docs/reading-a-trace.md explains a real one.

    An event is shown if it fits all filters given. A filter may be given several times:
    then any of its values will do.
    """
    wishes = Wishes(actors=actors, types=types, pieces=pieces, peers=peers)
    with TraceFile(file) as opened:
        lines = _json_lines if as_json else _told_lines
        for line in lines(opened, wishes, limit):
            click.echo(line)


def _json_lines(opened: TraceFile, wishes: Wishes, limit: int | None) -> Iterator[str]:
    wanted = EventFilter(wishes).wants
    for event in islice(filter(wanted, in_order(opened.events())), limit):
        yield event.to_line().decode("ascii").rstrip("\n")


def _told_lines(opened: TraceFile, wishes: Wishes, limit: int | None) -> Iterator[str]:
    teller = Teller(opened.header, Signs() if _prints_unicode() else ASCII_SIGNS)
    wanted = EventFilter(wishes).wants
    yield from map(_coloured, header_lines(opened.header))
    shown = 0
    for event in _heard(in_order(opened.events()), teller):
        if wanted(event):
            yield from map(_coloured, teller.lines(event))
            shown += 1
            if shown == limit:
                yield _remark(f"only the first {plural(shown, 'event')} (--limit)")
                return
    yield from map(_remark, _remarks(opened, shown))


def _heard(events: Iterator[Event], teller: Teller) -> Iterator[Event]:
    for event in events:
        teller.hear(event)
        yield event


def _remarks(opened: TraceFile, shown: int) -> Iterator[str]:
    """Yield what there is to say of the file as a whole."""
    if not shown:
        yield "no event fits these filters"
    if opened.lost:
        yield f"{plural(opened.lost, 'event')} could not be written, and are missing"
    if opened.is_cut_off:
        yield "the last line is cut off: the process was killed, or is still writing"
    elif not opened.has_end:
        yield "the trace has no end: the process was killed, or is still writing"


def _remark(text: str) -> str:
    return _coloured((Part("quiet", f"({text})"),))


def _coloured(line: Line) -> str:
    """Return a line, made harmless, in colours: click takes them off where there is no terminal."""
    parts = (click.style(safe_text(text), **STYLES.get(role, {})) for role, text in line)
    return "".join(parts).rstrip()


def _prints_unicode() -> bool:
    try:
        "→⇐◆⏱".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
