"""An iterative lookup: closer and closer nodes are asked, until the closest have answered.

A candidate is in exactly one of these states::

    known -> asked -> answered
               |  ^______|           an answer may still come late
               v
             slow -> failed

`WIDTH` queries are under way at once; one that is slow no longer counts among them. The
lookup is over when the eight closest that have not failed have all answered, or nobody is
left to ask (BEP 5). Nodes whose id does not fit their address are asked, but do not count
among the eight (BEP 42), or whoever invents ids could end every lookup at himself.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable
from enum import Enum

from msgspec import Struct

from actortorrent.rules.dht_ids import is_fitting
from actortorrent.rules.networks import is_local, network_of
from actortorrent.wire.addresses import Address
from actortorrent.wire.dht_nodes import ID_BITS, NodeId, NodeInfo

WIDTH = 4  # queries at once; Kademlia's alpha
WANTED = 8  # closest nodes that have to answer; Kademlia's k
MAX_CANDIDATES = 100  # the closest are kept
MAX_QUERIES = 150
MAX_STRANGERS = 32
MAX_UNFIT = 30  # candidates whose id does not fit: made-up ones must not push others out


class State(Enum):
    """Say how far a candidate is."""

    KNOWN = "known"
    ASKED = "asked"
    SLOW = "slow"
    ANSWERED = "answered"
    FAILED = "failed"


class Candidate(Struct):
    """Hold a node that may be asked; `distance` is that from the target."""

    distance: int
    info: NodeInfo
    state: State = State.KNOWN
    token: bytes = b""

    @property
    def counts(self) -> bool:
        """Say whether its answer counts."""
        return is_fitting(self.info.node_id, self.info.address.host)


class Lookup:
    """Find the nodes closest to a target.

    Args:
        target: a node's id or an info-hash.
        own_id: ours: we are no candidate.
    """

    def __init__(self, target: NodeId, own_id: NodeId) -> None:
        self.target = target
        self.query_count = 0
        self.answer_count = 0
        self._own_id = own_id
        self._candidates: list[Candidate] = []  # the closest first
        self._by_address: dict[Address, Candidate] = {}
        self._networks: dict[bytes, Address] = {}
        self._strangers: dict[Address, State] = {}  # whose ids we do not know yet
        self._unfit_count = 0

    # --- who could be asked -------------------------------------------------------------------

    def add_strangers(self, addresses: Iterable[Address]) -> None:
        """Take addresses of nodes to begin with."""
        for address in addresses:
            if len(self._strangers) < MAX_STRANGERS and address not in self._by_address:
                self._strangers.setdefault(address, State.KNOWN)

    def add(self, nodes: Iterable[NodeInfo]) -> None:
        """Take nodes that are known, or that others have named: of each network one."""
        for info in nodes:
            if info.node_id != self._own_id and self._is_new(info.address):
                self._strangers.pop(info.address, None)  # no stranger any more
                self._insert(Candidate(info.node_id.distance_to(self.target), info))

    def _is_new(self, address: Address) -> bool:
        if address in self._by_address or self._strangers.get(address) in (
            State.ASKED,
            State.SLOW,
        ):
            return False
        return is_local(address.host) or network_of(address.host) not in self._networks

    def _insert(self, candidate: Candidate) -> None:
        if not candidate.counts:
            if self._unfit_count >= MAX_UNFIT:
                return
            self._unfit_count += 1
        insort(self._candidates, candidate, key=lambda one: one.distance)
        address = candidate.info.address
        self._by_address[address] = candidate
        self._networks.setdefault(network_of(address.host), address)
        if len(self._candidates) > MAX_CANDIDATES:
            farthest = self._candidates.pop().info.address
            del self._by_address[farthest]
            if self._networks.get(network_of(farthest.host)) == farthest:
                del self._networks[network_of(farthest.host)]

    # --- whom to ask ----------------------------------------------------------------------------

    def next_to_ask(self) -> NodeInfo | Address | None:
        """Return whom to ask now, and count it as asked; None while enough are."""
        if self._asked_count() >= WIDTH or self.query_count >= MAX_QUERIES:
            return None
        for address, state in self._strangers.items():
            if state is State.KNOWN:
                self._strangers[address] = State.ASKED
                self.query_count += 1
                return address
        for candidate in self._in_question():
            if candidate.state is State.KNOWN:
                candidate.state = State.ASKED
                self.query_count += 1
                return candidate.info
        return None

    @property
    def is_done(self) -> bool:
        """Say whether the closest nodes have answered, or nobody is left to ask."""
        if any(state in (State.ASKED, State.SLOW) for state in self._strangers.values()):
            return False
        may_ask = self.query_count < MAX_QUERIES
        if may_ask and State.KNOWN in self._strangers.values():
            return False
        return not any(
            one.state in (State.ASKED, State.SLOW) or (may_ask and one.state is State.KNOWN)
            for one in self._in_question()
        )

    def _asked_count(self) -> int:
        strangers = sum(state is State.ASKED for state in self._strangers.values())
        return strangers + sum(one.state is State.ASKED for one in self._candidates)

    def _in_question(self) -> Iterable[Candidate]:
        """Yield the candidates up to the eighth that answered."""
        answered = 0
        for candidate in self._candidates:
            yield candidate
            answered += candidate.state is State.ANSWERED and candidate.counts
            if answered >= WANTED:
                return

    # --- what came of it ----------------------------------------------------------------------

    def answered(self, info: NodeInfo, token: bytes = b"") -> bool:
        """Note an answer; say whether it is one that was waited for."""
        candidate = self._by_address.get(info.address)
        if candidate is None:
            if self._strangers.get(info.address) not in (State.ASKED, State.SLOW):
                return False
            del self._strangers[info.address]
            candidate = Candidate(info.node_id.distance_to(self.target), info)
            self._insert(candidate)
        elif candidate.info != info:  # another node than we were told
            candidate.state = State.FAILED
            return False
        candidate.state = State.ANSWERED
        candidate.token = token
        self.answer_count += 1
        return True

    def slow(self, address: Address) -> None:
        """Note that a node takes long: another may be asked beside it."""
        self._become(address, State.SLOW)

    def failed(self, address: Address) -> None:
        """Note that a node did not answer, or refused."""
        self._become(address, State.FAILED)

    def _become(self, address: Address, state: State) -> None:
        candidate = self._by_address.get(address)
        if candidate is not None and candidate.state in (State.ASKED, State.SLOW):
            candidate.state = state
        elif self._strangers.get(address) in (State.ASKED, State.SLOW):
            self._strangers[address] = state

    def closest(self) -> list[tuple[NodeInfo, bytes]]:
        """Return the nodes that answered, up to the eighth that counts, with their tokens."""
        return [(one.info, one.token) for one in self._in_question() if one.state is State.ANSWERED]

    def distance_bits(self, info: NodeInfo) -> int:
        """Return how many bits a node's distance has, from 0 (the target) to 160."""
        return ID_BITS - info.node_id.shared_bits(self.target)
