from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.rules import suspects
from actortorrent.rules.geometry import Run
from actortorrent.rules.suspects import Evidence, Suspects

FIRST, SECOND = Run(7, 0, 16384), Run(7, 16384, 16384)


def good(run: Run) -> bytes:
    return f"good {run.offset}".encode()


def test_who_sent_other_bytes_than_the_good_ones_is_guilty_and_nobody_else() -> None:
    known = Suspects()
    known.accuse(7, [Evidence(1, FIRST, good(FIRST)), Evidence(2, SECOND, b"bad")])
    assert known.judge(7, good) == (2,)


def test_evidence_of_several_failures_adds_up() -> None:
    known = Suspects()
    known.accuse(7, [Evidence(1, FIRST, b"bad"), Evidence(2, SECOND, good(SECOND))])
    known.accuse(7, [Evidence(3, FIRST, b"bad too"), Evidence(1, SECOND, good(SECOND))])
    assert known.judge(7, good) == (1, 3)


def test_a_piece_is_judged_once() -> None:
    known = Suspects()
    known.accuse(7, [Evidence(1, FIRST, b"bad")])
    known.judge(7, good)
    assert not known.is_suspect(7)
    assert known.judge(7, good) == ()


def test_only_so_much_is_remembered_and_the_oldest_goes_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(suspects, "MAX_EVIDENCE", 3)
    known = Suspects()
    for piece_index in range(3):
        known.accuse(piece_index, [Evidence(1, FIRST, b"bad"), Evidence(2, SECOND, b"bad")])
    assert [known.is_suspect(i) for i in range(3)] == [False, False, True]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 3), st.integers(1, 5), st.sampled_from([FIRST, SECOND]), st.booleans()
        ),
        max_size=40,
    ),
    st.lists(st.integers(0, 3), max_size=6),
)
def test_of_each_piece_exactly_those_are_guilty_who_sent_bad_bytes_of_it(
    sent: list[tuple[int, int, Run, bool]], judged: list[int]
) -> None:
    known = Suspects()
    for piece_index, conn, run, is_good in sent:
        digest = good(run) if is_good else b"bad"
        known.accuse(piece_index, [Evidence(conn, run, digest)])
    for number, piece_index in enumerate(judged):
        guilty = {conn for piece, conn, _, is_good in sent if piece == piece_index and not is_good}
        expected = () if piece_index in judged[:number] else tuple(sorted(guilty))
        assert known.judge(piece_index, good) == expected
