from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from actortorrent.rules.taken_back import MAX_UNANSWERED, TakenBack

BLOCK = (7, 0, 16 * 1024)


def test_each_cancel_has_one_answer() -> None:
    taken_back = TakenBack()
    taken_back.cancelled([BLOCK, BLOCK])
    assert [taken_back.answered(BLOCK) for _ in range(3)] == [True, True, False]


def test_what_was_not_cancelled_has_none() -> None:
    assert not TakenBack().answered(BLOCK)


def test_of_a_peer_that_answers_none_the_oldest_are_forgotten() -> None:
    taken_back = TakenBack()
    taken_back.cancelled((index, 0, 1) for index in range(MAX_UNANSWERED + 1))
    assert not taken_back.answered((0, 0, 1))
    assert taken_back.answered((1, 0, 1))


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3)), max_size=60))
def test_there_are_as_many_answers_as_cancels(said: list[tuple[bool, int]]) -> None:
    taken_back, open_cancels = TakenBack(), Counter[int]()
    for is_cancel, piece_index in said:
        if is_cancel:
            taken_back.cancelled([(piece_index, 0, 1)])
            open_cancels[piece_index] += 1
        else:
            assert taken_back.answered((piece_index, 0, 1)) == bool(open_cancels[piece_index])
            open_cancels[piece_index] -= open_cancels[piece_index] > 0
