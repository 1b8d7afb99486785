"""Which connections in traces of several peers are the two ends of one, message by message.

Two ends belong together by the addresses of their sockets, which each sees the other way
round; where a trace lacks these (version 1, a NAT between, addresses replaced), by the
peer ids of the handshakes and by who dialled, in their order. Either way the streams
must agree: no offset may hold two different messages.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

from msgspec import Struct, field

from actortorrent.tracing.connections import (
    SUMMED_TYPES,
    Connection,
    Connections,
    WireMessage,
)

Messages: TypeAlias = Mapping[int, WireMessage]  # by offset


class End(Struct, frozen=True):
    """Name one end of a connection: whose trace, by its index, and the connection there."""

    node: int
    connection: Connection


class Match(NamedTuple):
    """Hold one message as both ends have it, and whose traces these are, by their index."""

    sender: int
    receiver: int
    sent: WireMessage
    received: WireMessage


class Pair(Struct):
    """Hold the two ends of a connection, and what went over it.

    Attributes:
        matched: messages that both ends have, both ways.
        never_arrived: sent, and not in the receiver's trace: still on its way when the
            connection or a trace ended.
        from_nowhere: received, and not in the sender's trace, which must have lost them.
        summed: how many are one by one in one trace, and only counted in the other.
    """

    ends: tuple[End, End]
    matched: list[Match] = field(default_factory=list)
    never_arrived: list[WireMessage] = field(default_factory=list)
    from_nowhere: list[WireMessage] = field(default_factory=list)
    summed: int = 0


def pair_connections(nodes: Sequence[Connections]) -> list[Pair]:
    """Find all connections of which both ends are traced."""
    ends = [End(index, one) for index, node in enumerate(nodes) for one in node]
    found: list[tuple[End, End]] = []
    taken: set[int] = set()
    for key in (_by_addresses, _by_peer_ids):
        waiting: defaultdict[tuple[str, ...], list[End]] = defaultdict(list)
        for end in ends:
            if id(end.connection) in taken:
                continue
            own, others = key(end.connection)
            if not own:
                continue
            other = next((one for one in waiting[others] if _fit(end, one)), None)
            if other is None:
                waiting[own].append(end)
                continue
            waiting[others].remove(other)
            taken |= {id(end.connection), id(other.connection)}
            found.append((other, end))
    return [_paired(first, second) for first, second in found]


def _by_addresses(one: Connection) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what this end is known by, and what its other end is; nothing if unknown."""
    if not one.local or not one.remote:
        return (), ()
    return (one.local, one.remote), (one.remote, one.local)


def _by_peer_ids(one: Connection) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if not one.our_id or not one.peer_id or one.we_dialled is None:
        return (), ()
    sides = ("dialled", "accepted") if one.we_dialled else ("accepted", "dialled")
    return (one.our_id, one.peer_id, sides[0]), (one.peer_id, one.our_id, sides[1])


def _fit(first: End, second: End) -> bool:
    one, other = first.connection, second.connection
    if first.node == second.node:
        return False
    if one.we_dialled is not None and one.we_dialled == other.we_dialled:
        return False
    ids = ((one.our_id, other.peer_id), (other.our_id, one.peer_id))
    if any(ours and theirs and ours != theirs for ours, theirs in ids):
        return False
    return _agree(one.sent, other.received) and _agree(other.sent, one.received)


def _agree(sent: Messages, received: Messages) -> bool:
    return all(
        (there.length, there.kind) == (message.length, message.kind)
        for offset, message in received.items()
        if (there := sent.get(offset)) is not None
    )


def _paired(first: End, second: End) -> Pair:
    pair = Pair((first, second))
    for sender, receiver in ((first, second), (second, first)):
        sent, received = sender.connection.sent, receiver.connection.received
        pair.matched += [
            Match(sender.node, receiver.node, message, received[offset])
            for offset, message in sent.items()
            if offset in received
        ]
        _keep_lone(pair, sent, received, pair.never_arrived)
        _keep_lone(pair, received, sent, pair.from_nowhere)
    return pair


def _keep_lone(
    pair: Pair, messages: Messages, elsewhere: Messages, kept: list[WireMessage]
) -> None:
    """Keep the messages that only one end has, but for those that the other sums up."""
    has_sums = not any(message.kind in SUMMED_TYPES for message in elsewhere.values())
    for offset, message in messages.items():
        if offset in elsewhere:
            continue
        if has_sums and message.kind in SUMMED_TYPES:
            pair.summed += 1
        else:
            kept.append(message)
