"""`actortorrent scrape`: ask a torrent's trackers how many peers it has."""

from __future__ import annotations

from typing import Any

import click

from actortorrent.cli.asking import asking_options, tell_answers
from actortorrent.cli.grouped import GroupedCommand
from actortorrent.cli.text import plural
from actortorrent.loading import load_torrent
from actortorrent.trackers import Reply, ScrapeReply, scrape_once

EXAMPLES = (
    ("is this torrent alive?", "actortorrent scrape debian.torrent"),
    ("for a script", "actortorrent scrape debian.torrent --json"),
)


@click.command(cls=GroupedCommand, examples=EXAMPLES)
@click.argument("source", metavar="TORRENT", type=click.Path())
@asking_options
def scrape(source: str, *, as_json: bool, **given: Any) -> int:
    """Ask the trackers of TORRENT how many peers it has, without becoming one of them.

    Prints what each counts: peers that have all of it, peers that fetch it, and how often
    it was fetched to the end. Exit code 5 if none of them tells.
    """
    answers = scrape_once(load_torrent(source), **given)
    return tell_answers(answers, as_json=as_json, describe=_describe, figures=_figures)


def _describe(reply: Reply) -> list[str]:
    assert isinstance(reply, ScrapeReply)
    counts = f"{plural(reply.seeders, 'seeder')}, {plural(reply.leechers, 'leecher')}"
    return [f"{counts}; fetched {plural(reply.completed, 'time')}"]


def _figures(reply: Reply) -> dict[str, object]:
    assert isinstance(reply, ScrapeReply)
    return {
        "seeders": reply.seeders,
        "leechers": reply.leechers,
        "completed": reply.completed,
    }
