"""The lookups that are under way: whom each asks next, and what its answers are good for."""

from __future__ import annotations

import random
from collections.abc import Iterable
from itertools import islice

from msgspec import Struct

from actortorrent.rules.dht_facts import BootstrapEnded, Fact, PeersFound, SearchEnded
from actortorrent.rules.dht_lookup import Lookup
from actortorrent.rules.dht_queries import OpenQuery, Purpose
from actortorrent.rules.dht_searches import Search
from actortorrent.rules.dht_table import BUCKET_SIZE, RoutingTable
from actortorrent.rules.dht_talk import Talk
from actortorrent.rules.networks import is_local, is_unicast
from actortorrent.wire.addresses import Address
from actortorrent.wire.dht_nodes import NodeId, NodeInfo
from actortorrent.wire.krpc import (
    IPV4_NODES,
    IPV6_NODES,
    AnnouncePeer,
    Answer,
    FindNode,
    GetPeers,
    Query,
)

MAX_LOOKUPS = 16  # at once
MAX_NAMED = 16  # nodes that are taken of one answer: more than anybody sends
MAX_REFRESHES = 2  # of these, for the routing table


class Running(Struct):
    """Hold a lookup under way.

    Attributes:
        search: whom it is for; None if for the routing table.
        want: kinds of nodes to ask for; empty for those of this DHT.
        is_bootstrap: whether it looks for the nodes around us.
    """

    lookup: Lookup
    search: Search | None = None
    want: tuple[str, ...] = ()
    is_bootstrap: bool = False


class Lookups:
    """Run the lookups of one node.

    Args:
        facts: what is found is added here.
    """

    def __init__(
        self,
        table: RoutingTable,
        talk: Talk,
        facts: list[Fact],
        rng: random.Random,
        *,
        is_ipv6: bool,
    ) -> None:
        self.entrances: tuple[Address, ...] = ()  # addresses to begin with
        self.known: tuple[NodeInfo, ...] = ()  # nodes of an earlier run
        self._table = table
        self._talk = talk
        self._facts = facts
        self._rng = rng
        self._is_ipv6 = is_ipv6
        self._running: dict[int, Running] = {}
        self._number = 0
        self._refreshes: list[NodeId] = []

    @property
    def has_room(self) -> bool:
        """Say whether another may begin."""
        return len(self._running) < MAX_LOOKUPS

    def search(self, search: Search, now: float) -> None:
        """Look for peers, for a search that has begun."""
        self._begin(Running(Lookup(search.info_hash, self._table.own_id), search), now)

    def bootstrap(self, want: tuple[str, ...], now: float) -> None:
        """Look for the nodes around us."""
        own_id = self._table.own_id
        self._begin(Running(Lookup(own_id, own_id), want=want, is_bootstrap=True), now)

    def refresh(self, targets: Iterable[NodeId], now: float) -> None:
        """Look for the nodes around some targets, a few at a time."""
        self._refreshes.extend(targets)
        while self._refreshes and self._refreshing_count() < MAX_REFRESHES and self.has_room:
            target = self._refreshes.pop(0)
            self._begin(Running(Lookup(target, self._table.own_id)), now)

    def drop(self, search: Search) -> None:
        """Look for these no more."""
        self._running = {n: one for n, one in self._running.items() if one.search is not search}

    def _refreshing_count(self) -> int:
        return sum(one.search is None for one in self._running.values())

    def _begin(self, running: Running, now: float) -> None:
        self._number += 1
        self._running[self._number] = running
        lookup = running.lookup
        lookup.add(self._table.closest(lookup.target, now))
        if len(self._table) < BUCKET_SIZE:
            lookup.add(self.known)
            lookup.add_strangers(self.entrances)
        self._go_on(self._number, now)

    # --- what comes of the queries ------------------------------------------------------------

    def answered(self, query: OpenQuery, answer: Answer, now: float) -> None:
        """Take an answer to a query of a lookup."""
        running = self._running.get(query.number)
        if running is None:
            return
        teller = query.address
        if running.lookup.answered(NodeInfo(answer.sender, teller), answer.token):
            named = (answer.nodes6 if self._is_ipv6 else answer.nodes) or ()
            usable = (one for one in named if self._may_name(teller, one.address))
            running.lookup.add(islice(usable, MAX_NAMED))
            if running.search is not None:
                self._find(running.search, teller, answer.values)
        self._go_on(query.number, now)

    def _find(self, search: Search, teller: Address, peers: Iterable[Address]) -> None:
        new = search.news(peer for peer in peers if self._may_name(teller, peer))
        if new:
            self._facts.append(PeersFound(search.info_hash.packed, new))

    def _may_name(self, teller: Address, named: Address) -> bool:
        """Say whether to go where a node points to: not from the internet into a private net."""
        is_of_kind = named.is_ipv6 == self._is_ipv6 and is_unicast(named.host)
        return is_of_kind and (is_local(teller.host) or not is_local(named.host))

    def slow(self, query: OpenQuery, now: float) -> None:
        """Ask another beside a node that takes long."""
        running = self._running.get(query.number)
        if running is not None:
            running.lookup.slow(query.address)
            self._go_on(query.number, now)

    def failed(self, query: OpenQuery, now: float) -> None:
        """Note that a node did not answer, or refused."""
        running = self._running.get(query.number)
        if running is not None:
            running.lookup.failed(query.address)
            self._go_on(query.number, now)

    # --- asking -------------------------------------------------------------------------------

    def _go_on(self, number: int, now: float) -> None:
        running = self._running[number]
        lookup = running.lookup
        while (who := lookup.next_to_ask()) is not None:
            info = who if isinstance(who, NodeInfo) else None
            address = who.address if isinstance(who, NodeInfo) else who
            asked = self._talk.ask(
                address,
                self._query(running),
                Purpose.LOOKUP,
                now,
                node_id=info.node_id if info else None,
                number=number,
                decision=_figures(number, lookup, info),
            )
            if asked is None:
                lookup.failed(address)
        if lookup.is_done:
            self._end(number, now)

    def _query(self, running: Running) -> Query:
        own_id, target = self._table.own_id, running.lookup.target
        if running.search is not None:
            return GetPeers(own_id, target, running.want)
        return FindNode(own_id, target, running.want)

    def _end(self, number: int, now: float) -> None:
        running = self._running.pop(number)
        lookup, search = running.lookup, running.search
        if search is not None:
            announced = 0 if search.port is None else self._announce(lookup, search.port, now)
            search.end(now, was_anyone_asked=bool(lookup.query_count))
            self._facts.append(
                SearchEnded(
                    search.info_hash.packed,
                    kind=IPV6_NODES if self._is_ipv6 else IPV4_NODES,
                    asked=lookup.query_count,
                    answered=lookup.answer_count,
                    peers=len(search.found),
                    announced=announced,
                )
            )
        elif running.is_bootstrap:
            self._facts.append(BootstrapEnded(len(self._table)))
            self._refreshes.extend(self._table.sparse_targets(self._rng))
        self.refresh((), now)

    def _announce(self, lookup: Lookup, port: int, now: float) -> int:
        """Tell the closest nodes, by their tokens, that we are a peer; return how many."""
        told = 0
        for info, token in lookup.closest():
            if token:
                query = AnnouncePeer(self._table.own_id, lookup.target, port, token)
                decision = {"node_id": str(info.node_id), "target": str(lookup.target)}
                told += bool(
                    self._talk.ask(
                        info.address,
                        query,
                        Purpose.ANNOUNCE,
                        now,
                        node_id=info.node_id,
                        decision=decision,
                    )
                )
        return told


def _figures(number: int, lookup: Lookup, info: NodeInfo | None) -> dict[str, object]:
    """Return what a trace says of why a node is asked."""
    figures: dict[str, object] = {
        "lookup": number,
        "asked": lookup.query_count,
        "answered": lookup.answer_count,
        "rule": "BEP 5: the closest not asked yet" if info else "an address to begin with",
    }
    if info is not None:  # what decided comes first
        bits = lookup.distance_bits(info)
        figures = {"distance_bits": bits, **figures, "node_id": str(info.node_id)}
    return figures | {"target": str(lookup.target)}
