from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.rules.dht_searches import (
    AGAIN_SECONDS,
    LEAST_SECONDS,
    MAX_FOUND,
    MAX_SEARCHES,
    SOON_SECONDS,
    Searches,
)
from actortorrent.wire.addresses import Address
from actortorrent.wire.dht_nodes import NodeId

TORRENT = NodeId(7)
PEERS = [Address("8.8.8.8", port) for port in range(1, 2000)]


@pytest.fixture
def searches() -> Searches:
    made = Searches()
    made.add(TORRENT, None, 0.0)
    return made


def test_a_search_looks_at_once_and_not_twice_at_the_same_time(searches: Searches) -> None:
    (search,) = searches.due(0.0)
    search.begin(0.0)
    assert searches.due(10.0**6) == []
    assert searches.next_at is None


def test_it_looks_again_soon_while_it_finds_nothing(searches: Searches) -> None:
    (search,) = searches
    pauses = []
    for _ in range(10):
        search.begin(0.0)
        search.end(0.0, was_anyone_asked=True)
        pauses.append(searches.next_at)
    assert pauses[:3] == [SOON_SECONDS, 2 * SOON_SECONDS, 4 * SOON_SECONDS]
    assert pauses[-1] == AGAIN_SECONDS
    search.begin(0.0)
    assert search.news(PEERS[:2]) == tuple(PEERS[:2])
    search.end(0.0, was_anyone_asked=True)
    assert (searches.next_at, search.fruitless) == (AGAIN_SECONDS, 0)


def test_a_peer_is_news_once_a_look_and_there_is_an_end_to_it(searches: Searches) -> None:
    (search,) = searches
    search.begin(0.0)
    assert search.news([PEERS[0], PEERS[0]]) == (PEERS[0],)
    assert search.news(PEERS[:2]) == (PEERS[1],)
    assert len(search.news(PEERS)) == MAX_FOUND - 2
    search.begin(1.0)
    assert search.news(PEERS[:1]) == (PEERS[0],)


def test_where_no_node_is_known_it_waits_for_one(searches: Searches) -> None:
    (search,) = searches
    search.begin(0.0)
    search.end(0.0, was_anyone_asked=False)
    assert searches.next_at is None
    searches.wake_waiting(5.0)
    assert searches.due(5.0) == [search]


def test_it_may_be_hastened_to_once_a_minute(searches: Searches) -> None:
    (search,) = searches
    search.begin(0.0)
    search.news(PEERS[:1])
    search.end(1.0, was_anyone_asked=True)
    search.hasten(2.0)
    assert searches.next_at == LEAST_SECONDS
    search.hasten(100.0)
    assert searches.next_at == LEAST_SECONDS  # due already


def test_to_ask_for_the_same_again_changes_the_port(searches: Searches) -> None:
    searches.add(TORRENT, 5555, 0.0)
    (search,) = searches
    assert search.port == 5555


def test_there_are_so_many_searches_at_most(searches: Searches) -> None:
    for number in range(MAX_SEARCHES + 10):
        searches.add(NodeId(number), None, 0.0)
    assert len(searches) == MAX_SEARCHES
    searches.remove(TORRENT)
    assert searches.get(TORRENT) is None


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["begin", "find", "end", "lack nodes", "hasten", "wake", "add"]),
            st.sampled_from([0.0, 1.0, 61.0, 1000.0]),
        ),
        max_size=30,
    )
)
def test_a_search_runs_waits_for_a_node_or_has_a_time(steps: list[tuple[str, float]]) -> None:
    searches, now = Searches(), 0.0
    searches.add(TORRENT, None, now)
    (search,) = searches
    for what, seconds in steps:
        now += seconds
        if what == "begin" and searches.due(now):
            search.begin(now)
        elif what == "find" and search.is_running:
            assert not set(search.news(PEERS[:3])) & set(search.news(PEERS[:3]))
        elif what in ("end", "lack nodes") and search.is_running:
            search.end(now, was_anyone_asked=what == "end")
        elif what == "hasten":
            search.hasten(now)
        elif what == "wake":
            searches.wake_waiting(now)
        elif what == "add":
            searches.add(TORRENT, 6881, now)
        assert [search.is_running, search.is_waiting, search.next_at is not None].count(True) == 1
        assert search.next_at is None or search.next_at <= now + AGAIN_SECONDS
        assert (search in searches.due(now)) == (
            search.next_at is not None and search.next_at <= now
        )
