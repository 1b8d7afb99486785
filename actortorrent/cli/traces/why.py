"""`actortorrent trace why`: why a peer is choked, why a piece came when it did, why it is slow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import click

from actortorrent.cli.grouped import GroupedCommand, option
from actortorrent.cli.traces.telling import TRACE_PATH, print_json, print_lines
from actortorrent.errors import UsageError
from actortorrent.tracing.events import Event
from actortorrent.tracing.merging import open_traces
from actortorrent.tracing.show import Line
from actortorrent.tracing.why import (
    Story,
    is_of_more_than_a_block,
    is_on_slots,
    why_choke,
    why_piece,
    why_slow,
)

ASKED = "What is asked"
AS_JSON = option(
    "--json", "as_json", is_flag=True, group="What is shown", help="Print one JSON object."
)
FILES = click.argument("files", nargs=-1, required=True, type=TRACE_PATH)


class Answer(Protocol):
    """What every question is answered with."""

    def to_json(self) -> dict[str, Any]:
        """Return the answer as JSON has it."""

    def lines(self) -> Iterator[Line]:
        """Yield the answer for people."""


@click.group()
def why() -> None:
    """Ask a trace why something happened so, and not otherwise.

    Of several traces, or a merged one, each node answers for itself.
    """


@why.command(
    cls=GroupedCommand,
    examples=(
        (
            "why is this one not served?",
            "actortorrent trace why choke seed.jsonl --peer 10.0.0.1:6881",
        ),
        (
            "... 12 seconds after the beginning",
            "actortorrent trace why choke seed.jsonl --peer 3 --at 12",
        ),
        (
            "why does nobody serve that peer?",
            "actortorrent trace why choke swarm.jsonl --peer free-rider",
        ),
    ),
)
@FILES
@option(
    "--peer",
    required=True,
    metavar="PEER",
    group=ASKED,
    help="A connection's number, an address, a peer id, or a node of a merged trace.",
)
@option(
    "--at",
    "at_seconds",
    type=click.FloatRange(min=0),
    metavar="SEC",
    group=ASKED,
    help="At this moment, as trace show counts.  [default: when it was last refused]",
)
@AS_JSON
def choke(files: tuple[Path, ...], *, peer: str, at_seconds: float | None, as_json: bool) -> None:
    """Say by which rule a peer is choked or served, and whom the rule chose instead."""
    answers = _asked(files, lambda story: why_choke(story, peer, at_seconds), is_on_slots)
    if not answers:
        raise UsageError(
            f"no peer {peer} in this trace; trace show FILE --type connection_begun lists them"
        )
    _print(answers, as_json=as_json)


@why.command(
    cls=GroupedCommand,
    examples=(("why did piece 17 come so late?", "actortorrent trace why piece fetch.jsonl 17"),),
)
@FILES
@click.argument("piece", type=click.IntRange(min=0))
@AS_JSON
def piece(files: tuple[Path, ...], *, piece: int, as_json: bool) -> None:
    """Say when a piece was picked, why then, of whom it came, and what it waited for."""
    _print(_asked(files, lambda story: why_piece(story, piece)), as_json=as_json)


@why.command(
    cls=GroupedCommand,
    examples=(("where did the time go?", "actortorrent trace why slow fetch.jsonl"),),
)
@FILES
@AS_JSON
def slow(files: tuple[Path, ...], *, as_json: bool) -> None:
    """Say where the time of a fetch went, and what it waited for longest."""
    _print(_asked(files, why_slow), as_json=as_json)


def _asked(
    files: Sequence[Path],
    question: Callable[[Story], Iterable[Answer]],
    wants: Callable[[Event], bool] = is_of_more_than_a_block,
) -> list[Answer]:
    with open_traces(files) as (header, events):
        return list(question(Story(header, events, wants)))


def _print(answers: Sequence[Answer], *, as_json: bool) -> None:
    if as_json:
        print_json({"answers": [answer.to_json() for answer in answers]})
        return
    for number, answer in enumerate(answers):
        if number:
            click.echo()
        print_lines(answer.lines())
