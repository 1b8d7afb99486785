"""`actortorrent fetch`: fetch what a torrent describes."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click

from actortorrent import Magnet, Metainfo, Session, SessionOptions
from actortorrent.api import find_torrent, listed_files, selected_files, to_addresses
from actortorrent.cli.grouped import GroupedCommand, option
from actortorrent.cli.options import (
    NETWORK,
    above_zero,
    keep_seeding_option,
    network_options,
    output_options,
    seeding_options,
)
from actortorrent.cli.running import (
    describe_job,
    describe_link,
    run_session,
    settings_from,
    viewing,
)
from actortorrent.cli.text import format_size, safe_text
from actortorrent.cli.views.view import Job, View
from actortorrent.errors import ExitCode
from actortorrent.pickers import PickPolicy, load_picker
from actortorrent.saving import check_target, save_torrent

WHAT = "What to fetch"
EXAMPLES = (
    ("fetch into the folder you are in", "actortorrent fetch debian.torrent"),
    ("by a magnet link", "actortorrent fetch 'magnet:?xt=urn:btih:...' --save-torrent ."),
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
@click.argument("source", metavar="SOURCE", type=click.Path())
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
    "--save-torrent",
    type=click.Path(path_type=Path),
    metavar="FILE|DIR",
    group=WHAT,
    help="Write the .torrent file here, or into this folder under its own name.",
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
@option(
    "--no-web-seeds",
    is_flag=True,
    group=NETWORK,
    help="Do not fetch from the web servers that the torrent names.",
)
@keep_seeding_option()
@seeding_options
@output_options
def fetch(source: str, lists_files: bool, **given: Any) -> int:
    """Fetch what SOURCE describes: a .torrent file, its URL, a magnet link or an info-hash.

    Exits when everything is here and verified, unless asked to stay and seed. Stopped by
    Ctrl-C or anything worse, the same command goes on where it was: what is here is
    checked, and only the rest is fetched.

    With a magnet link or an info-hash (40 hexadecimal digits, or 32 characters of base32)
    the torrent itself comes from peers first.
    """
    if lists_files:
        given |= {"progress_kind": "none", "quiet": True}
    with viewing(given) as view:
        if given["save_torrent"] is not None:
            check_target(given["save_torrent"])
        found = find_torrent(source, bind=given["bind"], proxy=given["proxy"])
        fetching = Fetching(source, found, given, view, lists_files=lists_files)
        return fetching.run()


class Fetching:
    """One run of the command: what is known of the torrent, and what follows when all is.

    Args:
        source: as the user named it.
        found: the torrent, or the link that names it.
        given: values of the options.
        view: what is shown.
        lists_files: whether its files are listed, and no more.
    """

    def __init__(
        self,
        source: str,
        found: Metainfo | Magnet,
        given: dict[str, Any],
        view: View,
        *,
        lists_files: bool,
    ) -> None:
        self._source = source
        self._found = found
        self._given = given
        self._view = view
        self._lists_files = lists_files
        self._is_file = isinstance(found, Metainfo) and Path(source).exists()
        self._options = _options(given)
        self._job: Job

    def run(self) -> int:
        """Run it, and return the exit code."""
        if isinstance(self._found, Metainfo):
            options = self._settle(self._found)
            if options is None:
                return ExitCode.DONE
            make_session = partial(Session, self._found, options)
        else:
            make_session = partial(Session, self._found, self._options, settle=self._settle)
            self._job = describe_link(self._source, self._found, self._options)
        self._view.begin(self._job)
        return run_session(make_session, lambda: self._job, self._view)

    def _settle(self, metainfo: Metainfo) -> SessionOptions | None:
        """Do what can be done as soon as the torrent is known; return how to go on, if at all."""
        numbers, globs = self._given["numbers"], self._given["globs"]
        selected = selected_files(self._found, metainfo, numbers=numbers, globs=globs)
        saved = self._save(metainfo)
        if self._lists_files:
            _list_files(metainfo, selected)
            return None
        options = replace(self._options, selected_files=selected)
        self._job = describe_job(
            "fetch", saved or self._source, metainfo, options, is_file=bool(saved or self._is_file)
        )
        if isinstance(self._found, Magnet):
            self._view.learn(self._job)
        return options

    def _save(self, metainfo: Metainfo) -> str:
        """Write the .torrent file that was asked for; return where."""
        target = self._given["save_torrent"]
        return "" if target is None else str(save_torrent(metainfo, target))


def _options(given: dict[str, Any]) -> SessionOptions:
    settings = settings_from(given)
    settings["picker"] = _picker(given)
    return SessionOptions(
        output=given["output"],
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


def _list_files(metainfo: Metainfo, selected: frozenset[int] | None) -> None:
    """Print the files, with the numbers that --select takes; only those selected, if any are."""
    files = listed_files(metainfo)
    width = len(str(len(files)))
    for file in files:
        if selected is None or file.index in selected:
            size = format_size(file.entry.length)
            click.echo(f"{file.number:>{width}}  {size:>10}  {safe_text(file.path)}")
