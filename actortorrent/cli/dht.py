"""`actortorrent dht`: ask nodes of the DHT, and look for peers there, once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

import click

from actortorrent.cli.grouped import GroupedCommand, option
from actortorrent.cli.text import plural, safe_text
from actortorrent.dht import (
    PEERS_SECONDS,
    PING_SECONDS,
    PeersSearched,
    PingEnded,
    find_peers_once,
    ping_once,
    read_info_hash,
)
from actortorrent.errors import ExitCode, NoProgressError

WHOM = "Whom to ask"
SHOWN = "What is shown"
HASH = "0123456789abcdef0123456789abcdef01234567"
PING_EXAMPLES = (("is a node there?", "actortorrent dht ping router.bittorrent.com:6881"),)
PEERS_EXAMPLES = (
    ("who has this torrent?", f"actortorrent dht peers {HASH}"),
    (
        "in a network of one's own, for a script",
        f"actortorrent dht peers {HASH} --dht-node 10.0.0.1:6881 --json",
    ),
)
Decorated = TypeVar("Decorated", bound=Callable[..., Any])

_bind = option(
    "--bind",
    metavar="ADDR|IFACE",
    group=WHOM,
    help="Ask from this address or interface of ours.  [default: any]",
)
_json = option("--json", "as_json", is_flag=True, group=SHOWN, help="Print one JSON object.")


def _timeout(default: float, what: str) -> Callable[[Decorated], Decorated]:
    return option(
        "--timeout",
        "timeout_seconds",
        type=click.FloatRange(min=0, min_open=True),
        default=default,
        show_default=True,
        metavar="SEC",
        group=WHOM,
        help=what,
    )


@click.group()
def dht() -> None:
    """Ask the DHT, in which torrents find peers without a tracker (BEP 5)."""


@dht.command(cls=GroupedCommand, examples=PING_EXAMPLES)
@click.argument("node", metavar="HOST:PORT")
@_bind
@_timeout(PING_SECONDS, "Wait so long for its answer.")
@_json
def ping(node: str, *, as_json: bool, **given: Any) -> int:
    """Ask whether a node of the DHT is at HOST:PORT.

    Prints its id, which client it says it is, and as whom it sees us. Exit code 4 if it does
    not answer.
    """
    ended = ping_once(node, **given)
    click.echo(json.dumps(_figures(ended)) if as_json else _words(ended))
    return ExitCode.DONE


@dht.command(cls=GroupedCommand, examples=PEERS_EXAMPLES)
@click.argument("info_hash", metavar="INFOHASH")
@option(
    "--dht-node",
    "nodes",
    multiple=True,
    metavar="HOST:PORT",
    group=WHOM,
    help="Join by this node, not by those known from before or the well-known ones. May be"
    " given again.",
)
@_bind
@_timeout(PEERS_SECONDS, "Look no longer than that.")
@_json
def peers(info_hash: str, *, nodes: tuple[str, ...], as_json: bool, **given: Any) -> int:
    """Look for the peers of a torrent, by its info-hash: 40 hex digits, or 32 of base32.

    Prints each peer as it is found, without becoming one of them. Exit code 4 if there are
    none, or no node answers. A private torrent must not be looked for here (BEP 27).
    """
    packed = read_info_hash(info_hash)
    found: list[str] = []
    searched = PeersSearched()
    for news in find_peers_once(packed, nodes=nodes, **given):
        if isinstance(news, PeersSearched):
            searched = news
        else:
            found.append(str(news))
            if not as_json:
                click.echo(found[-1])
    _tell_end(packed, found, searched, as_json=as_json)
    if not found:
        raise NoProgressError("no peers found in the DHT")
    return ExitCode.DONE


def _tell_end(
    info_hash: bytes, found: list[str], searched: PeersSearched, *, as_json: bool
) -> None:
    if as_json:
        told = {
            "info_hash": info_hash.hex(),
            "peers": found,
            "nodes_asked": searched.nodes_asked,
            "nodes_answered": searched.nodes_answered,
        }
        click.echo(json.dumps(told))
        return
    nodes = plural(searched.nodes_asked, "node")
    click.echo(
        f"{plural(len(found), 'peer')}; {searched.nodes_answered} of {nodes} asked answered",
        err=True,
    )


def _words(ended: PingEnded) -> str:
    assert ended.node is not None
    client = f", client {_version(ended.version)}" if ended.version else ""
    seen_as = f", sees us as {ended.seen_as}" if ended.seen_as is not None else ""
    milliseconds = ended.seconds * 1000
    return safe_text(
        f"{ended.node.address}  answered in {milliseconds:.1f} ms: node {ended.node.node_id}"
        f"{client}{seen_as}"
    )


def _figures(ended: PingEnded) -> dict[str, object]:
    assert ended.node is not None
    return {
        "node": str(ended.node.address),
        "node_id": str(ended.node.node_id),
        "seconds": round(ended.seconds, 6),
        "version": _version(ended.version),
        "seen_as": None if ended.seen_as is None else str(ended.seen_as),
    }


def _version(version: bytes) -> str:
    """Return a client's version as BEP 5 has it: two letters, and two bytes."""
    client, rest = version[:2], version[2:]
    if not version:
        return ""
    if not client.isalnum():
        return version.hex()
    number = rest.decode("ascii") if rest.isalnum() else ".".join(map(str, rest))
    return f"{client.decode('latin-1')} {number}".strip()
