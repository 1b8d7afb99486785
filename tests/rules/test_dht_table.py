from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.rules.dht_table import (
    BUCKET_SIZE,
    GOOD_SECONDS,
    MAX_BUCKETS,
    MAX_FAILURES,
    REFRESH_SECONDS,
    RoutingTable,
)
from actortorrent.wire.addresses import Address
from actortorrent.wire.dht_nodes import NodeId, NodeInfo

OWN = NodeId(0)
FAR = 1 << 159  # ids from here on have no bit in common with ours


def node(number: int, host: str = "", port: int = 6881) -> NodeInfo:
    return NodeInfo(NodeId(number), Address(host or f"127.0.{number % 200}.{number % 211}", port))


def far(count: int, first: int = 0) -> list[NodeInfo]:
    return [node(FAR + n, f"127.9.0.{n}") for n in range(first, first + count)]


def table_of(nodes: list[NodeInfo], now: float = 0.0) -> RoutingTable:
    table = RoutingTable(OWN, now)
    for one in nodes:
        table.note_answer(one, now)
    return table


def numbers(nodes: list[NodeInfo]) -> list[int]:
    return [one.node_id.number for one in nodes]


steps = st.lists(
    st.tuples(
        st.sampled_from(["answer", "query", "failure", "turn"]),
        st.integers(0, 160),  # shared bits
        st.integers(0, 30),  # which of those
        st.integers(0, 40),  # at which address
    ),
    max_size=150,
)


def invented(bits: int, which: int, place: int) -> NodeInfo:
    """Return a node with so many bits in common with `OWN`, at one of few addresses."""
    number = 0 if bits == 160 else (1 << (159 - bits)) | (which & ((1 << (159 - bits)) - 1))
    return NodeInfo(NodeId(number), Address(f"8.8.{place}.{place % 3}", 1 + place % 2))


@given(steps)
def test_whatever_happens_every_contact_is_once_and_in_its_bucket(
    taken: list[tuple[str, int, int, int]],
) -> None:
    table = RoutingTable(OWN, 0.0)
    for now, (what, *which) in enumerate(taken):
        one = invented(*which)
        if what == "answer":
            table.note_answer(one, now)
        elif what == "query":
            table.note_query(one, now)
        elif what == "failure":
            table.note_failure(one.address)
        else:
            table.change_own_id(OWN, now)
    inside = [contact for bucket in table._buckets for contact in bucket.contacts]
    assert sorted(map(str, (one.info for one in inside))) == sorted(str(one.info) for one in table)
    assert len({one.info.node_id for one in inside}) == len(inside)
    assert len({one.info.address.host for one in inside}) == len(inside)
    for index, bucket in enumerate(table._buckets):
        assert len(bucket.contacts) <= BUCKET_SIZE
        assert len(bucket.waiting) <= BUCKET_SIZE
        for contact in (*bucket.contacts, *bucket.waiting):
            bits = OWN.shared_bits(contact.info.node_id)
            assert bits == index or bits >= index == table.bucket_count - 1


@given(st.sets(st.integers(1, 2**160 - 1), max_size=60), st.integers(0, 2**160 - 1))
def test_the_closest_are_those_at_the_least_distance(known: set[int], target: int) -> None:
    table = table_of([node(number) for number in known])
    inside = sorted((contact.info.node_id.number for contact in table), key=lambda n: n ^ target)
    assert numbers(table.closest(NodeId(target), 1.0)) == inside[:8]


@given(st.integers(0, 2**64), st.integers(0, 60))
def test_a_random_id_is_as_close_as_it_should_be(seed: int, bits: int) -> None:
    table, rng = RoutingTable(NodeId(random.Random(seed).getrandbits(160)), 0.0), random.Random(1)
    assert table.own_id.shared_bits(table._random_id(bits, rng, is_exact=True)) == bits
    assert table.own_id.shared_bits(table._random_id(bits, rng, is_exact=False)) >= bits


def test_only_the_bucket_of_our_own_id_is_split() -> None:
    table = table_of(far(BUCKET_SIZE + 3))
    assert (table.bucket_count, len(table)) == (2, BUCKET_SIZE)
    for number in range(1, BUCKET_SIZE + 1):
        assert table.note_answer(node(number), 1.0)
    assert len(table) == 2 * BUCKET_SIZE


def test_a_full_bucket_of_good_nodes_takes_no_more() -> None:
    table = table_of(far(BUCKET_SIZE))
    (late,) = far(1, first=50)
    assert not table.note_answer(late, 1.0)
    assert not table.would_take(late)
    assert late not in table.closest(late.node_id, 1.0)


def test_who_waits_takes_the_place_of_one_that_turned_bad() -> None:
    nodes = far(BUCKET_SIZE)
    table = table_of(nodes)
    (late,) = far(1, first=50)
    table.note_answer(late, 1.0)
    for _ in range(MAX_FAILURES):
        assert nodes[3] in table.closest(nodes[3].node_id, 1.0)
        table.note_failure(nodes[3].address)
    assert late in table.closest(OWN, 1.0)
    assert nodes[3] not in [contact.info for contact in table]


def test_a_bad_node_stays_while_nobody_waits_but_is_named_to_nobody() -> None:
    nodes = far(2)
    table = table_of(nodes)
    for _ in range(MAX_FAILURES):
        table.note_failure(nodes[0].address)
    assert table.closest(OWN, 1.0) == [nodes[1]]
    for _ in range(MAX_FAILURES):
        table.note_failure(nodes[1].address)
    assert len(table.closest(OWN, 1.0)) == 2  # our own network may have failed
    assert table.closest(OWN, 1.0, only_good=True) == []


def test_a_new_node_takes_the_place_of_a_bad_one_at_once() -> None:
    nodes = far(BUCKET_SIZE)
    table = table_of(nodes)
    table.note_failure(nodes[0].address)
    (late,) = far(1, first=50)
    assert table.would_take(late)
    table.note_failure(nodes[0].address)
    assert table.note_answer(late, 1.0)


def test_an_answer_forgives_failures() -> None:
    (one,) = nodes = far(1)
    table = table_of(nodes)
    table.note_failure(one.address)
    table.note_answer(one, 1.0)
    table.note_failure(one.address)
    assert table.closest(OWN, 1.0) == nodes


def test_a_node_is_good_for_15_minutes_after_it_was_heard() -> None:
    (one,) = nodes = far(1)
    table = table_of(nodes)
    assert table.good_count(GOOD_SECONDS - 1) == 1
    assert table.good_count(GOOD_SECONDS) == 0
    assert table.to_check(GOOD_SECONDS, 5) == [one]
    table.note_query(one, GOOD_SECONDS)  # it has answered before, and asks us now
    assert table.good_count(2 * GOOD_SECONDS - 1) == 1
    assert table.to_check(2 * GOOD_SECONDS - 1, 5) == []


def test_a_query_alone_makes_nobody_a_contact() -> None:
    table = RoutingTable(OWN, 0.0)
    table.note_query(node(5), 0.0)
    assert len(table) == 0
    assert table.would_take(node(5))


def test_a_node_with_another_id_is_another_node() -> None:
    table = table_of([node(5, "127.0.0.9")])
    table.note_answer(node(6, "127.0.0.9"), 1.0)
    assert numbers(table.closest(OWN, 1.0)) == [6]


def test_an_id_that_is_there_cannot_be_taken_from_another_address() -> None:
    table = table_of([node(5, "127.0.0.9")])
    assert not table.note_answer(node(5, "127.0.0.10"), 1.0)
    table.note_failure(Address("127.0.0.9", 6881))
    assert table.note_answer(node(5, "127.0.0.10"), 1.0)


def test_our_own_id_is_no_contact() -> None:
    assert not RoutingTable(OWN, 0.0).note_answer(node(0), 0.0)
    assert not RoutingTable(OWN, 0.0).would_take(node(0))


@pytest.mark.parametrize("host", ["8.8.8.8", "8.8.8.9"])
def test_a_network_gets_one_place_in_a_bucket(host: str) -> None:
    table = table_of([node(FAR, "8.8.8.8")])
    assert not table.would_take(node(FAR + 1, host, port=2))
    assert not table.note_answer(node(FAR + 1, host, port=2), 0.0)
    assert table.note_answer(node(FAR + 2, "8.8.9.8"), 0.0)


def test_on_a_private_network_a_host_may_have_many_nodes() -> None:
    table = table_of([NodeInfo(NodeId(n), Address("127.0.0.1", n)) for n in range(1, 9)])
    assert len(table) == 8


def test_a_bucket_that_has_not_changed_is_refreshed_once() -> None:
    table, rng = table_of(far(BUCKET_SIZE + 1)), random.Random(1)
    assert table.to_refresh(REFRESH_SECONDS - 1, rng) is None
    targets = [table.to_refresh(REFRESH_SECONDS, rng) for _ in range(3)]
    assert targets[2] is None
    assert [table._index_of(target) for target in targets[:2] if target] == [0, 1]


def test_distances_of_which_few_nodes_are_known_are_worth_a_search() -> None:
    close = [node(1 << (159 - bits)) for bits in range(3, 10)]
    table = table_of(far(BUCKET_SIZE) + close)
    targets = table.sparse_targets(random.Random(1))
    assert [OWN.shared_bits(target) for target in targets] == list(range(1, 9))
    assert RoutingTable(OWN, 0.0).sparse_targets(random.Random(1)) == []


def test_with_another_id_the_contacts_are_sorted_anew() -> None:
    nodes = far(BUCKET_SIZE) + [node(n) for n in range(1, 5)]
    table = table_of(nodes)
    table.change_own_id(NodeId(FAR + 99), 1.0)
    assert sorted(numbers(list(table.closest(OWN, 1.0, 20)))) == sorted(numbers(nodes))


def test_the_table_does_not_get_deeper_than_any_network_needs() -> None:
    table = RoutingTable(OWN, 0.0)
    for bits in range(160):
        for which in range(3):
            number = 1 << (159 - bits) | which
            table.note_answer(node(number, f"127.{bits}.0.{which}"), 0.0)
    assert table.bucket_count == MAX_BUCKETS
    assert len(table) <= MAX_BUCKETS * BUCKET_SIZE
