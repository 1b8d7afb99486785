"""Policies choose among candidates; what they do wrong is told in one line."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.errors import ExitCode, PickerError
from actortorrent.rules.availability import Availability
from actortorrent.rules.bitfield import indexes_of, mask_of
from actortorrent.rules.picker_policies import (
    PickPolicy,
    PieceCounts,
    Pieces,
    RandomFirst,
    RarestFirst,
    Sequential,
    choose_piece,
    rule_of,
)

indexes = st.sets(st.integers(0, 70), min_size=1)


def counts_of(*peers: set[int]) -> PieceCounts:
    availability = Availability()
    for pieces in peers:
        availability.add(mask_of(sorted(pieces)))
    return PieceCounts(availability)


def choice_of(policy: PickPolicy, pieces: set[int], *peers: set[int], seed: int = 0) -> int:
    rng = random.Random(seed)
    return choose_piece(policy, Pieces(mask_of(sorted(pieces))), counts_of(*peers), rng)


@given(indexes)
def test_pieces_are_a_sorted_row_of_indexes(pieces: set[int]) -> None:
    row = Pieces(mask_of(sorted(pieces)))
    assert list(row) == sorted(pieces)
    assert len(row) == len(pieces)
    assert row.first() == min(pieces)
    assert all((index in row) == (index in pieces) for index in range(80))


@pytest.mark.parametrize("other", [-1, "3", None, 3.0])
def test_what_is_no_index_is_not_among_them(other: object) -> None:
    assert other not in Pieces(0b1000)


@given(indexes, st.lists(indexes, max_size=6), st.integers(0, 9))
def test_rarest_first_takes_one_of_those_that_fewest_have(
    pieces: set[int], peers: list[set[int]], seed: int
) -> None:
    chosen = choice_of(RarestFirst(), pieces, *peers, seed=seed)
    having = {piece: sum(piece in peer for peer in peers) for piece in pieces}
    assert having[chosen] == min(having.values())


def test_equally_rare_pieces_all_have_their_turn() -> None:
    chosen = {choice_of(RarestFirst(), {1, 2, 3}, {3}, seed=seed) for seed in range(50)}
    assert chosen == {1, 2}


def test_sequential_takes_the_first() -> None:
    assert choice_of(Sequential(), {9, 4, 70}, {9}) == 4


def test_random_first_takes_any() -> None:
    chosen = {choice_of(RandomFirst(), {1, 2, 3}, {3}, seed=seed) for seed in range(50)}
    assert chosen == {1, 2, 3}


def test_the_rule_is_the_name_of_the_class_if_it_says_no_other() -> None:
    assert rule_of(RarestFirst()) == "rarest first"
    assert rule_of(Always(1)) == "Always"


class Always:
    """Choose the same whatever there is."""

    def __init__(self, choice: object) -> None:
        self._choice = choice

    def choose(self, candidates: Pieces, availability: PieceCounts, rng: random.Random) -> int:  # noqa: ARG002
        return self._choice  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        (4, "chose piece 4: expected one of its candidates: 1, 2"),
        (-1, "chose piece -1"),
        (True, "something of type bool"),
        (None, "something of type NoneType"),
        ("1", "something of type str"),
        ([1], "something of type list"),
    ],
)
def test_what_is_no_candidate_is_refused(choice: object, words: str) -> None:
    with pytest.raises(PickerError) as caught:
        choice_of(Always(choice), {1, 2})
    assert words in str(caught.value)
    assert f"{__file__}: Always.choose" in str(caught.value)


def test_of_many_candidates_the_error_names_some() -> None:
    with pytest.raises(PickerError, match="0, 1, 2, 3, 4, 5, 6, 7, …"):
        choice_of(Always(99), set(range(50)))


class Failing:
    """Fail in a helper of its own."""

    def choose(self, candidates: Pieces, availability: PieceCounts, rng: random.Random) -> int:  # noqa: ARG002
        return len(candidates) // 0


def test_a_policy_that_fails_is_named_with_its_file_and_line() -> None:
    line = Failing.choose.__code__.co_firstlineno + 1
    with pytest.raises(PickerError) as caught:
        choice_of(Failing(), {1, 2})
    expected = f"{__file__}, line {line}: Failing.choose failed: ZeroDivisionError: "
    assert str(caught.value).startswith(expected)
    assert caught.value.exit_code == ExitCode.USAGE


def test_bits_of_pieces_are_those_of_the_ledger() -> None:
    assert list(Pieces(0b1010)) == list(indexes_of(0b1010))
