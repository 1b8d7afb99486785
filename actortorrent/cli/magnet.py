"""`actortorrent magnet`: the magnet link of a torrent."""

from __future__ import annotations

from dataclasses import replace

import click

from actortorrent.cli.grouped import GroupedCommand, option
from actortorrent.loading import load_torrent

SAID = "What the link says"
EXAMPLES = (
    ("a link to share", "actortorrent magnet debian.torrent"),
    ("trackers' addresses may hold your passkey", "actortorrent magnet x.torrent --no-trackers"),
)


@click.command(cls=GroupedCommand, examples=EXAMPLES)
@click.argument("source", metavar="TORRENT", type=click.Path())
@option("--no-trackers", is_flag=True, group=SAID, help="Name the torrent alone, and web seeds.")
def magnet(source: str, *, no_trackers: bool) -> None:
    """Print the magnet link of TORRENT, a .torrent file: its info-hash, name and trackers."""
    metainfo = load_torrent(source)
    if no_trackers:
        metainfo = replace(metainfo, tracker_tiers=())
    click.echo(metainfo.magnet_link)
