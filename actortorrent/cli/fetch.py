"""`actortorrent fetch`: fetch what a torrent describes."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from actortorrent import Metainfo, Session, SessionOptions, select_files
from actortorrent.api import listed_files, load_torrent, to_addresses
from actortorrent.cli.grouped import GroupedCommand, option
from actortorrent.cli.options import (
    above_zero,
    keep_seeding_option,
    network_options,
    output_options,
    seeding_options,
)
from actortorrent.cli.running import describe_job, run_session, settings_from, viewing
from actortorrent.cli.text import format_size, safe_text
from actortorrent.errors import ExitCode
from actortorrent.pickers import PickPolicy, load_picker

WHAT = "What to fetch"
EXAMPLES = (
    ("fetch into the folder you are in", "actortorrent fetch debian.torrent"),
    ("see which files there are", "actortorrent fetch show.torrent --list"),
    ("fetch the first and the fourth", "actortorrent fetch show.torrent --select 1,4 -o ~/videos"),
    ("play while it comes", "actortorrent fetch film.torrent --sequential --match '*.mkv'"),
    ("leave the line to others", "actortorrent fetch debian.torrent --down 2M --up 200K"),
    ("fetch, then serve until as much was sent", "actortorrent fetch a.torrent --seed-ratio 1"),
    ("for a script", "actortorrent fetch a.torrent --progress json --stall-timeout 600"),
)


def _read_numbers(ctx: click.Context, param: click.Parameter, value: str | None) -> str:
    """Return the numbers; an empty text, of a script perhaps, must not mean all files."""
    if value is not None and not value.strip():
        raise click.BadParameter("expected file numbers such as 1,3-5, found none", ctx, param)
    return value or ""


@click.command(cls=GroupedCommand, examples=EXAMPLES)
@click.argument("source", metavar="TORRENT", type=click.Path())
@option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=".",
    metavar="DIR",
    group=WHAT,
    help="Put the content into this folder, made if need be.  [default: the current one]",
)
@option("--list", "lists_files", is_flag=True, group=WHAT, help="List the files, and exit.")
@option(
    "--select",
    "numbers",
    callback=_read_numbers,
    metavar="NUMBERS",
    group=WHAT,
    help="Fetch only these files, by their numbers in --list: 1,3-5,8-",
)
@option(
    "--match",
    "globs",
    multiple=True,
    metavar="GLOB",
    group=WHAT,
    help="Fetch only files whose path or name is like this, such as '*.mkv'. May be given"
    " again, and besides --select.",
)
@option(
    "--sequential",
    is_flag=True,
    group=WHAT,
    help="Fetch the pieces in order, to play a file while it comes.",
)
@option(
    "--picker",
    metavar="FILE.py:CLASS",
    group=WHAT,
    help="Let a class of your own choose the pieces; its file is run as any program"
    " (docs/pickers.md).",
)
@option(
    "--stall-timeout",
    type=float,
    callback=above_zero,
    metavar="SEC",
    group=WHAT,
    help="Give up (exit code 4) after so long without a verified piece.  [default: never]",
)
@network_options
@keep_seeding_option()
@seeding_options
@output_options
def fetch(source: str, lists_files: bool, **given: Any) -> int:
    """Fetch what TORRENT, a .torrent file, describes.

    Exits when everything is here and verified, unless asked to stay and seed. Stopped by
    Ctrl-C or anything worse, the same command goes on where it was: what is here is
    checked, and only the rest is fetched.
    """
    if lists_files:
        _list_files(source, given["numbers"], given["globs"])
        return ExitCode.DONE
    with viewing(given) as view:
        metainfo = load_torrent(source)
        options = _options(metainfo, given)
        job = describe_job("fetch", source, metainfo, options)
        view.begin(job)
        return run_session(partial(Session, metainfo, options), job, view)


def _options(metainfo: Metainfo, given: dict[str, Any]) -> SessionOptions:
    settings = settings_from(given)
    settings["picker"] = _picker(given)
    return SessionOptions(
        output=given["output"],
        selected_files=select_files(metainfo.files, numbers=given["numbers"], globs=given["globs"]),
        peers=to_addresses(given["peers"]),
        trace=given["trace"],
        **settings,
    )


def _picker(given: dict[str, Any]) -> PickPolicy | None:
    if given["picker"] is None:
        return None
    if given["sequential"]:
        raise click.UsageError("--picker and --sequential are two ways to choose: give one")
    return load_picker(given["picker"])


def _list_files(source: str, numbers: str, globs: tuple[str, ...]) -> None:
    """Print the files, with the numbers that --select takes; only those selected, if any are."""
    metainfo = load_torrent(source)
    selected = select_files(metainfo.files, numbers=numbers, globs=globs)
    files = listed_files(metainfo)
    width = len(str(len(files)))
    for file in files:
        if selected is None or file.index in selected:
            size = format_size(file.entry.length)
            click.echo(f"{file.number:>{width}}  {size:>10}  {safe_text(file.path)}")
