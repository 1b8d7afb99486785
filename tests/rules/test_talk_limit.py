"""A peer may tell us of every piece, and of little else on end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actortorrent.rules.talk_limit import (
    MESSAGES_A_SECOND,
    MOST_AT_ONCE,
    talk_at_first,
    talk_left,
)


def test_who_tells_of_every_piece_may_go_on_talking() -> None:
    assert talk_at_first(1_000_000) - 1_000_000 > MOST_AT_ONCE


def test_what_was_not_used_at_first_is_not_lost_by_waiting() -> None:
    assert talk_left(talk_at_first(50), 1000.0) == talk_at_first(50)


def test_who_has_said_all_that_it_may_says_more_as_time_goes() -> None:
    assert talk_left(0.0, 2.5) == 2.5 * MESSAGES_A_SECOND
    assert talk_left(-1.0, 1e9) == MOST_AT_ONCE


@given(st.floats(0, 2 * MOST_AT_ONCE), st.lists(st.floats(0, 100), max_size=20))
def test_however_time_is_cut_no_more_is_gained(left: float, pauses: list[float]) -> None:
    cut = left
    for pause in pauses:
        cut = talk_left(cut, pause)
    assert abs(cut - talk_left(left, sum(pauses))) < 1e-6
