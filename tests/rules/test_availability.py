from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.rules.availability import Availability
from actortorrent.rules.bitfield import indexes_of
from tests.swarms import draw, drawn, swarm

PIECES = 70  # more than a machine word
PEERS = st.lists(st.integers(0, (1 << PIECES) - 1), max_size=20)


def counted(peers: list[int]) -> Counter[int]:
    return Counter(index for pieces in peers for index in indexes_of(pieces))


def rarest_of(counts: Counter[int], candidates: int) -> set[int]:
    fewest = min((counts[index] for index in indexes_of(candidates)), default=0)
    return {index for index in indexes_of(candidates) if counts[index] == fewest}


def test_the_rarest_of_a_drawn_swarm() -> None:
    availability = swarm(
        "A: ###.#",
        "B: ##..#",
        "C: #...#",
    ).availability
    assert [availability.count(i) for i in range(5)] == [3, 2, 1, 0, 3]
    assert draw(availability.rarest(drawn("#####")), 5) == "...#."
    assert draw(availability.rarest(drawn("###.#")), 5) == "..#.."
    assert draw(availability.rarest(drawn("#...#")), 5) == "#...#"
    assert availability.rarest(0) == 0


def test_nobody_has_what_no_peer_was_counted_for() -> None:
    availability = swarm("A: #.#..", "B: #....").availability
    assert draw(availability.nobody_has(drawn("##.#.")), 5) == ".#.#."
    assert Availability().nobody_has(drawn("##")) == drawn("##")


@given(PEERS, st.data())
def test_counts_are_those_of_a_counter_whoever_comes_and_goes(
    peers: list[int], data: st.DataObject
) -> None:
    availability = Availability()
    for pieces in peers:
        availability.add(pieces)
    gone = data.draw(st.sets(st.integers(0, len(peers) - 1))) if peers else set()
    for number in gone:
        availability.remove(peers[number])
    counts = counted([pieces for number, pieces in enumerate(peers) if number not in gone])
    assert [availability.count(i) for i in range(PIECES)] == [counts[i] for i in range(PIECES)]
    candidates = data.draw(st.integers(0, (1 << PIECES) - 1))
    assert set(indexes_of(availability.rarest(candidates))) == rarest_of(counts, candidates)
    assert availability.nobody_has(candidates) == sum(
        1 << index for index in indexes_of(candidates) if not counts[index]
    )


@given(PEERS, st.integers(0, (1 << PIECES) - 1))
def test_what_was_never_added_cannot_be_removed_and_the_attempt_changes_nothing(
    peers: list[int], pieces: int
) -> None:
    availability = Availability()
    for one in peers:
        availability.add(one)
    counts = counted(peers)
    if all(counts[index] for index in indexes_of(pieces)):
        return
    with pytest.raises(ValueError, match="never added"):
        availability.remove(pieces)
    assert [availability.count(i) for i in range(PIECES)] == [counts[i] for i in range(PIECES)]
