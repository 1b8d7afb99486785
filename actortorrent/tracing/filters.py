"""Which events somebody wants to see: by actor, kind, piece and peer.

An event is shown if it fits every filter that is given; of several values for one
filter, any will do.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from msgspec import Struct

from actortorrent.tracing.conn_names import conn_name
from actortorrent.tracing.events import Event

PIECE_KEYS = frozenset(["piece", "piece_index", "piece_indexes", "pieces"])
CONN_KEYS = frozenset(["conn", "conns", "contributors"])
PEER_NAME = "peer-"  # how the actor of a connection is called, but for its capital
MAX_ADDRESSES = 100_000  # connections of one trace whose addresses are remembered


class Wishes(Struct, frozen=True):
    """Say what is wanted; an empty tuple wants everything.

    Attributes:
        actors: patterns such as `Storage` or `peer-*`; a message is its sender's too.
        types: patterns for what an event is called: `actor:decision`, `decision`, `bt:*`,
            a message's type such as `wants_work`, `unchoke`, or what was decided.
        pieces: indexes of pieces that the event names.
        peers: numbers of connections, names of peers' actors, or addresses.
    """

    actors: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    pieces: tuple[int, ...] = ()
    peers: tuple[str, ...] = ()


class EventFilter:
    """Let pass what is wanted; to be shown all events of a trace in their order.

    It remembers which connection led to which address.
    """

    def __init__(self, wishes: Wishes) -> None:
        self._actors = tuple(pattern.lower() for pattern in wishes.actors)
        self._types = tuple(pattern.lower() for pattern in wishes.types)
        self._pieces = frozenset(wishes.pieces)
        self._peers = frozenset(map(_peer_wished, wishes.peers))
        self._address_of: dict[str, str] = {}

    def wants(self, event: Event) -> bool:
        """Say whether the event fits."""
        self._learn_address(event)
        return (
            (not self._actors or any(_fits(actor, self._actors) for actor in _called(event)))
            and (not self._types or any(_fits(name, self._types) for name in types_of(event)))
            and (not self._pieces or not self._pieces.isdisjoint(pieces_of(event)))
            and (not self._peers or self._is_of_peers(event))
        )

    def _learn_address(self, event: Event) -> None:
        conn, address = event.data.get("conn"), event.data.get("address")
        known = self._address_of
        if isinstance(conn, int) and isinstance(address, str) and len(known) < MAX_ADDRESSES:
            known[_node_of(event) + _peer_of(conn)] = address.lower()

    def _is_of_peers(self, event: Event) -> bool:
        return any(
            named in self._peers or self._address_of.get(named) in self._peers
            for named in peers_of(event)
        )


def actors_of(event: Event) -> set[str]:
    """Return the actors that an event is about: of a message, sender and receiver."""
    ends = (event.data.get("from"), event.data.get("to"))
    return {event.actor, *(end for end in ends if isinstance(end, str))}


def types_of(event: Event) -> set[str]:
    """Return all that an event is called."""
    kinds = (event.data.get("type"), event.data.get("what"))
    names = {event.name, event.name.partition(":")[2]}
    return names | {kind for kind in kinds if isinstance(kind, str)}


def pieces_of(event: Event) -> set[int]:
    """Return the pieces that an event names."""
    pieces = set(_numbers_under(PIECE_KEYS, event.data))
    if event.data.get("what") == "pick_piece":
        pieces.update(picked_pieces(event))
    return pieces


def picked_pieces(event: Event) -> list[int]:
    """Return the pieces that a decision `pick_piece` is about: one, or a row of small ones."""
    row = event.data.get("pieces")
    return list(_numbers(row if isinstance(row, list) else event.data.get("chosen")))


def peers_of(event: Event) -> set[str]:
    """Return the peers that an event names: `peer-3`, and every text it has, in small letters."""
    named = {_peer_of(conn) for conn in _numbers_under(CONN_KEYS, event.data)}
    named.update(actor.lower() for actor in _called(event))
    named.update(_texts(event.data))
    node = _node_of(event)
    if node:  # its connections have numbers of its own
        named.update([f"{node}{name}" for name in named if name.startswith(PEER_NAME)])
    return named


def _called(event: Event) -> set[str]:
    """Return the names of an event's actors, in a merged trace also without their node."""
    names = actors_of(event)
    return names | {name.rpartition("/")[2] for name in names}


def _node_of(event: Event) -> str:
    """Return `node/` of an event in a merged trace, nothing in another."""
    node, slash, _ = event.actor.rpartition("/")
    return (node + slash).lower()


def _peer_of(conn: int) -> str:
    return conn_name(conn).lower()


def _peer_wished(peer: str) -> str:
    """Read what a user calls a peer: `3`, `Peer-3`, `node/3` or `10.0.0.1:6881`."""
    node, slash, peer = peer.lower().rpartition("/")
    is_number = peer.isascii() and peer.isdigit()
    return node + slash + (PEER_NAME + peer if is_number else peer)


def _fits(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name.lower(), pattern) for pattern in patterns)


def _numbers_under(keys: frozenset[str], data: Any) -> Iterator[int]:
    """Yield the numbers that stand, at any depth, under one of the keys."""
    if isinstance(data, dict):
        for key, value in data.items():
            if key in keys:
                yield from _numbers(value)
            else:
                yield from _numbers_under(keys, value)
    elif isinstance(data, list):
        for value in data:
            yield from _numbers_under(keys, value)


def _numbers(value: Any) -> Iterator[int]:
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, int):
            yield item


def _texts(data: Any) -> Iterator[str]:
    """Yield every text, at any depth, in small letters."""
    if isinstance(data, dict):
        data = list(data.values())
    if isinstance(data, list):
        for value in data:
            yield from _texts(value)
    elif isinstance(data, str):
        yield data.lower()
