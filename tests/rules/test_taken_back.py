from __future__ import annotations

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
