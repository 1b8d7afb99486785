"""Ask the DHT once, without a session: what `dht ping` and `dht peers` do.

Each starts a node of its own for as long as it takes. When it is over, nothing is left
running.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

from actortorrent.actors.base import Runtime, proxy_of, stop_all
from actortorrent.actors.dht import Dht, DhtProxy
from actortorrent.actors.dht_file import default_folder
from actortorrent.actors.dht_names import NameLookups
from actortorrent.actors.dht_options import ROUTERS, DhtOptions
from actortorrent.actors.interfaces import own_address
from actortorrent.errors import NoProgressError, UsageError
from actortorrent.rules.dht_facts import PingEnded, SearchEnded
from actortorrent.rules.dht_queries import Patience
from actortorrent.wire.addresses import Address, parse_address
from actortorrent.wire.magnet import parse_info_hash

__all__ = [
    "PEERS_SECONDS",
    "PING_SECONDS",
    "PeersSearched",
    "PingEnded",
    "find_peers_once",
    "ping_once",
    "read_info_hash",
]

PING_SECONDS = 5.0
PEERS_SECONDS = 30.0
OTHER_DHT_SECONDS = 1.0  # for the second of the two DHTs, once the first has been searched
DHTS = 2
STOP_SECONDS = 2.0

T = TypeVar("T")


class PeersSearched(Struct, frozen=True):
    """Sum up a search for peers, in both DHTs together."""

    nodes_asked: int = 0
    nodes_answered: int = 0


def read_info_hash(text: str) -> bytes:
    """Read an info-hash of 40 hexadecimal digits, or 32 of base32.

    Raises:
        UsageError: if it is neither.
    """
    info_hash = parse_info_hash(text)
    if info_hash is None:
        raise UsageError(f"expected an info-hash of 40 hexadecimal digits, found {text!a}")
    return info_hash


def ping_once(
    node: str, *, bind: str | None = None, timeout_seconds: float = PING_SECONDS
) -> PingEnded:
    """Ping the node at `HOST:PORT`, and return what it answered.

    Raises:
        UsageError: if that is no address.
        NoProgressError: if it did not answer in time.
    """
    deadline = time.monotonic() + timeout_seconds
    # No longer than that is asked; and nobody else is to take us for a node.
    patience = Patience(min(1.0, timeout_seconds / 2), timeout_seconds)
    options = DhtOptions(bind=own_address(bind), routers=(), is_read_only=True, patience=patience)
    (address, *_) = _addresses_of([parse_address(node)], deadline)
    told: queue.SimpleQueue[PingEnded] = queue.SimpleQueue()
    with _running(options) as dht:
        dht.ping_node.defer(address.host, address.port, told.put)
        ended = _next(told, deadline + STOP_SECONDS)
    if ended is None or ended.node is None:
        raise NoProgressError(f"no answer from {node} in {timeout_seconds:g} s")
    return ended


def find_peers_once(
    info_hash: bytes,
    *,
    nodes: Sequence[str] = (),
    bind: str | None = None,
    timeout_seconds: float = PEERS_SECONDS,
) -> Generator[Address | PeersSearched, None, None]:
    """Look for a torrent's peers, yield each as it is found, and last what was asked.

    Args:
        info_hash: 20 bytes.
        nodes: by whom to join the DHT, as `HOST:PORT`; none: by those known from before, or
            the well-known.
        bind: our own address to ask from, or an interface's name, or None.
        timeout_seconds: when to end, if the search has not ended by itself.

    Raises:
        UsageError: if a node is no address.
        NoProgressError: if no node answers at all.
    """
    deadline = time.monotonic() + timeout_seconds
    options = _options([parse_address(node) for node in nodes], own_address(bind), deadline)
    told: queue.SimpleQueue[tuple[Address, ...] | SearchEnded] = queue.SimpleQueue()
    with _running(options) as dht:
        dht.find_peers.defer(info_hash, None, lambda peers, _: told.put(peers), told.put)
        searched = yield from _follow(told, deadline)
    if not searched.nodes_answered:
        raise NoProgressError(
            "no node of the DHT has answered", hint="name one that is there: --dht-node HOST:PORT"
        )
    yield searched


def _follow(
    told: queue.SimpleQueue[tuple[Address, ...] | SearchEnded], deadline: float
) -> Generator[Address, None, PeersSearched]:
    """Yield peers until the search has ended; return what was asked."""
    seen: set[Address] = set()
    ended: dict[str, SearchEnded] = {}
    while (news := _next(told, deadline)) is not None:
        if isinstance(news, SearchEnded):
            ended[news.kind] = news
            if any(one.answered for one in ended.values()):
                more_seconds = 0.0 if len(ended) == DHTS else OTHER_DHT_SECONDS
                deadline = min(deadline, time.monotonic() + more_seconds)
            continue
        yield from (peer for peer in news if peer not in seen)
        seen.update(news)
    asked, answered = (
        sum(getattr(one, what) for one in ended.values()) for what in ("asked", "answered")
    )
    return PeersSearched(asked, answered)


def _options(nodes: Sequence[Address], bind: str | None, deadline: float) -> DhtOptions:
    folder: Path | None = None if nodes else default_folder()
    entrances = tuple(_addresses_of(nodes, deadline)) if nodes else ()
    routers = () if nodes else ROUTERS
    return DhtOptions(bind=bind, entrances=entrances, routers=routers, folder=folder)


def _addresses_of(nodes: Sequence[Address], deadline: float) -> list[Address]:
    """Return the addresses of nodes that are given by address or name."""
    found: queue.SimpleQueue[tuple[Address, ...]] = queue.SimpleQueue()
    look_up = NameLookups(Runtime())
    for node in nodes:
        look_up(node, found.put)
    answers = [_next(found, deadline) or () for _ in nodes]
    addresses = [address for answer in answers for address in answer]
    if not addresses:
        raise NoProgressError(f"no address found for {', '.join(map(str, nodes))}")
    return addresses


def _next(told: queue.SimpleQueue[T], deadline: float) -> T | None:
    """Wait for news; None when the time is up."""
    try:
        return told.get(True, max(0.0, deadline - time.monotonic()))
    except queue.Empty:
        return None


@contextmanager
def _running(options: DhtOptions) -> Iterator[DhtProxy]:
    """Run a node while the block runs."""
    runtime = Runtime()
    dht = proxy_of(Dht.start(runtime, options, NameLookups(runtime)), DhtProxy)
    try:
        yield dht
    finally:
        stop_all([dht], STOP_SECONDS)
