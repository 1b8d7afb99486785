"""Whose trace a capture becomes: one client's view, or that of all as a merged one.

Usually a capture was made on one machine, and all connections are of one client: then the
trace is what that client would have recorded. If there is no such client, as on a loopback
where a whole swarm runs, each is a node, and each message is there as sent and as received.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from actortorrent.captures.surveying import Client, TalkSurvey, clients_of
from actortorrent.errors import UsageError
from actortorrent.tracing.header import TracedNode, TraceHeader

MAX_NODES = 256  # of a merged trace; of a larger swarm, the busiest client tells
# How peer ids begin, by BEP 20 and custom.
CLIENTS = {
    b"-AT": "actortorrent",
    b"A2-": "aria2",
    b"-AZ": "vuze",
    b"-BI": "biglybt",
    b"-DE": "deluge",
    b"-KT": "ktorrent",
    b"-LT": "libtorrent",
    b"-lt": "rtorrent",
    b"-qB": "qbittorrent",
    b"-TR": "transmission",
    b"-UM": "utorrent",
    b"-UT": "utorrent",
    b"-WW": "webtorrent",
}
PREFIX_BYTES = 3
MOST_NAMED = 8


class EndOfNode(Struct, frozen=True):
    """Say whose an end of a connection is: the node's name, nothing of a single one, and number."""

    node: str
    conn: int

    @property
    def actor(self) -> str:
        """Return the name of the connection's actor."""
        return f"{self.node}/Peer-{self.conn}" if self.node else f"Peer-{self.conn}"


class Cast(Struct, frozen=True):
    """Hold who is in a trace.

    Attributes:
        header: of the trace.
        ends: those that the trace tells of, by connection and side.
    """

    header: TraceHeader
    ends: Mapping[tuple[int, int], EndOfNode]

    @property
    def nodes(self) -> list[str]:
        """Return the names of the nodes; of a single one, no name."""
        return [node.name for node in self.header.nodes] or [""]


def cast(header: TraceHeader, talks: Sequence[TalkSurvey], us: str = "") -> Cast:
    """Decide who is in the trace of some connections.

    Args:
        header: of the trace, without a node yet.
        us: the client whose view it is to be, `HOST` or `HOST:PORT`.

    Raises:
        UsageError: if no such client takes part.
    """
    clients = clients_of(talks)
    names = _names(clients)
    chosen = _named(clients, us) if us else _hub(clients)
    if chosen is not None:
        return _one(header, clients[chosen], names[chosen])
    return _all(header, talks, clients, names)


def _hub(clients: Sequence[Client]) -> int | None:
    """Return the client that takes part in every connection, if there is just one."""
    count = len(set[int]().union(*(client.connections for client in clients)))
    shares = [len(client.connections) for client in clients]
    busiest = max(range(len(clients)), key=shares.__getitem__)
    is_hub = shares[busiest] == count and shares.count(count) == 1
    return busiest if is_hub or len(clients) > MAX_NODES else None


def _named(clients: Sequence[Client], us: str) -> int:
    """Return which client is meant: the busiest of those at an address."""
    fitting = [number for number, client in enumerate(clients) if _is_at(client, us)]
    if not fitting:
        there = ", ".join(sorted({str(client.address) for client in clients})[:MOST_NAMED])
        raise UsageError(f"no client at {us} takes part, but: {there}")
    return max(fitting, key=lambda number: len(clients[number].connections))


def _is_at(client: Client, us: str) -> bool:
    addresses = client.addresses | ({client.address} if client.address else set())
    hosts = {str(ipaddress.ip_address(address.host)) for address in addresses}
    return us.strip("[]") in hosts or us in map(str, addresses)


def _one(header: TraceHeader, client: Client, name: str) -> Cast:
    ends = {key: EndOfNode("", number) for number, key in enumerate(client.ends, 1)}
    return Cast(replace(header, node=name, peer_id=client.peer_id.hex()), ends)


def _all(
    header: TraceHeader, talks: Sequence[TalkSurvey], clients: Sequence[Client], names: list[str]
) -> Cast:
    ends = {
        key: EndOfNode(name, number)
        for client, name in zip(clients, names, strict=True)
        for number, key in enumerate(client.ends, 1)
    }
    connections = tuple(
        (first.node, first.conn, second.node, second.conn)
        for talk in talks
        for first, second in [(ends[talk.number, 0], ends[talk.number, 1])]
    )
    losses = {talk.number: sum(end.losses for end in talk.ends) for talk in talks}
    nodes = tuple(
        TracedNode(
            name=name,
            header=replace(header, node=name, peer_id=client.peer_id.hex()),
            begin_ns=0,
            clock_added_ns=0,
            has_end=True,
            lost=sum(losses[number] for number in client.connections),
        )
        for client, name in zip(clients, names, strict=True)
    )
    return Cast(replace(header, node="merged", nodes=nodes, connections=connections), ends)


def _names(clients: Sequence[Client]) -> list[str]:
    """Return a name for each client: what program it is, and which of these."""
    kinds = [CLIENTS.get(client.peer_id[:PREFIX_BYTES], "peer") for client in clients]
    so_far: Counter[str] = Counter()
    names = []
    for kind in kinds:
        so_far[kind] += 1
        names.append(f"{kind}-{so_far[kind]}")
    return names
