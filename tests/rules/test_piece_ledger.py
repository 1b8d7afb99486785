from __future__ import annotations

import pytest

from actortorrent.rules.geometry import BLOCK_BYTES, Geometry, Run
from actortorrent.rules.piece_ledger import MOST_HOLDERS, PieceLedger
from tests.swarms import draw, drawn

PIECES = 4
PIECE_BYTES = 4 * BLOCK_BYTES
GEOMETRY = Geometry(3 * PIECE_BYTES + BLOCK_BYTES + 5, PIECE_BYTES)  # the last: a block and a bit
ALL = drawn("####")
WHOLE = PIECE_BYTES
A, B, C, D = 1, 2, 3, 4  # connections


def ledger_of(wanted: str = "####", verified: str = "....") -> PieceLedger:
    ledger = PieceLedger(GEOMETRY, drawn(wanted))
    ledger.find_verified(drawn(verified))
    return ledger


def blocks(ledger: PieceLedger, piece_index: int) -> str:
    """Draw the missing blocks of a piece."""
    return draw(ledger.missing_blocks(piece_index), GEOMETRY.block_count(piece_index))


def state(ledger: PieceLedger) -> str:
    """Draw where each piece stands: `.` untouched, `o` open, `l` all lent or stored, `#` verified."""
    ledger.check_invariant()
    drawing = ""
    for bit in (1 << index for index in range(PIECES)):
        if ledger.verified & bit:
            drawing += "#"
        elif ledger.open & bit:
            drawing += "o"
        else:
            drawing += "." if ledger.untouched & bit else "l"
    return drawing


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
    stored = [ledger.stored_bytes(GEOMETRY.whole_piece(index)) for index in range(3)]
    assert stored == [WHOLE, 2 * BLOCK_BYTES, 0]
    assert ledger.stored_bytes(GEOMETRY.run(1, 1, 2)) == BLOCK_BYTES


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
    assert ledger.verify(0) == (loan_of_a,)
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


def test_a_piece_that_becomes_suspect_waits_until_all_but_one_have_given_it_back() -> None:
    ledger = ledger_of(verified=".###")
    loans = [ledger.lend(conn, 0, BLOCK_BYTES) for conn in (A, B)]
    assert ledger.fail(0, is_suspect=True) == tuple(loans)  # to be cancelled
    assert not any(ledger.may_lend(0, conn) for conn in (A, B, C))
    ledger.take_back(loans[0].lease_id)
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
