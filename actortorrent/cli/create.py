"""`actortorrent create`: make a torrent of a file or folder."""

from __future__ import annotations

import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from actortorrent import create_torrent
from actortorrent.cli.arguments import PROGRESS_KINDS
from actortorrent.cli.describing import format_piece_length, torrent_to_json
from actortorrent.cli.failures import describe_failure
from actortorrent.cli.grouped import GroupedCommand, option
from actortorrent.cli.hashing_view import print_event, showing_hashing
from actortorrent.cli.text import format_size, parse_size, plural, safe_text
from actortorrent.creating import names_that_change
from actortorrent.errors import ActorTorrentError

if TYPE_CHECKING:
    from actortorrent import Metainfo

WRITTEN = "What is written"
SHOWN = "What is shown"
MAX_TOLD_NAMES = 5
LABEL_WIDTH = 10
EXAMPLES = (
    (
        "make debian.iso.torrent of it",
        "actortorrent create debian.iso -a http://t.example/announce",
    ),
    (
        "two trackers, for peers of these trackers alone",
        "actortorrent create photos -a http://a.example/x -a udp://b.example:6969 --private",
    ),
    ("the same bytes each time", "actortorrent create photos --no-date -o photos.torrent"),
)


def _read_piece_length(ctx: click.Context, param: click.Parameter, value: str) -> int | None:
    """Return bytes, which people write as `256K`; None for `auto`."""
    try:
        return None if value.lower() == "auto" else parse_size(value)
    except ValueError as error:
        raise click.BadParameter(safe_text(str(error)), ctx=ctx, param=param) from None


@click.command(cls=GroupedCommand, examples=EXAMPLES)
@click.argument("path", type=click.Path(path_type=Path))
@option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    group=WRITTEN,
    help="Write the torrent to FILE.  [default: NAME.torrent in the current folder]",
)
@option("--force", is_flag=True, group=WRITTEN, help="Replace FILE if it exists.")
@option(
    "-a",
    "--tracker",
    "trackers",
    multiple=True,
    metavar="URL",
    group=WRITTEN,
    help="Announce to this tracker. Given again, the next is asked when those before fail.",
)
@option(
    "--web-seed",
    "web_seeds",
    multiple=True,
    metavar="URL",
    group=WRITTEN,
    help="Name an http(s) address that serves the same content. May be given again.",
)
@option(
    "--private",
    "is_private",
    is_flag=True,
    group=WRITTEN,
    help="Have clients take peers from these trackers alone.",
)
@option("--comment", default="", metavar="TEXT", group=WRITTEN, help="Add a comment.")
@option(
    "--piece-length",
    callback=_read_piece_length,
    default="auto",
    show_default=True,
    metavar="SIZE",
    group=WRITTEN,
    help="Cut the content into pieces of so many bytes, a power of two from 16K to 64M;"
    " auto: for 1,000 to 2,000 pieces, but 16M at most.",
)
@option(
    "--no-date",
    is_flag=True,
    group=WRITTEN,
    help="Leave the date out: the same content makes the same bytes.",
)
@option(
    "--progress",
    "progress_kind",
    type=click.Choice(PROGRESS_KINDS),
    default="auto",
    show_default=True,
    group=SHOWN,
    help="A live bar, plain lines, one JSON object a line, or nothing;"
    " auto: a bar on a terminal, else lines.",
)
@option("-q", "--quiet", is_flag=True, group=SHOWN, help="Show nothing but errors.")
def create(path: Path, *, output: Path | None, **given: Any) -> None:
    """Make a torrent of PATH, a file or a folder.

    All files of the folder are taken, hidden ones too, in the order of their names. What
    cannot be in a torrent, such as a symbolic link, is an error: nothing is left out silently.
    """
    target = output or Path(f"{path.resolve().name}.torrent")
    try:
        metainfo = _create(path, target, given)
    except ActorTorrentError as error:
        if given["progress_kind"] == "json":
            _print_error(error)
        raise
    _tell(metainfo, target, path, given)


def _create(path: Path, target: Path, given: dict[str, Any]) -> Metainfo:
    with showing_hashing(given["progress_kind"], is_quiet=given["quiet"]) as on_progress:
        return create_torrent(
            path,
            output=target,
            overwrite=given["force"],
            trackers=given["trackers"],
            web_seeds=given["web_seeds"],
            is_private=given["is_private"],
            comment=given["comment"],
            piece_length=given["piece_length"],
            creation_date=None if given["no_date"] else int(time.time()),
            on_progress=on_progress,
        )


def _print_error(error: ActorTorrentError) -> None:
    failure = describe_failure(error)
    print_event(
        "error",
        {
            "exit_code": int(failure.exit_code),
            "message": failure.message,
            "hint": failure.hint,
        },
    )


def _tell(metainfo: Metainfo, target: Path, path: Path, given: dict[str, Any]) -> None:
    """Tell what was made."""
    if given["progress_kind"] == "json":
        about = torrent_to_json(metainfo)
        del about["files"]
        print_event("done", {"torrent": str(target.absolute()), **about})
    elif not given["quiet"]:
        _tell_changed_names(metainfo)
        _tell_people(metainfo, target, path)


def _tell_people(metainfo: Metainfo, target: Path, path: Path) -> None:
    pieces = (
        f"{plural(metainfo.piece_count, 'piece')} of {format_piece_length(metainfo.piece_length)}"
    )
    files = plural(len(metainfo.files), "file")
    seed = shlex.join(["actortorrent", "seed", str(path), str(target)])
    facts = [
        ("created", str(target)),
        ("content", f"{metainfo.name}: {format_size(metainfo.total_length)} in {files}, {pieces}"),
        ("info-hash", metainfo.info_hash_hex),
        ("next", f"{seed} serves it to others"),
    ]
    if not metainfo.tracker_tiers:
        how = "need --peer to find each other" if metainfo.is_private else "meet in the DHT"
        facts.insert(3, ("trackers", f"none: peers {how}"))
    for label, text in facts:
        click.echo(click.style(f"{label:<{LABEL_WIDTH}}", bold=True) + safe_text(text))


def _tell_changed_names(metainfo: Metainfo) -> None:
    """Name files that others will have under another name, because theirs is not safe everywhere."""
    changed = names_that_change(metainfo)
    for original, path in changed[:MAX_TOLD_NAMES]:
        click.echo(f"note: fetched, {safe_text(original)} becomes {safe_text(path)}", err=True)
    left_out = len(changed) - MAX_TOLD_NAMES
    if left_out > 0:
        click.echo(f"note: so do {plural(left_out, 'name')} more", err=True)
