from __future__ import annotations

import pytest

from actortorrent.lab.scenarios import SCENARIOS, Role, lesson_piece_length, make_plan

KIB, MIB = 1024, 1024 * 1024


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_scenario_has_someone_who_brings_and_someone_who_fetches(scenario: str) -> None:
    members = make_plan(scenario, size=MIB, seed=1).members
    assert any(not member.fetches for member in members)
    assert any(member.fetches for member in members)
    assert len({member.name for member in members}) == len(members)
    assert all(member.rate > 0 for member in members)


def test_a_plan_has_as_many_as_are_asked_for_and_the_odd_one_besides() -> None:
    plan = make_plan("bad-peer", size=MIB, seed=1, seeds=2, leeches=4)
    names = [member.name for member in plan.members]
    assert names == [
        "seed-1",
        "seed-2",
        "bad-peer",
        "leech-1",
        "leech-2",
        "leech-3",
        "leech-4",
    ]


def test_a_free_rider_serves_nobody_and_comes_late() -> None:
    *others, rider = make_plan("free-rider", size=MIB, seed=1).members
    assert rider.role is Role.FREE_RIDER
    assert (rider.slots, rider.comes_late) == (0, True)
    assert not any(member.comes_late for member in others)


def test_another_client_joins_and_is_not_traced() -> None:
    *others, stranger = make_plan("basic", size=MIB, seed=1, external=Role.ARIA2).members
    assert (stranger.name, stranger.fetches, stranger.is_traced) == ("aria2", True, False)
    assert all(member.is_traced for member in others)


def test_any_size_takes_a_seed_about_as_long() -> None:
    small, large = (make_plan("basic", size=size, seed=1) for size in (8 * MIB, 256 * MIB))
    assert small.size / small.rate == large.size / large.rate == 8
    assert make_plan("basic", size=MIB, seed=1, rate=500 * KIB).members[0].rate == 500 * KIB


@pytest.mark.parametrize(
    ("size", "piece_length"),
    [(1, 16 * KIB), (MIB, 16 * KIB), (8 * MIB, 128 * KIB), (9 * MIB, 128 * KIB), (2**40, 4 * MIB)],
)
def test_there_are_enough_pieces_to_look_at(size: int, piece_length: int) -> None:
    assert lesson_piece_length(size) == piece_length


def test_small_swarms_are_traced_block_by_block_unless_told_otherwise() -> None:
    small, large = (make_plan("basic", size=size, seed=1) for size in (16 * MIB, 17 * MIB))
    assert (small.trace_level, large.trace_level) == ("block", "piece")
    told = make_plan("basic", size=MIB, seed=1, trace_level="piece")
    assert told.trace_level == "piece"
