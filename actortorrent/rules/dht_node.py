"""A node of the DHT without a socket or a clock: messages in, messages and facts out (BEP 5).

It brings together the routing table, the lookups, what others announced to us and the talk
with them. There is one for IPv4 and, where we have IPv6, one for that: the two DHTs know
nothing of each other but what their nodes are asked to tell (BEP 32).
"""

from __future__ import annotations

import random
from collections.abc import Iterable

from msgspec import Struct, field

from actortorrent.rules.dht_answers import Answers
from actortorrent.rules.dht_facts import (
    DhtStatus,
    Fact,
    IdChanged,
    OwnAddressAgreed,
    PeersFound,
    PingEnded,
)
from actortorrent.rules.dht_ids import is_fitting, make_node_id
from actortorrent.rules.dht_limits import QueryLimits, Rates
from actortorrent.rules.dht_lookups import Lookups
from actortorrent.rules.dht_peers import MAX_PEERS_OF_ONE, PeerStore
from actortorrent.rules.dht_queries import OpenQuery, Patience, Purpose
from actortorrent.rules.dht_searches import Search, Searches
from actortorrent.rules.dht_table import BUCKET_SIZE, RoutingTable
from actortorrent.rules.dht_talk import Outgoing, Talk
from actortorrent.rules.dht_tokens import ROTATION_SECONDS, SECRET_BYTES, TokenMint
from actortorrent.rules.networks import is_local, is_unicast, network_of
from actortorrent.rules.own_address import AddressVotes, is_plausible
from actortorrent.wire.addresses import Address
from actortorrent.wire.dht_nodes import NodeId, NodeInfo
from actortorrent.wire.krpc import IPV4_NODES, IPV6_NODES, Answer, Message, Ping, Refusal

MAINTENANCE_SECONDS = 20.0
ID_SECONDS = 10 * 60.0  # that an id is kept, whatever others say of our address
CHECKS = 4  # contacts that are asked, at each maintenance, whether they are there


class NodeOptions(Struct, frozen=True):
    """Say how a node is to behave."""

    is_ipv6: bool = False
    is_read_only: bool = False
    patience: Patience = field(default_factory=Patience)
    rates: Rates = field(default_factory=Rates)

    @property
    def kind(self) -> str:
        """Return `n4` or `n6`, as BEP 32 calls them."""
        return IPV6_NODES if self.is_ipv6 else IPV4_NODES


class DhtNode:
    """Be one node.

    Args:
        node_id: ours, at first.
        tables: of both DHTs, by kind; this node adds its own.
        rng: dice that nobody can guess.
    """

    def __init__(
        self,
        node_id: NodeId,
        options: NodeOptions,
        tables: dict[str, RoutingTable],
        rng: random.Random,
        now: float,
    ) -> None:
        self.options = options
        self.table = tables[options.kind] = RoutingTable(node_id, now)
        self.sibling: DhtNode | None = None  # in the other DHT
        self._rng = rng
        self._store = PeerStore()
        self._searches = Searches()
        self._mint = TokenMint(rng.randbytes(SECRET_BYTES))
        self._facts: list[Fact] = []
        answers = Answers(options.kind, tables, self._store, self._mint, rng)
        self._talk = Talk(answers, rng, options.patience, is_read_only=options.is_read_only)
        self._lookups = Lookups(self.table, self._talk, self._facts, rng, is_ipv6=options.is_ipv6)
        self._limits = QueryLimits(options.rates, now)
        self._votes = AddressVotes()
        self._may_change_id_at = now
        self._maintain_at = now + MAINTENANCE_SECONDS
        self._rotate_at = now + ROTATION_SECONDS

    # --- what comes of it -----------------------------------------------------------------------

    def take_outgoing(self) -> list[Outgoing]:
        """Return what is to be sent, and forget it."""
        return self._talk.take_outgoing()

    def take_facts(self) -> list[Fact]:
        """Return what was found out, and forget it."""
        facts = self._facts[:]
        self._facts.clear()
        return facts

    @property
    def next_at(self) -> float:
        """Return when `tick` is to be called next."""
        times = [self._maintain_at, self._talk.book.next_at]
        if self._lookups.has_room:
            times.append(self._searches.next_at)
        return min(time for time in times if time is not None)

    def status(self, port: int, now: float) -> DhtStatus:
        """Return how it stands."""
        return DhtStatus(
            kind="IPv6" if self.options.is_ipv6 else "IPv4",
            node_id=self.table.own_id,
            port=port,
            nodes=len(self.table),
            good=self.table.good_count(now),
            searches=len(self._searches),
            stored_peers=len(self._store),
        )

    # --- commands -------------------------------------------------------------------------------

    def enter(self, entrances: Iterable[Address], known: Iterable[NodeInfo], now: float) -> None:
        """Join the DHT by these addresses and nodes: find the nodes around us."""
        usable = (one for one in entrances if one.is_ipv6 == self.options.is_ipv6)
        self._lookups.entrances = tuple(usable)
        self._lookups.known = tuple(known)
        self.bootstrap(now)

    def bootstrap(self, now: float) -> None:
        """Find the nodes around us, of both DHTs where the other one lacks nodes."""
        other = self.sibling
        wants_both = other is not None and len(other.table) < BUCKET_SIZE
        self._lookups.bootstrap((IPV4_NODES, IPV6_NODES) if wants_both else (), now)
        self._searches.wake_waiting(now)
        self._begin_searches(now)

    def ping(self, address: Address, number: int, now: float) -> None:
        """Ask whether a node is there; `PingEnded` of this number tells."""
        query = Ping(self.table.own_id)
        if self._talk.ask(address, query, Purpose.PING, now, number=number) is None:
            self._facts.append(PingEnded(number))

    def add_node(self, address: Address, now: float) -> None:
        """Take an address of which we were told that a node is there, if it answers."""
        if is_unicast(address.host) and not self._talk.book.is_waiting_for(address):
            self._talk.ask(address, Ping(self.table.own_id), Purpose.CHECK, now)

    def find_peers(self, info_hash: NodeId, port: int | None, now: float) -> None:
        """Look for peers, now and again; `port`: announce ours there, or None."""
        self._searches.add(info_hash, port, now)
        self._begin_searches(now)

    def find_more(self, info_hash: NodeId, now: float) -> None:
        """Look for peers again soon."""
        search = self._searches.get(info_hash)
        if search is not None:
            search.hasten(now)
            self._begin_searches(now)

    def stop_finding(self, info_hash: NodeId) -> None:
        """Look for these peers no more."""
        search = self._searches.get(info_hash)
        if search is not None:
            self._lookups.drop(search)
            self._searches.remove(info_hash)

    # --- what comes in --------------------------------------------------------------------------

    def takes_on(self, address: Address, now: float) -> bool:
        """Say whether to read a datagram, within limits."""
        is_awaited = self._talk.book.is_waiting_for(address)
        return self._limits.allows(address, now, is_awaited=is_awaited)

    def refuse(self, transaction: bytes, byte_count: int, asker: Address, now: float) -> None:
        """Refuse a query that could not be read."""
        self._talk.credits.received(asker, byte_count)
        self._talk.refuse(transaction, asker, now)

    def receive(self, message: Message, byte_count: int, address: Address, now: float) -> None:
        """Take a message."""
        self._talk.credits.received(address, byte_count)
        body = message.body
        if not isinstance(body, Answer | Refusal):
            self._take_query(message, NodeInfo(body.sender, address), now)
            return
        query = self._talk.book.close(message.transaction, address)
        if query is None:
            return
        self._talk.hears_us(address, self.table.own_id, now)
        if isinstance(body, Answer):
            self._take_answer(query, body, message, now)
        else:
            self._fail(query, now)
        self._begin_searches(now)

    def _take_query(self, message: Message, asker: NodeInfo, now: float) -> None:
        """Answer, and get to know who asked if there is a place for it and it can be asked."""
        address, own_id = asker.address, self.table.own_id
        if self.options.is_read_only:
            return
        is_wanted = not message.is_read_only and self.table.would_take(asker)
        self._talk.serve(message, address, own_id, now, is_wanted=is_wanted)
        if not message.is_read_only:
            self.table.note_query(asker, now)
        if is_wanted and self._talk.may_ping(address, now):
            self._talk.ping_stranger(address, own_id, Purpose.CHECK, now)

    def _take_answer(self, query: OpenQuery, answer: Answer, message: Message, now: float) -> None:
        info = NodeInfo(answer.sender, query.address)
        was_alone = not len(self.table)
        if self.table.note_answer(info, now) and was_alone:
            self._searches.wake_waiting(now)
        if message.seen_as is not None:
            self._take_vote(query.address.host, message.seen_as.host, now)
        if query.purpose is Purpose.LOOKUP:
            self._lookups.answered(query, answer, now)
            self._tell_sibling(answer, now)
        elif query.purpose is Purpose.PING:
            seconds = now - query.sent_at
            self._facts.append(
                PingEnded(query.number, info, seconds, message.version, message.seen_as)
            )

    def _tell_sibling(self, answer: Answer, now: float) -> None:
        """Let the other DHT have nodes of its kind, while it has few (BEP 32)."""
        other = self.sibling
        named = answer.nodes if self.options.is_ipv6 else answer.nodes6
        if other is None or not named or len(other.table) >= BUCKET_SIZE:
            return
        for info in named[:BUCKET_SIZE]:
            if not is_local(info.address.host) and other.table.would_take(info):
                other.add_node(info.address, now)

    def we_are_at(self, host: str, now: float) -> None:
        """Believe who says what our address is, for as long as no other nodes agree on one."""
        if self._votes.agreed in (None, host):
            self._fit_id(host, now)

    def _take_vote(self, voter_host: str, told_host: str, now: float) -> None:
        """Count what a node says that our address is (BEP 42)."""
        is_of_this_kind = (":" in told_host) == self.options.is_ipv6
        if not is_of_this_kind or not is_plausible(told_host, voter_host):
            return
        if self._votes.vote(network_of(voter_host), told_host):
            self._facts.append(OwnAddressAgreed(told_host))
        if self._votes.agreed is not None:
            self._fit_id(self._votes.agreed, now)

    def _fit_id(self, host: str, now: float) -> None:
        """Take an id that fits our address, if ours does not."""
        if not is_fitting(self.table.own_id, host) and now >= self._may_change_id_at:
            self._may_change_id_at = now + ID_SECONDS
            self.table.change_own_id(make_node_id(host, self._rng), now)
            self._facts.append(IdChanged(self.table.own_id, host))
            self.bootstrap(now)

    def _fail(self, query: OpenQuery, now: float) -> None:
        if query.purpose is Purpose.LOOKUP:
            self._lookups.failed(query, now)
        elif query.purpose is Purpose.PING:
            self._facts.append(PingEnded(query.number))

    # --- what time brings -------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Do what is due by now."""
        for query in self._talk.book.grown_slow(now):
            if query.purpose is Purpose.LOOKUP:
                self._lookups.slow(query, now)
            elif query.purpose is Purpose.PROBE:
                self._talk.gives_up_probe(query.address, now)
        for query in self._talk.book.lost(now):
            self.table.note_failure(query.address)
            self._fail(query, now)
        if now >= self._maintain_at:
            self._maintain(now)
        self._begin_searches(now)

    def _begin_searches(self, now: float) -> None:
        for search in self._searches.due(now):
            if self._lookups.has_room:
                self._search(search, now)

    def _search(self, search: Search, now: float) -> None:
        """Look for peers: among those announced to ourselves, then among the nodes."""
        search.begin(now)
        own = search.news(self._store.some(search.info_hash, MAX_PEERS_OF_ONE, now, self._rng))
        if own:
            self._facts.append(PeersFound(search.info_hash.packed, own))
        self._lookups.search(search, now)

    def _maintain(self, now: float) -> None:
        """Forget what has expired; see whether contacts are there; refresh a stale bucket."""
        self._maintain_at = now + MAINTENANCE_SECONDS
        if now >= self._rotate_at:
            self._rotate_at = now + ROTATION_SECONDS
            self._mint.rotate(self._rng.randbytes(SECRET_BYTES))
        self._store.expire(now)
        for info in self.table.to_check(now, CHECKS):
            self._check(info, now)
        target = self.table.to_refresh(now, self._rng)
        if target is not None and len(self.table):
            self._lookups.refresh([target], now)

    def _check(self, info: NodeInfo, now: float) -> None:
        if not self._talk.book.is_waiting_for(info.address):
            query = Ping(self.table.own_id)
            self._talk.ask(info.address, query, Purpose.CHECK, now, node_id=info.node_id)
