"""`actortorrent announce`: ask a torrent's trackers for peers, once."""

from __future__ import annotations

from typing import Any

import click

from actortorrent.cli.asking import SHOWN, asking_options, tell_answers
from actortorrent.cli.grouped import GroupedCommand, option
from actortorrent.cli.options import MAX_PORT
from actortorrent.cli.text import format_duration, plural
from actortorrent.loading import load_torrent
from actortorrent.trackers import (
    DEFAULT_PORT,
    AnnounceEvent,
    AnnounceReply,
    Reply,
    announce_once,
)

WHAT = "What to tell"
MAX_PEERS_SHOWN = 10  # of each tracker; --all and --json show every one
EXAMPLES = (
    ("which trackers answer, and whom they name", "actortorrent announce debian.torrent"),
    (
        "ask one tracker, for a script",
        "actortorrent announce a.torrent --tracker udp://tracker.example:6969 --json",
    ),
)


@click.command(cls=GroupedCommand, examples=EXAMPLES)
@click.argument("source", metavar="TORRENT", type=click.Path())
@asking_options
@option("--all", "shows_all", is_flag=True, group=SHOWN, help="List every peer, not the first ten.")
@option(
    "--event",
    type=click.Choice([str(event) for event in AnnounceEvent]),
    group=WHAT,
    help="Announce just this.  [default: started, and stopped when all is done]",
)
@option(
    "--port",
    type=click.IntRange(1, MAX_PORT),
    default=DEFAULT_PORT,
    show_default=True,
    metavar="N",
    group=WHAT,
    help="Say that we listen here.",
)
def announce(
    source: str, *, as_json: bool, shows_all: bool, event: str | None, **given: Any
) -> int:
    """Ask the trackers of TORRENT for peers, once, as one who has nothing of it yet.

    Prints what each answers: its count of seeders and leechers, when it wants to be asked
    again, and the peers it names. Exit code 5 if none of them serves us. Of a tracker's URL
    only the host is shown: the rest may hold a passkey.
    """
    chosen = None if event is None else AnnounceEvent[event.upper()]
    answers = announce_once(load_torrent(source), event=chosen, **given)
    limit = None if shows_all else MAX_PEERS_SHOWN
    return tell_answers(
        answers, as_json=as_json, describe=lambda reply: _describe(reply, limit), figures=_figures
    )


def _describe(reply: Reply, limit: int | None) -> list[str]:
    assert isinstance(reply, AnnounceReply)
    seeders, leechers = (
        "? " + noun + "s" if count is None else plural(count, noun)
        for count, noun in ((reply.seeders, "seeder"), (reply.leechers, "leecher"))
    )
    again = f"again in {format_duration(reply.interval_seconds)}"
    lines = [f"{seeders}, {leechers}; {plural(len(reply.peers), 'peer')} named; {again}"]
    if reply.warning:
        lines.append(f"it warns: {reply.warning}")
    if reply.external_host is not None:
        lines.append(f"it sees us at {reply.external_host}")
    lines.extend(str(peer) for peer in reply.peers[:limit])
    if limit is not None and len(reply.peers) > limit:
        lines.append(f"... and {len(reply.peers) - limit} more (--all lists them)")
    return lines


def _figures(reply: Reply) -> dict[str, object]:
    assert isinstance(reply, AnnounceReply)
    return {
        "seeders": reply.seeders,
        "leechers": reply.leechers,
        "interval_seconds": reply.interval_seconds,
        "min_interval_seconds": reply.min_interval_seconds,
        "warning": reply.warning,
        "external_host": reply.external_host,
        "peers": [str(peer) for peer in reply.peers],
    }
