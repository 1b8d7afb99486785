"""The options that several commands share, each declared once."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from actortorrent import Encryption
from actortorrent.cli.arguments import PROGRESS_KINDS
from actortorrent.cli.grouped import option
from actortorrent.cli.text import parse_size, safe_text
from actortorrent.errors import UsageError
from actortorrent.options import DEFAULT_MAX_PEERS

if TYPE_CHECKING:
    from actortorrent import Proxy

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
Decorator = Callable[[Decorated], Decorated]

NETWORK = "Network"
SEEDING = "When complete"
OUTPUT = "What is shown"
MAX_PORT = 65_535
MAX_PEERS = 1000
TRACE_LEVELS = ("piece", "block", "payload")


def network_options(command: Decorated) -> Decorated:
    """Add the options of everything that talks to peers."""
    for add in reversed(_NETWORK_OPTIONS):
        command = add(command)
    return command


def seeding_options(command: Decorated) -> Decorated:
    """Add the options that say for how long complete content is served."""
    for add in reversed(_SEEDING_OPTIONS):
        command = add(command)
    return command


def keep_seeding_option(*, hidden: bool = False) -> Decorator[Any]:
    """Return --keep-seeding, which `seed` does anyway."""
    return option(
        "--keep-seeding",
        is_flag=True,
        hidden=hidden,
        group=SEEDING,
        help="Stay and serve others until interrupted.",
    )


def output_options(command: Decorated) -> Decorated:
    """Add the options that say what is shown, and what is written to a trace."""
    for add in reversed(_OUTPUT_OPTIONS):
        command = add(command)
    return command


def above_zero(ctx: click.Context, param: click.Parameter, value: float | None) -> float | None:
    """Return a number if it is above 0, which the help need not say."""
    if value is not None and not 0 < value < math.inf:
        raise click.BadParameter(f"expected a number above 0, found {value:g}", ctx, param)
    return value


def _remember_verbose(ctx: click.Context, _param: click.Parameter, value: bool) -> bool:
    if value and ctx.obj is not None:
        ctx.obj.is_verbose = True
    return value


def _read_rate(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """Return bytes a second, which people write as `500K` or `2M`."""
    try:
        return None if value is None else parse_size(value)
    except ValueError as error:
        hint = " (for no limit leave it out)" if value and not value.strip("0.") else ""
        raise click.BadParameter(safe_text(f"{error}{hint}"), ctx=ctx, param=param) from None


def read_proxy(ctx: click.Context, param: click.Parameter, value: str | None) -> Proxy | None:
    """Return the proxy that a URL names."""
    if value is None:
        return None
    from actortorrent import parse_proxy  # noqa: PLC0415 - rare, and start-up is to be quick

    try:
        return parse_proxy(value)
    except UsageError as error:
        raise click.BadParameter(safe_text(str(error)), ctx=ctx, param=param) from None


_NETWORK_OPTIONS: tuple[Decorator[Any], ...] = (
    option(
        "--peer",
        "peers",
        multiple=True,
        metavar="HOST:PORT",
        group=NETWORK,
        help="Dial this peer besides those that trackers name. May be given again.",
    ),
    option(
        "--port",
        type=click.IntRange(0, MAX_PORT),
        metavar="N",
        group=NETWORK,
        help="Listen on this port; 0: on any.  [default: the first free of 6881 to 6889, else any]",
    ),
    option(
        "--proxy",
        callback=read_proxy,
        metavar="URL",
        group=NETWORK,
        help="Reach peers and trackers through this proxy, and nothing around it:"
        " socks5://[USER:PASSWORD@]HOST:PORT or http://... No UDP, no looking up of names,"
        " no listening unless --port is given.",
    ),
    option(
        "--no-portmap",
        is_flag=True,
        group=NETWORK,
        help="Do not ask the router (by PCP, NAT-PMP or UPnP) to let peers in.",
    ),
    option(
        "--bind",
        metavar="ADDR|IFACE",
        group=NETWORK,
        help="Listen on this address or interface of ours, and dial from it.  [default: all]",
    ),
    option(
        "--encryption",
        type=click.Choice([one.value for one in Encryption]),
        default=Encryption.ALLOW.value,
        show_default=True,
        metavar="HOW",
        group=NETWORK,
        help="Hide from others on the line what is said with peers: allow (where they insist),"
        " prefer (with all that can), require (talk to no others), off.",
    ),
    option(
        "--max-peers",
        type=click.IntRange(1, MAX_PEERS),
        default=DEFAULT_MAX_PEERS,
        show_default=True,
        metavar="N",
        group=NETWORK,
        help="Have at most so many connections.",
    ),
    option(
        "--down",
        "download_limit",
        callback=_read_rate,
        metavar="RATE",
        group=NETWORK,
        help="Fetch at most so much a second from all peers together: 2M, 500K (K is 1024 bytes).",
    ),
    option(
        "--up",
        "upload_limit",
        callback=_read_rate,
        metavar="RATE",
        group=NETWORK,
        help="Send at most so much a second to all peers together.",
    ),
    option(
        "--upload-slots",
        type=click.IntRange(0, MAX_PEERS),
        metavar="N",
        group=NETWORK,
        help="Serve at most so many peers at once; 0: none.  [default: 4 to 8, by --up]",
    ),
    option(
        "--tracker",
        "trackers",
        multiple=True,
        metavar="URL",
        group=NETWORK,
        help="Ask this tracker, too, before those of the torrent or link. May be given again.",
    ),
    option(
        "--no-trackers",
        is_flag=True,
        group=NETWORK,
        help="Ask no tracker but those given by --tracker.",
    ),
    option(
        "--no-dht",
        is_flag=True,
        group=NETWORK,
        help="Do not look for peers in the DHT, where torrents find them without a tracker.",
    ),
    option(
        "--dht-node",
        "dht_nodes",
        multiple=True,
        metavar="HOST:PORT",
        group=NETWORK,
        help="Join the DHT by this node, not by the well-known ones. May be given again.",
    ),
    option(
        "--no-lsd",
        is_flag=True,
        group=NETWORK,
        help="Do not look for peers in our own network by multicast.",
    ),
)

_SEEDING_OPTIONS: tuple[Decorator[Any], ...] = (
    option(
        "--seed-ratio",
        type=float,
        callback=above_zero,
        metavar="R",
        group=SEEDING,
        help="Stay until R times as much was sent as was fetched.",
    ),
    option(
        "--seed-time",
        "seed_minutes",
        type=float,
        callback=above_zero,
        metavar="MIN",
        group=SEEDING,
        help="Stay for so many minutes at most.",
    ),
)

_OUTPUT_OPTIONS: tuple[Decorator[Any], ...] = (
    option(
        "--progress",
        "progress_kind",
        type=click.Choice(PROGRESS_KINDS),
        default="auto",
        show_default=True,
        group=OUTPUT,
        metavar="KIND",
        help="bar (live), lines, json (one object a line), none; auto: a bar on a terminal,"
        " else lines.",
    ),
    option("-q", "--quiet", is_flag=True, group=OUTPUT, help="Show nothing but errors."),
    option(
        "-v",
        "--verbose",
        is_flag=True,
        callback=_remember_verbose,
        group=OUTPUT,
        help="Show more: trackers, pieces; and of a bug, where it is.",
    ),
    option(
        "--trace",
        type=click.Path(dir_okay=False, writable=True, path_type=Path),
        metavar="FILE",
        group=OUTPUT,
        help="Write every message between the actors and with the peers to FILE"
        " (actortorrent trace show FILE reads it).",
    ),
    option(
        "--trace-level",
        type=click.Choice(TRACE_LEVELS),
        default="piece",
        show_default=True,
        group=OUTPUT,
        metavar="LEVEL",
        help="How fine the trace is: piece, block or payload.",
    ),
    # What the lab needs to show the same again, quickly and by name.
    option("--trace-name", default="", metavar="NAME", hidden=True, group=OUTPUT),
    option("--dice-seed", type=int, metavar="N", hidden=True, group=OUTPUT),
    option("--pace", type=float, default=1.0, callback=above_zero, hidden=True, group=OUTPUT),
)
