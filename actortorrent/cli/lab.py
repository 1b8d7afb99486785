"""`actortorrent lab`: a whole swarm on this machine, and the trace of all of it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import click

from actortorrent.cli.arguments import PROGRESS_KINDS
from actortorrent.cli.grouped import GroupedCommand, option
from actortorrent.cli.interrupts import ASKS_TO_STOP
from actortorrent.cli.options import TRACE_LEVELS
from actortorrent.cli.text import parse_size, safe_text
from actortorrent.cli.views.lab_outcome import print_outcome, tell_outcome
from actortorrent.cli.views.swarm import make_swarm_view
from actortorrent.errors import ExitCode, UsageError
from actortorrent.lab.aftermath import look_back
from actortorrent.lab.scenarios import MAX_MEMBERS, PACE, SCENARIOS, Role, make_plan
from actortorrent.lab.swarm import Lab
from actortorrent.pickers import load_picker

SWARM = "The swarm"
OUTPUT = "What is shown"
EXTERNAL = ("libtorrent", "aria2")
MAX_NUMBERED = 1000  # folders `lab-basic-2`, `lab-basic-3`, ...
EXAMPLES = (
    ("a seed and three leeches", "actortorrent lab"),
    ("one leech takes and never gives", "actortorrent lab --scenario free-rider"),
    ("the same again, but smaller", "actortorrent lab --scenario free-rider --size 2M"),
    ("what another client does in it", "actortorrent lab --external libtorrent"),
)


def _read_size(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    try:
        return None if value is None else parse_size(value)
    except ValueError as error:
        raise click.BadParameter(safe_text(str(error)), ctx=ctx, param=param) from None


def _find_picker(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    """Return a picker with its folder, for processes that run in another; it must be one."""
    if value:
        load_picker(value)
        file, _, name = value.rpartition(":")
        value = f"{Path(file).absolute()}:{name}"
    return value


@click.command(cls=GroupedCommand, examples=EXAMPLES)
@option(
    "--scenario",
    type=click.Choice(tuple(SCENARIOS)),
    default="basic",
    show_default=True,
    metavar="NAME",
    group=SWARM,
    help=f"What happens: {', '.join(SCENARIOS)}.",
)
@option(
    "--seeds",
    type=click.IntRange(1, MAX_MEMBERS),
    metavar="N",
    group=SWARM,
    help="So many seeds.  [default: 1; endgame: 2]",
)
@option(
    "--leechers",
    "leeches",
    type=click.IntRange(1, MAX_MEMBERS),
    metavar="N",
    group=SWARM,
    help="So many leeches, not counting an odd one.  [default: 3; some scenarios: more]",
)
@option(
    "--size",
    callback=_read_size,
    default="8M",
    show_default=True,
    metavar="SIZE",
    group=SWARM,
    help="Make content of this size.",
)
@option(
    "--piece-length",
    callback=_read_size,
    metavar="SIZE",
    group=SWARM,
    help="Cut it into pieces of so many bytes, a power of two.  [default: 64 pieces or more]",
)
@option(
    "--up",
    "rate",
    callback=_read_size,
    metavar="RATE",
    group=SWARM,
    help="Let everyone send so much a second; some scenarios slow one down or speed some up."
    "  [default: what sends the content once in 8 s]",
)
@option(
    "--pace",
    type=click.FloatRange(1, 100),
    default=PACE,
    show_default=True,
    metavar="X",
    group=SWARM,
    help="Review who is served X times as often as a real client, which does so every 10 s.",
)
@option(
    "--seed",
    "dice_seed",
    type=int,
    default=7,
    show_default=True,
    metavar="N",
    group=SWARM,
    help="Seed all dice: the content, and what is drawn by lot.",
)
@option(
    "--picker",
    callback=_find_picker,
    default="",
    metavar="FILE.py:CLASS",
    group=SWARM,
    help="Let a class of your own choose the pieces for all leeches (docs/pickers.md).",
)
@option(
    "--external",
    type=click.Choice(EXTERNAL),
    metavar="CLIENT",
    group=SWARM,
    help="Have another client fetch, too: libtorrent or aria2, if it is installed.",
)
@option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    group=OUTPUT,
    help="Put traces and report here.  [default: lab-NAME in the current folder]",
)
@option(
    "--trace-level",
    type=click.Choice(TRACE_LEVELS),
    group=OUTPUT,
    metavar="LEVEL",
    help="How fine the traces are: piece, block or payload."
    "  [default: block up to 16 MiB of content, else piece]",
)
@option(
    "--progress",
    "progress_kind",
    type=click.Choice(PROGRESS_KINDS),
    default="auto",
    show_default=True,
    group=OUTPUT,
    metavar="KIND",
    help="bar (a live map of everyone's pieces), lines, json (one object a line), none;"
    " auto: bar on a terminal, else lines.",
)
def lab(scenario: str, output: Path | None, progress_kind: str, **given: Any) -> int:
    """Run a whole swarm on this machine: a tracker, seeds and leeches.

    Each is a process of its own and really fetches and serves, on loopback, at rates that
    its own limits shape; each writes a trace. When every leech is complete, each byte is
    compared, and the traces are put together into one and into a report.
    """
    external = given.pop("external")
    dice_seed = given.pop("dice_seed")
    plan = make_plan(
        scenario, seed=dice_seed, external=Role(external) if external else None, **given
    )
    folder = _new_folder(output, scenario)
    view = make_swarm_view(progress_kind, f"{scenario}: {plan.about}")
    try:
        with _stopping_on_signals(), Lab(plan, folder, view) as running:
            view.step(scenario, plan.about)
            outcome = running.run()
            view.close()
            tell = print_outcome if progress_kind == "json" else tell_outcome
            tell(outcome, look_back(outcome))
    except KeyboardInterrupt:
        view.close()
        click.echo(f"interrupted: all processes are stopped, the traces are in {folder}", err=True)
        return ExitCode.INTERRUPTED
    finally:
        view.close()
    return ExitCode.DONE


def _new_folder(wanted: Path | None, scenario: str) -> Path:
    """Return a folder that is empty or not there yet."""
    if wanted is not None:
        if wanted.exists() and any(wanted.iterdir()):
            raise UsageError(f"{wanted} is not empty", hint="name a folder that is, or a new one")
        return wanted
    names = [f"lab-{scenario}", *(f"lab-{scenario}-{n}" for n in range(2, MAX_NUMBERED))]
    for name in names:
        if not Path(name).exists():
            return Path(name)
    raise UsageError(f"there are {MAX_NUMBERED} labs here already", hint="name a folder: -o DIR")


@contextmanager
def _stopping_on_signals() -> Iterator[None]:
    """Raise KeyboardInterrupt at the first signal to end; while that is obeyed, ignore others."""

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        for number in ASKS_TO_STOP:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, on_signal) for number in ASKS_TO_STOP}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
