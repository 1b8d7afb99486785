"""`actortorrent show`: what a torrent file says."""

from __future__ import annotations

import json

import click

from actortorrent.cli.describing import describe_torrent, torrent_to_json
from actortorrent.cli.grouped import GroupedCommand, option
from actortorrent.loading import load_torrent

SHOWN = "What is shown"
EXAMPLES = (
    ("read it", "actortorrent show debian.torrent"),
    ("for a script", "actortorrent show debian.torrent --json | jq -r .info_hash"),
)


@click.command(cls=GroupedCommand, examples=EXAMPLES)
@click.argument("source", metavar="TORRENT", type=click.Path())
@option(
    "--json", "as_json", is_flag=True, group=SHOWN, help="Print one JSON object, with all files."
)
@option("--all", "all_files", is_flag=True, group=SHOWN, help="List all files, however many.")
def show(source: str, *, as_json: bool, all_files: bool) -> None:
    """Show what TORRENT, a .torrent file, says: names, sizes, trackers, pieces."""
    metainfo = load_torrent(source)
    if as_json:
        click.echo(json.dumps(torrent_to_json(metainfo), indent=2))
        return
    for line in describe_torrent(metainfo, all_files=all_files):
        click.echo(line)
