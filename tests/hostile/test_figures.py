"""What the figures rest on, without the time that they take, and that the behaviours have names."""

from __future__ import annotations

from pathlib import Path

from actortorrent.actors import peer_opening, tracker
from tests.hostile.figures import (
    GOAL_HANDSHAKE_SECONDS,
    GOAL_NEXT_TIER_SECONDS,
    pieces_spoilt,
)
from tests.hostile.stages import STAGES
from tests.hostile.vitals import MIB

FEW_PIECES = 10  # mostly two to four: those that were under way when the first was found wrong


def test_a_handshake_has_ten_seconds_in_all() -> None:
    assert peer_opening.HANDSHAKE_SECONDS <= GOAL_HANDSHAKE_SECONDS


def test_a_tracker_that_hangs_has_five_seconds_before_the_next_is_asked() -> None:
    assert tracker.PATIENCE_SECONDS <= GOAL_NEXT_TIER_SECONDS


def test_who_sends_wrong_bytes_spoils_a_few_pieces_and_no_more(tmp_path: Path) -> None:
    assert len(pieces_spoilt(tmp_path / "corruption", 32 * MIB)) <= FEW_PIECES


def test_each_behaviour_has_a_name_of_its_own_and_a_sentence() -> None:
    behaviours = [behaviour for stage in STAGES for behaviour in stage.behaviours]
    assert len(behaviours) == len(set(map(str, behaviours))) >= 60
    assert all(one.does.endswith(".") and len(one.does) > 15 for one in behaviours)
