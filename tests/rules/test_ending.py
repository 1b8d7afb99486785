from __future__ import annotations

import pytest

from actortorrent.errors import NoProgressError, TrackersRefusedError
from actortorrent.rules.ending import LOCAL_ANSWER_SECONDS, End, Goals, Situation, decide_end

FETCH = Goals()
SEED = Goals(is_seed_only=True)


# --- complete -----------------------------------------------------------------------------------


def test_a_fetch_ends_when_it_is_complete_and_not_before() -> None:
    assert decide_end(FETCH, Situation(is_complete=True)) == End()
    assert decide_end(FETCH, Situation(is_complete=False)) is None


@pytest.mark.parametrize("goals", [SEED, Goals(keep_seeding=True)])
def test_who_is_to_seed_stays(goals: Goals) -> None:
    assert decide_end(goals, Situation(is_complete=True, seconds_complete=1e9, ratio=99.0)) is None


@pytest.mark.parametrize("is_seed_only", [True, False])
@pytest.mark.parametrize(
    ("ratio", "seconds_complete", "is_over"),
    [(0.0, 0.0, False), (1.49, 59.0, False), (1.5, 0.0, True), (0.0, 60.0, True)],
)
def test_seeding_ends_with_whichever_limit_is_reached_first(
    is_seed_only: bool, ratio: float, seconds_complete: float, is_over: bool
) -> None:
    goals = Goals(is_seed_only=is_seed_only, seed_ratio=1.5, seed_seconds=60.0)
    now = Situation(is_complete=True, ratio=ratio, seconds_complete=seconds_complete)
    assert decide_end(goals, now) == (End() if is_over else None)


def test_limits_of_seeding_do_not_end_a_fetch() -> None:
    goals = Goals(seed_ratio=1.5, seed_seconds=60.0)
    assert decide_end(goals, Situation(ratio=2.0, seconds_complete=61.0)) is None


# --- no progress ----------------------------------------------------------------------------------


def test_a_stall_ends_with_what_was_last_waited_for() -> None:
    goals = Goals(stall_timeout_seconds=30.0)
    now = Situation(seconds_without_progress=30.0, activity="2 peers, all choking us")
    assert decide_end(goals, Situation(seconds_without_progress=29.9)) is None
    end = decide_end(goals, now)
    assert end is not None
    assert isinstance(end.error, NoProgressError)
    assert "30 s" in str(end.error)
    assert "2 peers, all choking us" in str(end.error)


def test_whoever_only_seeds_may_wait_for_ever() -> None:
    goals = Goals(is_seed_only=True, stall_timeout_seconds=30.0)
    now = Situation(seconds_without_progress=1e9, is_swarm_hopeless=True)
    assert decide_end(goals, now) is None


def test_without_a_timeout_a_stall_is_borne() -> None:
    assert decide_end(FETCH, Situation(seconds_without_progress=1e9, has_trackers=True)) is None


# --- nobody there ---------------------------------------------------------------------------------


def test_with_no_tracker_and_no_peer_that_answers_there_is_no_point_in_waiting() -> None:
    now = Situation(is_swarm_hopeless=True, last_dial_failure="10.0.0.1:1: Connection refused")
    end = decide_end(FETCH, now)
    assert end is not None
    assert isinstance(end.error, NoProgressError)
    assert "10.0.0.1:1: Connection refused" in str(end.error)


def test_nobody_waits_long_for_peers_in_the_local_network() -> None:
    now = Situation(
        is_swarm_hopeless=True, calls_locally=True, seconds_without_progress=LOCAL_ANSWER_SECONDS
    )
    end = decide_end(FETCH, now)
    assert end is not None
    assert isinstance(end.error, NoProgressError)


def test_when_every_tracker_refuses_it_ends_with_what_each_said() -> None:
    now = Situation(
        is_swarm_hopeless=True, has_trackers=True, tracker_refusals=("a: not here", "b: go away")
    )
    end = decide_end(FETCH, now)
    assert end is not None
    assert isinstance(end.error, TrackersRefusedError)
    assert "a: not here; b: go away" in str(end.error)


@pytest.mark.parametrize(
    "now",
    [
        Situation(is_swarm_hopeless=True, has_trackers=True),  # they may yet answer
        Situation(is_swarm_hopeless=True, has_dht=True),  # where some may be found
        Situation(is_swarm_hopeless=True, calls_locally=True),  # they may have heard us
        Situation(is_swarm_hopeless=True, has_had_peers=True),  # they may come back
        Situation(has_trackers=True, tracker_refusals=("a: no",)),  # there are other peers
    ],
)
def test_while_there_is_hope_it_goes_on(now: Situation) -> None:
    assert decide_end(FETCH, now) is None
