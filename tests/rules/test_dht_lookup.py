from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from actortorrent.rules.dht_ids import make_node_id
from actortorrent.rules.dht_lookup import (
    MAX_CANDIDATES,
    MAX_QUERIES,
    MAX_STRANGERS,
    MAX_UNFIT,
    WANTED,
    WIDTH,
    Lookup,
)
from actortorrent.wire.addresses import Address
from actortorrent.wire.dht_nodes import NodeId, NodeInfo
from tests.rules.test_dht_table import node

TARGET = NodeId(0)
OWN = NodeId(2**159)
PLACE = Address("127.0.0.1", 1)


def lookup(*numbers: int) -> Lookup:
    made = Lookup(TARGET, OWN)
    made.add([node(number) for number in numbers])
    return made


def ask_all(one: Lookup) -> list[int]:
    """Return the ids of those that are to be asked now."""
    asked = []
    while (who := one.next_to_ask()) is not None:
        assert isinstance(who, NodeInfo)
        asked.append(who.node_id.number)
    return asked


def test_the_closest_are_asked_first_a_few_at_once() -> None:
    one = lookup(9, 3, 7, 1, 5, 2)
    assert ask_all(one) == [1, 2, 3, 5]
    assert not one.is_done
    one.answered(node(2))
    assert ask_all(one) == [7]


def test_who_is_named_and_closer_comes_next() -> None:
    one = lookup(50, 60, 70, 80, 90)
    ask_all(one)
    one.answered(node(50))
    one.add([node(4), node(50)])
    assert ask_all(one) == [4]


def test_it_is_over_when_the_eight_closest_have_answered() -> None:
    one = lookup(*range(1, 13))
    for number in range(1, WANTED + 1):
        assert not one.is_done
        ask_all(one)
        one.answered(node(number), b"token")
    assert one.is_done
    assert [info.node_id.number for info, _ in one.closest()] == list(range(1, WANTED + 1))
    assert {token for _, token in one.closest()} == {b"token"}


def test_failed_nodes_are_not_waited_for() -> None:
    one = lookup(*range(1, 4))
    ask_all(one)
    one.answered(node(2))
    one.failed(node(1).address)
    assert not one.is_done
    one.failed(node(3).address)
    assert one.is_done
    assert [info.node_id.number for info, _ in one.closest()] == [2]


def test_a_slow_node_gives_way_and_may_still_answer() -> None:
    one = lookup(*range(1, 7))
    assert len(ask_all(one)) == WIDTH
    one.slow(node(1).address)
    assert ask_all(one) == [5]
    assert one.answered(node(1))
    assert one.answer_count == 1


def test_strangers_are_asked_before_all_others() -> None:
    one = lookup(5)
    one.add_strangers([PLACE, PLACE])
    assert one.next_to_ask() == PLACE
    assert ask_all(one) == [5]
    assert one.answered(NodeInfo(NodeId(3), PLACE), b"x")
    one.failed(node(5).address)
    assert one.is_done
    assert one.closest() == [(NodeInfo(NodeId(3), PLACE), b"x")]


def test_a_stranger_that_fails_is_not_waited_for() -> None:
    one = lookup()
    assert one.is_done
    one.add_strangers([PLACE])
    assert not one.is_done
    one.next_to_ask()
    one.slow(PLACE)
    assert not one.is_done
    one.failed(PLACE)
    assert one.is_done


def test_an_answer_counts_only_from_whom_we_asked() -> None:
    one = lookup(1, 2)
    assert not one.answered(NodeInfo(NodeId(1), PLACE))
    ask_all(one)
    assert not one.answered(NodeInfo(NodeId(9), node(1).address))  # not who it was said to be
    assert one.closest() == []


def test_we_ourselves_are_not_asked() -> None:
    assert ask_all(lookup(OWN.number)) == []


def test_of_a_network_of_the_internet_one_node_is_asked() -> None:
    one = Lookup(TARGET, OWN)
    one.add([node(1, "8.8.8.8"), node(2, "8.8.8.9"), node(3, "8.8.9.8")])
    assert ask_all(one) == [1, 3]


def test_made_up_ids_do_not_push_others_out() -> None:
    one = Lookup(TARGET, OWN)
    one.add(node(number, f"{number + 11}.8.8.8") for number in range(60))
    honest = NodeInfo(make_node_id("9.9.9.9", random.Random(1)), Address("9.9.9.9", 1))
    one.add([honest])
    assert len(one._candidates) == MAX_UNFIT + 1
    assert honest.address in one._by_address


def test_made_up_ids_do_not_end_a_lookup() -> None:
    liars = [node(number, f"{number}.8.8.8") for number in range(11, 30)]
    honest = [
        NodeInfo(
            make_node_id(f"{number}.9.9.9", random.Random(number)),
            Address(f"{number}.9.9.9", 1),
        )
        for number in range(11, 15)
    ]
    one = Lookup(TARGET, OWN)
    one.add([*liars, *honest])
    while (who := one.next_to_ask()) is not None:
        assert isinstance(who, NodeInfo)
        one.answered(who)
    assert {info for info, _ in one.closest()} >= set(honest)


@given(
    st.lists(st.integers(1, 2**159), max_size=300, unique=True),
    st.lists(st.integers(0, 2), max_size=400),
)
def test_whatever_comes_a_lookup_stays_within_its_limits_and_ends(
    named: list[int], outcomes: list[int]
) -> None:
    one = Lookup(TARGET, OWN)
    one.add_strangers(Address("127.1.1.1", port) for port in range(1, 60))
    one.add(NodeInfo(NodeId(n), Address(f"10.{n % 251}.{n % 241}.{n % 239}", 1)) for n in named)
    assert len(one._candidates) <= MAX_CANDIDATES
    assert len(one._strangers) <= MAX_STRANGERS
    asked = 0
    while not one.is_done:
        who = one.next_to_ask()
        assert who is not None
        asked += 1
        address = who.address if isinstance(who, NodeInfo) else who
        outcome = outcomes[asked % len(outcomes)] if outcomes else 0
        if outcome == 0:
            one.answered(who if isinstance(who, NodeInfo) else NodeInfo(NodeId(asked), who))
        elif outcome == 1:
            one.slow(address)
        if outcome:
            one.failed(address)
    assert asked == one.query_count <= MAX_QUERIES
    distances = [info.node_id.number for info, _ in one.closest()]
    assert distances == sorted(distances)
