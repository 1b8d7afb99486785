"""`actortorrent seed`: serve content that is already here."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import click

from actortorrent import ContentMismatchError, SessionOptions
from actortorrent.api import (
    ContentLocation,
    load_torrent,
    locate_content,
    seed_session,
    to_addresses,
)
from actortorrent.cli.arguments import check_order
from actortorrent.cli.grouped import GroupedCommand
from actortorrent.cli.options import (
    keep_seeding_option,
    network_options,
    output_options,
    seeding_options,
)
from actortorrent.cli.running import describe_job, run_session, settings_from, viewing
from actortorrent.cli.text import plural

MAX_FILES_NAMED = 10  # of those that are missing or wrong; the rest are counted
EXAMPLES = (
    ("serve what was fetched into this folder", "actortorrent seed . debian.torrent"),
    ("the content's own folder will do as well", "actortorrent seed ~/videos/show show.torrent"),
    (
        "until twice the size was sent, or an hour has passed",
        "actortorrent seed . a.torrent --seed-ratio 2 --seed-time 60",
    ),
    ("at most 500 KiB a second", "actortorrent seed . debian.torrent --up 500K"),
)


@click.command(cls=GroupedCommand, examples=EXAMPLES)
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("source", metavar="TORRENT", type=click.Path())
@network_options
@keep_seeding_option(hidden=True)
@seeding_options
@output_options
def seed(directory: Path, source: str, **given: Any) -> int:
    """Serve the content in DIR that TORRENT, a .torrent file, describes.

    DIR is the folder that holds the content, or the content's own folder or file. All of
    it is checked first; what does not match the torrent is named and not served. Nothing
    is fetched, and no file is changed. Stays until Ctrl-C, or until a limit is met.
    """
    with viewing(given) as view:
        check_order("seed DIR TORRENT", source, directory)
        metainfo = load_torrent(source)
        location = locate_content(metainfo, directory)
        _refuse_nothing(location)
        options = SessionOptions(
            output=location.output,
            peers=to_addresses(given["peers"]),
            trace=given["trace"],
            **settings_from(given),
        )
        job = describe_job("seed", source, metainfo, options, location.root)
        view.begin(job)
        for line in (location.description, *_complaints(location)):
            view.notice(line)
        return run_session(partial(seed_session, metainfo, options, location), lambda: job, view)


def _refuse_nothing(location: ContentLocation) -> None:
    """Raise ContentMismatchError if no file is there at all."""
    if len(location.missing) == location.file_count:
        raise ContentMismatchError(
            f"expected the content in {location.root}, found none of its files",
            hint="DIR is the folder that holds the content, or the content's own folder",
        )


def _complaints(location: ContentLocation) -> Iterator[str]:
    """Yield a line for each file that is not what it should be, but not for thousands."""
    for files, problem in ((location.missing, "missing"), (location.wrong_size, "of another size")):
        yield from (f"{problem}: {file}" for file in files[:MAX_FILES_NAMED])
        if len(files) > MAX_FILES_NAMED:
            yield f"{problem}: {plural(len(files) - MAX_FILES_NAMED, 'more file')}"
