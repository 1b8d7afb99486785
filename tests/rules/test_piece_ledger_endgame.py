from __future__ import annotations

from actortorrent.rules.geometry import BLOCK_BYTES, Run
from actortorrent.rules.piece_ledger import MOST_HOLDERS, PieceLedger
from tests.rules.small_ledger import GEOMETRY, WHOLE, A, B, C, D, ledger_of, state
from tests.swarms import drawn

# --- the endgame --------------------------------------------------------------------------------------


def all_lent() -> PieceLedger:
    """Return a ledger that lacks two pieces, and has lent both: piece 0 to A, piece 1 to B."""
    ledger = ledger_of(verified="..##")
    ledger.lend(A, 0, WHOLE)
    ledger.lend(B, 1, WHOLE)
    return ledger


def doubled_by(ledger: PieceLedger, conn: int, pieces: str = "####") -> list[Run]:
    return [loan.run for loan in ledger.loans_to_double(conn, drawn(pieces))]


def test_all_is_lent_when_no_block_is_left_and_pieces_are_lacking() -> None:
    ledger = ledger_of(verified="..##")
    ledger.lend(A, 0, WHOLE)
    assert not ledger.is_all_lent
    ledger.lend(A, 1, BLOCK_BYTES)
    assert not ledger.is_all_lent
    ledger.lend(A, 1, WHOLE)
    assert ledger.is_all_lent
    for piece_index in (0, 1):
        ledger.verify(piece_index)
    assert not ledger.is_all_lent


def test_what_others_have_out_can_be_lent_again_but_not_to_its_holder() -> None:
    ledger = all_lent()
    assert doubled_by(ledger, A) == [GEOMETRY.whole_piece(1)]
    assert doubled_by(ledger, C) == [GEOMETRY.whole_piece(0), GEOMETRY.whole_piece(1)]


def test_only_who_has_a_piece_can_double_its_loans() -> None:
    ledger = all_lent()
    assert doubled_by(ledger, C, ".#..") == [GEOMETRY.whole_piece(1)]
    assert doubled_by(ledger, C, "..##") == []
    assert doubled_by(ledger, C, "....") == []


def test_a_block_has_at_most_so_many_holders() -> None:
    ledger = all_lent()
    assert MOST_HOLDERS == 3
    for conn in (C, D):
        loan = next(iter(ledger.loans_to_double(conn, drawn("#..."))))
        ledger.lend_again(conn, loan, WHOLE)
    assert doubled_by(ledger, 5, "#...") == []
    ledger.take_back(ledger.loans_of(D)[0].lease_id)
    assert doubled_by(ledger, 5, "#...") == [GEOMETRY.whole_piece(0)] * 2


def test_what_one_holder_brought_makes_the_others_loans_useless() -> None:
    ledger = all_lent()
    (loan_of_a,) = ledger.loans_of(A)
    loan_of_c = ledger.lend_again(C, loan_of_a, WHOLE)
    assert ledger.store(loan_of_c.lease_id, loan_of_c.run) == (loan_of_a,)
    assert ledger.verify(0) == ()  # it was taken back when it was told
    assert ledger.loans_of(A) == ()
    assert ledger.bytes_out == WHOLE  # what B has


def test_what_comes_late_of_a_verified_piece_changes_nothing() -> None:
    ledger = all_lent()
    loan_of_c = ledger.lend_again(C, ledger.loans_of(A)[0], WHOLE)
    ledger.verify(0)
    assert ledger.store(loan_of_c.lease_id, loan_of_c.run) == ()
    assert state(ledger) == "#l##"
    assert doubled_by(ledger, D) == [GEOMETRY.whole_piece(1)]


def test_a_loan_of_which_a_block_is_still_of_use_goes_on() -> None:
    ledger = all_lent()
    (loan_of_a,) = ledger.loans_of(A)
    loan_of_c = ledger.lend_again(C, loan_of_a, BLOCK_BYTES)
    assert ledger.store(loan_of_c.lease_id, loan_of_c.run) == ()
    assert loan_of_a in ledger.loans_of(A)


def test_what_was_brought_meanwhile_is_not_lent_a_third_time() -> None:
    ledger = all_lent()
    (loan_of_a,) = ledger.loans_of(A)
    loan_of_c = ledger.lend_again(C, loan_of_a, BLOCK_BYTES)
    ledger.store(loan_of_c.lease_id, loan_of_c.run)
    (again,) = ledger.loans_to_double(D, drawn("#..."))
    assert ledger.lend_again(D, again, WHOLE).run == GEOMETRY.run(0, 1, 3)


def test_what_has_come_and_waits_to_be_written_is_not_lent_again() -> None:
    ledger = all_lent()
    ledger.fill(ledger.loans_of(A)[0].lease_id)
    assert doubled_by(ledger, C) == [GEOMETRY.whole_piece(1)]


# --- suspects -----------------------------------------------------------------------------------------


def suspect_piece() -> PieceLedger:
    """Return a ledger whose piece 0 failed after several had sent it."""
    ledger = ledger_of(verified=".###")
    for conn in (A, B):
        loan = ledger.lend(conn, 0, 2 * BLOCK_BYTES)
        ledger.store(loan.lease_id, loan.run)
    ledger.fail(0, is_suspect=True)
    return ledger


def test_a_suspect_piece_is_lent_to_one_peer_at_a_time() -> None:
    ledger = suspect_piece()
    assert ledger.may_lend(0, A)
    assert ledger.may_lend(0, B)
    loan = ledger.lend(B, 0, BLOCK_BYTES)
    assert ledger.may_lend(0, B)
    assert not ledger.may_lend(0, A)
    ledger.store(loan.lease_id, loan.run)
    assert ledger.may_lend(0, A)


def test_of_a_piece_that_becomes_suspect_all_is_taken_back_and_one_peer_is_lent_it_anew() -> None:
    ledger = ledger_of(verified=".###")
    loans = [ledger.lend(conn, 0, BLOCK_BYTES) for conn in (A, B)]
    assert ledger.fail(0, is_suspect=True) == tuple(loans)  # to be cancelled
    assert ledger.bytes_out == 0
    ledger.lend(B, 0, BLOCK_BYTES)
    assert [ledger.may_lend(0, conn) for conn in (A, B, C)] == [False, True, False]


def test_whoever_began_a_suspect_piece_and_is_still_busy_will_come_back_for_the_rest() -> None:
    ledger = suspect_piece()
    ledger.lose(1)
    loan = ledger.lend(B, 0, BLOCK_BYTES)
    elsewhere = ledger.lend(B, 1, BLOCK_BYTES)
    ledger.store(loan.lease_id, loan.run)
    assert [ledger.may_lend(0, conn) for conn in (A, B)] == [False, True]
    ledger.take_back(elsewhere.lease_id)
    assert [ledger.may_lend(0, conn) for conn in (A, B)] == [True, True]


def test_a_suspicion_that_lasts_too_long_is_dropped() -> None:
    ledger = suspect_piece()
    ledger.lend(B, 0, WHOLE)
    ledger.trust(0)
    assert ledger.may_lend(0, A)
    assert doubled_by(ledger, A) == [GEOMETRY.whole_piece(0)]
    ledger.trust(1)  # of which nothing was ever suspected


def test_a_suspect_piece_is_not_lent_again_in_the_endgame() -> None:
    ledger = suspect_piece()
    ledger.lend(B, 0, WHOLE)
    assert ledger.is_all_lent
    assert doubled_by(ledger, A) == []


def test_a_piece_that_is_verified_is_suspect_no_more() -> None:
    ledger = suspect_piece()
    ledger.verify(0)
    ledger.lose(0)
    ledger.lend(B, 0, WHOLE)
    assert ledger.may_lend(0, A)
    assert doubled_by(ledger, A) == [GEOMETRY.whole_piece(0)]
