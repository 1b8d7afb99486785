"""What we answer to others' queries, and how an answer is made to fit (BEP 5, 32, 42)."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from actortorrent.rules.dht_peers import PeerStore
from actortorrent.rules.dht_table import RoutingTable
from actortorrent.rules.dht_tokens import TokenMint
from actortorrent.wire.addresses import MAX_PORT, Address
from actortorrent.wire.dht_nodes import NodeId, NodeInfo
from actortorrent.wire.krpc import (
    IPV4_NODES,
    IPV6_NODES,
    AnnouncePeer,
    Answer,
    FindNode,
    GetPeers,
    Message,
    Query,
    Refusal,
    RefusalCode,
    UnknownQuery,
)

MAX_VALUES_SENT = {IPV4_NODES: 50, IPV6_NODES: 20}
_ROW_BYTES = {"nodes6": 38, "nodes": 26, "values": 8}  # what an answer is shortened by


class Answers:
    """Answer queries that came to one node.

    Args:
        kind: `n4` or `n6`: in which of the two DHTs it is.
        tables: by kind; also that of the other DHT, where we are in both.
    """

    def __init__(
        self,
        kind: str,
        tables: Mapping[str, RoutingTable],
        store: PeerStore,
        mint: TokenMint,
        rng: random.Random,
    ) -> None:
        self._kind = kind
        self._tables = tables
        self._store = store
        self._mint = mint
        self._rng = rng

    def answer(self, query: Query | UnknownQuery, asker: Address, now: float) -> Answer | Refusal:
        """Return what to say to a query; an announcement with a valid token is kept."""
        own_id = self._tables[self._kind].own_id
        match query:
            case FindNode():
                return self._with_nodes(Answer(own_id), query.target, query.want, now)
            case GetPeers():
                return self._with_peers(query, asker, now)
            case AnnouncePeer():
                return self._keep(query, asker, now)
            case UnknownQuery():
                return Refusal(RefusalCode.UNKNOWN_METHOD, "unknown method")
        return Answer(own_id)

    def is_proof(self, query: Query | UnknownQuery, asker: Address) -> bool:
        """Say whether a query shows that its sender hears us: by a token that we gave it."""
        return isinstance(query, AnnouncePeer) and self._mint.is_valid(
            query.token, asker.host, query.info_hash.packed
        )

    def _with_nodes(
        self, answer: Answer, target: NodeId, want: tuple[str, ...], now: float
    ) -> Answer:
        found: dict[str, tuple[NodeInfo, ...]] = {
            kind: tuple(self._tables[kind].closest(target, now, only_good=True))
            for kind in want or (self._kind,)
            if kind in self._tables
        }
        return replace(answer, nodes=found.get(IPV4_NODES), nodes6=found.get(IPV6_NODES))

    def _with_peers(self, query: GetPeers, asker: Address, now: float) -> Answer:
        most = MAX_VALUES_SENT[self._kind]
        answer = Answer(
            self._tables[self._kind].own_id,
            values=self._store.some(query.info_hash, most, now, self._rng),
            token=self._mint.token_for(asker.host, query.info_hash.packed),
        )
        return self._with_nodes(answer, query.info_hash, query.want, now)

    def _keep(self, query: AnnouncePeer, asker: Address, now: float) -> Answer | Refusal:
        if not self.is_proof(query, asker):
            return Refusal(RefusalCode.PROTOCOL, "bad token")
        port = asker.port if query.is_port_implied else query.port
        if not 0 < port <= MAX_PORT:
            return Refusal(RefusalCode.PROTOCOL, "bad port")
        if not self._store.add(query.info_hash, Address(asker.host, port), now):
            return Refusal(RefusalCode.SERVER, "no room")
        return Answer(self._tables[self._kind].own_id)


def fitted(message: Message, most_bytes: int) -> tuple[Message, bytes] | None:
    """Return an answer, shortened to so many bytes, and its datagram; None where it is too long.

    What goes first is what is least missed: our version, how we see the asker, the nodes
    farthest away, peers.
    """
    for lean in _ever_leaner(message, most_bytes):
        packet = lean.encode()
        if len(packet) <= most_bytes:
            return lean, packet
    return None


def _ever_leaner(message: Message, most_bytes: int) -> Iterator[Message]:
    yield message
    message = replace(message, version=b"")
    yield message
    message = replace(message, seen_as=None)
    yield message
    for rows, row_bytes in _ROW_BYTES.items():
        if isinstance(message.body, Answer) and getattr(message.body, rows) is not None:
            excess = len(message.encode()) - most_bytes
            kept = getattr(message.body, rows)[: -excess // row_bytes]
            changes: dict[str, Any] = {rows: kept or (() if rows == "values" else None)}
            message = replace(message, body=replace(message.body, **changes))
            yield message
