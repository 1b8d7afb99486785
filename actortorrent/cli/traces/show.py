"""`actortorrent trace show`: a trace as lines that a person can read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

import click

from actortorrent.cli.grouped import GroupedCommand, option
from actortorrent.cli.text import plural
from actortorrent.cli.traces.telling import TRACE_PATH, coloured, remark, signs
from actortorrent.cli.traces.wanted import wanted_options
from actortorrent.errors import UsageError
from actortorrent.tracing.anonymising import AnonymisedTrace
from actortorrent.tracing.events import Event
from actortorrent.tracing.filters import EventFilter, Wishes
from actortorrent.tracing.graph import Graph
from actortorrent.tracing.order import in_order
from actortorrent.tracing.reader import TraceFile
from actortorrent.tracing.show import Teller, header_lines

WANTED = "What is shown"
FOLLOWED = "What is followed"
EXAMPLES = (
    ("all of it, page by page", "actortorrent trace show fetch.jsonl | less"),
    ("what one peer said and was told", "actortorrent trace show fetch.jsonl --peer 1"),
    (
        "why pieces were picked as they were",
        "actortorrent trace show fetch.jsonl --type pick_piece",
    ),
    ("the life of one piece", "actortorrent trace show fetch.jsonl --piece 17"),
    (
        "the same, each event with its id",
        "actortorrent trace show fetch.jsonl --piece 17 --ids",
    ),
    (
        "what brought an event about",
        "actortorrent trace show fetch.jsonl --causes 'PieceManager#412'",
    ),
)


@click.command(cls=GroupedCommand, examples=EXAMPLES)
@click.argument("file", type=TRACE_PATH)
@wanted_options(WANTED)
@option(
    "--causes",
    "caused",
    metavar="ID",
    group=FOLLOWED,
    help="Only this event and what brought it about, from the first cause on.",
)
@option(
    "--effects",
    "causing",
    metavar="ID",
    group=FOLLOWED,
    help="Only this event and all that it brought about, each below its cause.",
)
@option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    group=WANTED,
    help="The first N events only.",
)
@option(
    "--anonymise",
    is_flag=True,
    group=WANTED,
    help="With new names for addresses, peer ids, info-hash and files; filters see those.",
)
@option("--ids", "with_ids", is_flag=True, group=WANTED, help="Each event's id in front.")
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
    caused: str | None,
    causing: str | None,
    limit: int | None,
    anonymise: bool,
    with_ids: bool,
    as_json: bool,
) -> None:
    """Show a trace as lines that a person can read.

    Each line has the seconds since the trace began, to whom it happened, and what;
    docs/reading-a-trace.md explains a real one.

    An event is shown if it fits all filters given. A filter may be given several times:
    then any of its values will do.
    """
    wanted = EventFilter(Wishes(actors=actors, types=types, pieces=pieces, peers=peers)).wants
    with (AnonymisedTrace if anonymise else TraceFile)(file) as opened:
        events = _followed(in_order(opened.events()), caused, causing)
        if as_json:
            for event in islice(filter(wanted, events), limit):
                click.echo(event.to_line().decode("ascii").rstrip("\n"))
            return
        for line in _told(opened, events, wanted, limit, with_ids=with_ids):
            click.echo(line)


def _followed(events: Iterator[Event], caused: str | None, causing: str | None) -> Iterable[Event]:
    """Leave what brought an event about, or what it brought about; all, if neither is asked."""
    if caused is None and causing is None:
        return events
    graph = Graph(events)
    chains = []
    if caused is not None:
        chains.append(graph.causes(_found(graph, caused)))
    if causing is not None:
        chains.append([event for _, event in graph.effects(_found(graph, causing))])
    return [event for chain in chains for event in chain]


def _found(graph: Graph, event_id: str) -> Event:
    event = graph.get(event_id)
    if event is None:
        raise UsageError(
            f"no event {event_id} in this trace; an id is actor#number, as --ids shows it"
        )
    return event


def _told(
    opened: TraceFile,
    events: Iterable[Event],
    wanted: Callable[[Event], bool],
    limit: int | None,
    *,
    with_ids: bool,
) -> Iterator[str]:
    teller = Teller(opened.header, signs(), with_ids=with_ids)
    yield from map(coloured, header_lines(opened.header))
    shown = 0
    for event in events:
        teller.hear(event)
        if wanted(event):
            yield from map(coloured, teller.lines(event))
            shown += 1
            if shown == limit:
                yield remark(f"only the first {plural(shown, 'event')} (--limit)")
                return
    if not shown:
        yield remark("no event fits these filters")
    yield from map(remark, _remarks(opened))


def _remarks(opened: TraceFile) -> Iterator[str]:
    """Yield what there is to say of the file as a whole."""
    lost = opened.lost - opened.header.missing_events
    if lost > 0:
        yield f"{plural(lost, 'event')} could not be written, and are missing"
    if opened.is_cut_off:
        yield "the last line is cut off: the process was killed, or is still writing"
    elif opened.header.nodes:
        for node in opened.header.nodes:
            if not node.has_end:
                yield f"the trace of {node.name} has no end: it was killed, or was still writing"
    elif not opened.has_end:
        yield "the trace has no end: the process was killed, or is still writing"
