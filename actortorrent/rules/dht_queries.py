"""The queries of ours that wait for an answer, each until it is slow and then lost.

An answer counts only if it bears the transaction of a query and comes from where that went.
Nobody else can have seen those four bytes, so whoever knows them hears us.
"""

from __future__ import annotations

import random
from collections import Counter
from enum import Enum

from msgspec import Struct

from actortorrent.wire.addresses import Address
from actortorrent.wire.dht_nodes import NodeId
from actortorrent.wire.krpc import Query

MAX_OPEN = 300
TRANSACTION_BYTES = 4


class Purpose(Enum):
    """Say what a query was sent for."""

    LOOKUP = "lookup"
    ANNOUNCE = "announce"
    CHECK = "check"  # is a contact, or who could be one, there?
    PROBE = "probe"  # does who asked us hear us?
    PING = "ping"  # somebody of ours wants to know


class Patience(Struct, frozen=True):
    """Say after how many seconds a query is slow, and lost."""

    slow_seconds: float = 1.0
    lost_seconds: float = 5.0


class OpenQuery(Struct, frozen=True):
    """Hold a query that was sent.

    Attributes:
        node_id: who is expected to answer; None where that is not known.
        number: of the lookup or ping that it belongs to; else 0.
    """

    transaction: bytes
    address: Address
    node_id: NodeId | None
    query: Query
    purpose: Purpose
    number: int
    sent_at: float


class QueryBook:
    """Keep the open queries."""

    def __init__(self, rng: random.Random, patience: Patience) -> None:
        self._rng = rng
        self._patience = patience
        self._fresh: dict[bytes, OpenQuery] = {}  # the oldest first, as in `_slow`
        self._slow: dict[bytes, OpenQuery] = {}
        self._waiting_for: Counter[Address] = Counter()

    def __len__(self) -> int:
        return len(self._fresh) + len(self._slow)

    @property
    def is_full(self) -> bool:
        """Say whether no other query may be sent now."""
        return len(self) >= MAX_OPEN

    def is_waiting_for(self, address: Address) -> bool:
        """Say whether an address owes us an answer."""
        return address in self._waiting_for

    @property
    def next_at(self) -> float | None:
        """Return when the next query becomes slow or lost."""
        times = [one.sent_at + self._patience.slow_seconds for one in _first(self._fresh)]
        times += [one.sent_at + self._patience.lost_seconds for one in _first(self._slow)]
        return min(times, default=None)

    def add(
        self,
        address: Address,
        query: Query,
        purpose: Purpose,
        now: float,
        *,
        node_id: NodeId | None = None,
        number: int = 0,
    ) -> OpenQuery:
        """Note that a query is sent, and return it with its transaction."""
        transaction = self._rng.randbytes(TRANSACTION_BYTES)
        while transaction in self._fresh or transaction in self._slow:
            transaction = self._rng.randbytes(TRANSACTION_BYTES)
        made = OpenQuery(transaction, address, node_id, query, purpose, number, now)
        self._fresh[transaction] = made
        self._waiting_for[address] += 1
        return made

    def close(self, transaction: bytes, address: Address) -> OpenQuery | None:
        """Return the query that is answered so; None if none was sent there."""
        for queries in (self._fresh, self._slow):
            found = queries.get(transaction)
            if found is not None and found.address == address:
                del queries[transaction]
                self._owes_less(address)
                return found
        return None

    def grown_slow(self, now: float) -> list[OpenQuery]:
        """Return those that are slow since this was last asked."""
        slow = []
        for transaction, query in list(self._fresh.items()):
            if now < query.sent_at + self._patience.slow_seconds:  # as `next_at` has it
                break
            self._slow[transaction] = self._fresh.pop(transaction)
            slow.append(query)
        return slow

    def lost(self, now: float) -> list[OpenQuery]:
        """Return those that will not be answered any more, and forget them."""
        lost = []
        for transaction, query in list(self._slow.items()):
            if now < query.sent_at + self._patience.lost_seconds:
                break
            del self._slow[transaction]
            self._owes_less(query.address)
            lost.append(query)
        return lost

    def _owes_less(self, address: Address) -> None:
        self._waiting_for[address] -= 1
        if not self._waiting_for[address]:
            del self._waiting_for[address]


def _first(queries: dict[bytes, OpenQuery]) -> list[OpenQuery]:
    return [next(iter(queries.values()))] if queries else []
