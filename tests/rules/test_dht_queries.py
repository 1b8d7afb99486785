from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from actortorrent.rules.dht_queries import MAX_OPEN, OpenQuery, Patience, Purpose, QueryBook
from actortorrent.wire.addresses import Address
from actortorrent.wire.dht_nodes import NodeId
from actortorrent.wire.krpc import Ping

HERE, THERE = Address("8.8.8.8", 5), Address("8.8.8.8", 6)


def book() -> QueryBook:
    return QueryBook(random.Random(1), Patience(slow_seconds=1, lost_seconds=5))


def asked(queries: QueryBook, now: float, address: Address = HERE) -> OpenQuery:
    return queries.add(address, Ping(NodeId(1)), Purpose.PING, now)


def test_an_answer_is_known_by_its_transaction_and_address() -> None:
    queries = book()
    query = asked(queries, 0.0)
    assert queries.is_waiting_for(HERE)
    assert queries.close(query.transaction, THERE) is None
    assert queries.close(b"none", HERE) is None
    assert queries.close(query.transaction, HERE) is query
    assert queries.close(query.transaction, HERE) is None
    assert not queries.is_waiting_for(HERE)


def test_a_query_is_slow_once_and_then_lost() -> None:
    queries = book()
    first, second = asked(queries, 0.0), asked(queries, 0.5, THERE)
    assert queries.next_at == 1.0
    assert queries.grown_slow(1.0) == [first]
    assert queries.next_at == 1.5
    assert queries.grown_slow(2.0) == [second]
    assert queries.next_at == 5.0
    assert queries.lost(5.0) == [first]
    assert queries.close(second.transaction, THERE) is second  # late, but in time
    assert queries.next_at is None
    assert len(queries) == 0


@given(st.floats(0, 10**6), st.floats(0.001, 10), st.floats(0.001, 10))
def test_what_is_due_is_done_when_it_is_said_to_be(sent: float, slow: float, more: float) -> None:
    queries = QueryBook(random.Random(1), Patience(slow, slow + more))
    query = asked(queries, sent)
    assert queries.next_at is not None
    assert queries.grown_slow(queries.next_at) == [query]
    assert queries.lost(queries.next_at) == [query]


def test_no_two_open_queries_share_a_transaction() -> None:
    queries = book()
    assert len({asked(queries, 0.0).transaction for _ in range(MAX_OPEN)}) == MAX_OPEN
    assert queries.is_full
