"""What the figures rest on, without the time that they take, and that the behaviours have names."""

from __future__ import annotations

from pathlib import Path

from actortorrent.actors import peer_opening, tracker
from tests.hostile.figures import (
    GOAL_HANDSHAKE_SECONDS,
    GOAL_NEXT_TIER_SECONDS,
    corruption_figure,
)
from tests.hostile.stages import STAGES


def test_a_handshake_has_ten_seconds_in_all() -> None:
    assert peer_opening.HANDSHAKE_SECONDS <= GOAL_HANDSHAKE_SECONDS


def test_a_tracker_that_hangs_has_five_seconds_before_the_next_is_asked() -> None:
    assert tracker.PATIENCE_SECONDS <= GOAL_NEXT_TIER_SECONDS


def test_of_what_comes_with_one_corrupt_peer_hardly_anything_is_fetched_again(
    tmp_path: Path,
) -> None:
    figure = corruption_figure(tmp_path / "corruption")
    assert figure.is_met, figure


def test_each_behaviour_has_a_name_of_its_own_and_a_sentence() -> None:
    behaviours = [behaviour for stage in STAGES for behaviour in stage.behaviours]
    assert len(behaviours) == len(set(map(str, behaviours))) >= 60
    assert all(one.does.endswith(".") and len(one.does) > 15 for one in behaviours)
