from __future__ import annotations

import pytest

from actortorrent.rules.geometry import BLOCK_BYTES, Run
from tests.rules.small_ledger import GEOMETRY, PIECES, WHOLE, A, B, blocks, ledger_of, state
from tests.swarms import draw, drawn

# --- pieces ---------------------------------------------------------------------------------------


def test_at_first_every_wanted_piece_is_untouched() -> None:
    ledger = ledger_of(wanted="##.#", verified="#.#.")
    assert draw(ledger.untouched, PIECES) == ".#.#"
    assert draw(ledger.lacking, PIECES) == ".#.#"
    assert not ledger.is_complete


def test_nothing_wanted_is_complete() -> None:
    assert ledger_of(wanted="....").is_complete
    assert not ledger_of(wanted="....").is_all_lent


def test_a_piece_goes_from_untouched_through_open_to_lent_and_verified() -> None:
    ledger = ledger_of()
    seen = [state(ledger)]
    first = ledger.lend(A, 1, BLOCK_BYTES)
    seen.append(state(ledger))
    second = ledger.lend(A, 1, WHOLE)
    seen.append(state(ledger))
    for loan in (first, second):
        assert ledger.store(loan.lease_id, loan.run) == ()
    seen.append(state(ledger))
    assert ledger.verify(1) == ()
    seen.append(state(ledger))
    assert seen == ["....", ".o..", ".l..", ".l..", ".#.."]
    assert ledger.bytes_out == 0


def test_with_the_last_wanted_piece_it_is_complete() -> None:
    ledger = ledger_of(wanted=".##.", verified=".#..")
    assert not ledger.is_complete
    ledger.verify(2)
    assert ledger.is_complete


def test_a_failed_piece_begins_again() -> None:
    ledger = ledger_of()
    loan = ledger.lend(A, 2, WHOLE)
    ledger.store(loan.lease_id, loan.run)
    ledger.fail(2, is_suspect=False)
    assert state(ledger) == "...."
    assert blocks(ledger, 2) == "####"


def test_a_verified_piece_that_is_lost_begins_again() -> None:
    ledger = ledger_of(verified="####")
    assert ledger.is_complete
    ledger.lose(3)
    assert state(ledger) == "###."
    assert draw(ledger.lacking, PIECES) == "...#"


def test_blocks_of_an_earlier_session_are_stored_without_a_loan() -> None:
    ledger = ledger_of()
    ledger.store(0, GEOMETRY.run(1, 1, 2))
    assert state(ledger) == ".o.."
    assert blocks(ledger, 1) == "#..#"


def test_a_piece_that_is_not_wanted_is_never_open_whatever_is_stored_of_it() -> None:
    ledger = ledger_of(wanted="#.##")
    ledger.store(0, GEOMETRY.run(1, 0, 1))
    ledger.check_invariant()
    assert draw(ledger.open | ledger.untouched, PIECES) == "#.##"


def test_a_seed_wants_what_it_has() -> None:
    ledger = ledger_of()
    ledger.want(drawn("##.."))
    ledger.find_verified(drawn("##.."))
    assert ledger.is_complete
    ledger.lose(1)
    assert draw(ledger.untouched, PIECES) == ".#.."


# --- loans ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("most_bytes", "run"),
    [
        (1, GEOMETRY.run(0, 0, 1)),
        (BLOCK_BYTES, GEOMETRY.run(0, 0, 1)),
        (3 * BLOCK_BYTES - 1, GEOMETRY.run(0, 0, 2)),
        (WHOLE, GEOMETRY.whole_piece(0)),
        (100 * WHOLE, GEOMETRY.whole_piece(0)),
    ],
)
def test_a_loan_is_of_whole_blocks_at_least_one_and_of_one_piece(most_bytes: int, run: Run) -> None:
    ledger = ledger_of()
    loan = ledger.lend(A, 0, most_bytes)
    assert (loan.conn, loan.run) == (A, run)
    assert ledger.bytes_out == run.length
    assert ledger.loans_of(A) == (loan,)
    assert ledger.loans_of(B) == ()


def test_a_short_last_block_is_lent_with_the_one_before_it() -> None:
    ledger = ledger_of()
    assert ledger.lend(A, 3, WHOLE).run == Run(3, 0, BLOCK_BYTES + 5)
    assert ledger.bytes_out == BLOCK_BYTES + 5


def test_only_what_is_missing_is_lent_the_first_gap_first() -> None:
    ledger = ledger_of()
    ledger.store(0, GEOMETRY.run(0, 1, 1))
    assert ledger.lend(A, 0, WHOLE).run == GEOMETRY.run(0, 0, 1)
    assert ledger.lend(B, 0, WHOLE).run == GEOMETRY.run(0, 2, 2)
    assert state(ledger) == "l..."


def test_what_is_given_back_is_missing_again_and_what_came_is_not() -> None:
    ledger = ledger_of()
    loan = ledger.lend(A, 0, WHOLE)
    ledger.give_back(loan.lease_id, (GEOMETRY.run(0, 0, 1), GEOMETRY.run(0, 3, 1)))
    assert blocks(ledger, 0) == "#..#"
    assert ledger.bytes_out == 2 * BLOCK_BYTES
    ledger.store(loan.lease_id, GEOMETRY.run(0, 1, 2))
    assert blocks(ledger, 0) == "#..#"
    assert (ledger.bytes_out, ledger.loans_of(A)) == (0, ())


def test_what_is_taken_back_is_missing_again() -> None:
    ledger = ledger_of()
    loan = ledger.lend(A, 0, WHOLE)
    ledger.take_back(loan.lease_id)
    assert state(ledger) == "...."
    assert (ledger.bytes_out, ledger.loans_of(A)) == (0, ())


def test_a_loan_comes_back_once() -> None:
    ledger = ledger_of()
    loan = ledger.lend(A, 0, WHOLE)
    for _ in range(2):
        ledger.give_back(loan.lease_id, (loan.run,))
        ledger.take_back(loan.lease_id)
        ledger.fill(loan.lease_id)
    assert (ledger.bytes_out, ledger.bytes_filled) == (0, 0)
    assert state(ledger) == "...."


def test_what_has_come_is_counted_until_it_is_written() -> None:
    ledger = ledger_of()
    loan = ledger.lend(A, 0, WHOLE)
    for _ in range(2):
        ledger.fill(loan.lease_id)
        assert (ledger.bytes_out, ledger.bytes_filled) == (WHOLE, WHOLE)
    ledger.store(loan.lease_id, loan.run)
    assert (ledger.bytes_out, ledger.bytes_filled) == (0, 0)


def test_what_came_in_vain_can_be_counted() -> None:
    ledger = ledger_of(verified="#...")
    ledger.store(0, GEOMETRY.run(1, 0, 2))
    assert ledger.bytes_twice == 0
    twice = []
    for run in (GEOMETRY.whole_piece(0), GEOMETRY.run(1, 1, 2), GEOMETRY.whole_piece(2)):
        before = ledger.bytes_twice
        ledger.store(0, run)
        twice.append(ledger.bytes_twice - before)
    assert twice == [WHOLE, BLOCK_BYTES, 0]


def test_runs_that_are_told_together_with_their_piece_being_verified_came_once() -> None:
    ledger = ledger_of()
    loans = [ledger.lend(conn, 0, WHOLE // 2) for conn in (A, B)]
    seen = []
    for loan in loans:
        assert ledger.store(loan.lease_id, loan.run, verified=drawn("#...")) == ()
        seen.append(state(ledger))
    assert seen == ["l...", "#..."]
    assert (ledger.bytes_twice, ledger.bytes_out) == (0, 0)
