"""Small pieces that are lent in rows: eight of two blocks, the last one short."""

from __future__ import annotations

from actortorrent.rules.geometry import BLOCK_BYTES, Geometry, Run
from actortorrent.rules.loans import Loan
from actortorrent.rules.piece_ledger import PieceLedger
from tests.swarms import draw, drawn

PIECE_BYTES = 2 * BLOCK_BYTES
GEOMETRY = Geometry(7 * PIECE_BYTES + 9, PIECE_BYTES)
PIECES, ALL = 8, 0xFF
A, B = 1, 2


def ledger_of(verified: str = "", wanted: int = ALL) -> PieceLedger:
    ledger = PieceLedger(GEOMETRY, wanted)
    ledger.find_verified(drawn(verified))
    return ledger


def row_at(ledger: PieceLedger, piece_index: int, pieces: str = "########") -> tuple[int, int]:
    row = ledger.row_at(piece_index, drawn(pieces), 4)
    return (row.piece_index, row.piece_count) if row is not None else (piece_index, 1)


def lend(ledger: PieceLedger, first: int, count: int, conn: int = A) -> Loan:
    loan = ledger.lend_row(conn, GEOMETRY.row(first, count))
    ledger.check_invariant()
    return loan


def test_a_row_is_what_lies_around_a_piece_between_two_borders() -> None:
    ledger = ledger_of("........")
    assert [row_at(ledger, index) for index in (0, 3, 4, 7)] == [(0, 4), (0, 4), (4, 4), (4, 4)]
    assert row_at(ledger, 1, "##.#####") == (0, 2)
    assert row_at(ledger, 3, "##.#####") == (3, 1)
    assert row_at(ledger_of("#....#.."), 2) == (1, 3)
    assert row_at(ledger_of("#....#.."), 6) == (6, 2)


def test_only_what_is_wanted_and_untouched_is_in_a_row() -> None:
    ledger = ledger_of(wanted=drawn("###.####"))
    ledger.lend(A, 0, PIECE_BYTES)
    assert row_at(ledger, 1) == (1, 2)


def test_no_row_holds_a_suspect_piece() -> None:
    ledger = ledger_of()
    ledger.fail(2, is_suspect=True)
    assert row_at(ledger, 0) == (0, 2)
    assert row_at(ledger, 2) == (2, 1)


def test_pieces_that_do_not_end_with_a_block_are_not_lent_in_rows() -> None:
    odd = PieceLedger(Geometry(8 * PIECE_BYTES, PIECE_BYTES + 1), ALL)
    assert odd.row_at(0, ALL, 4) is None


def test_a_row_that_is_stored_and_right_is_verified_at_once() -> None:
    ledger = ledger_of()
    loan = lend(ledger, 4, 4)
    assert draw(ledger.untouched, PIECES) == "####...."
    assert ledger.bytes_out == 3 * PIECE_BYTES + 9
    ledger.fill(loan.lease_id)
    assert ledger.bytes_filled == ledger.bytes_out
    assert ledger.store(loan.lease_id, loan.run, loan.run.piece_mask) == ()
    ledger.check_invariant()
    assert draw(ledger.verified, PIECES) == "....####"
    assert (ledger.bytes_out, ledger.bytes_filled, ledger.loans_of(A)) == (0, 0, ())


def test_of_a_row_a_piece_that_failed_begins_again() -> None:
    ledger = ledger_of()
    loan = lend(ledger, 0, 4)
    ledger.store(loan.lease_id, loan.run, drawn("##.#"))
    ledger.check_invariant()
    assert draw(ledger.untouched, PIECES) == "....####"  # that it failed is not told yet
    ledger.fail(2, is_suspect=False)
    ledger.check_invariant()
    assert draw(ledger.verified, PIECES) == "##.#...."
    assert draw(ledger.untouched, PIECES) == "..#.####"


def test_what_did_not_come_of_a_row_is_missing_again() -> None:
    ledger = ledger_of()
    loan = lend(ledger, 0, 3)
    missing = (GEOMETRY.run(1, 1, 1), GEOMETRY.whole_piece(2))  # piece 0 and half of 1 came
    ledger.give_back(loan.lease_id, missing)
    ledger.check_invariant()
    assert ledger.bytes_out == 3 * BLOCK_BYTES
    assert draw(ledger.untouched | ledger.open, PIECES) == ".#######"
    ledger.store(loan.lease_id, GEOMETRY.whole_piece(0), drawn("#"))
    ledger.store(loan.lease_id, GEOMETRY.run(1, 0, 1))
    ledger.check_invariant()
    assert (ledger.bytes_out, draw(ledger.verified, PIECES)) == (0, "#.......")
    assert ledger.missing_blocks(1) == 0b10


def test_all_of_a_row_comes_back_when_its_peer_never_got_it() -> None:
    ledger = ledger_of()
    lend(ledger, 0, 4)
    for loan in ledger.loans_of(A):
        ledger.take_back(loan.lease_id)
    ledger.check_invariant()
    assert (ledger.bytes_out, ledger.untouched) == (0, ALL)


def endgame() -> tuple[PieceLedger, Loan, list[Loan]]:
    """Return a ledger where A has a row of all that is lacking, and B is lent it again."""
    ledger = ledger_of("####")
    row = lend(ledger, 4, 4)
    again = []
    for _ in range(4):
        again.append(ledger.lend_again(B, next(ledger.loans_to_double(B, ALL)), PIECE_BYTES))
        ledger.check_invariant()
    return ledger, row, again


def test_in_the_endgame_the_pieces_of_a_row_are_lent_again_one_by_one() -> None:
    ledger, row, again = endgame()
    assert [loan.run for loan in again] == [GEOMETRY.whole_piece(index) for index in range(4, 8)]
    assert {loan.lease_id for loan in ledger.loans_of(A)} == {row.lease_id}
    assert not list(ledger.loans_to_double(B, ALL))


def test_a_row_is_cancelled_when_nothing_of_it_is_of_use_any_more() -> None:
    ledger, row, again = endgame()
    over = [
        [(one.conn, one.lease_id) for one in ledger.store(loan.lease_id, loan.run, 1 << index)]
        for index, loan in zip(range(4, 8), again, strict=True)
    ]
    assert over == [[], [], [], [(A, row.lease_id)]]
    assert ledger.is_complete
    assert ledger.bytes_out == 0


def test_a_row_that_comes_whole_after_parts_of_it_makes_the_other_loans_useless() -> None:
    ledger, row, again = endgame()
    ledger.store(again[0].lease_id, again[0].run, 1 << 4)
    over = ledger.store(row.lease_id, row.run, drawn(".....###"))
    assert [loan.lease_id for loan in over] == [loan.lease_id for loan in again[1:]]
    assert ledger.bytes_twice == PIECE_BYTES
    assert ledger.is_complete
    ledger.check_invariant()


def test_a_piece_of_a_row_that_comes_late_from_another_is_taken_out_of_the_row() -> None:
    ledger, row, again = endgame()
    late = again[0]
    ledger.store(row.lease_id, GEOMETRY.whole_piece(4), 1 << 4)  # so the other loan is cancelled
    for loan in again[1:]:
        ledger.take_back(loan.lease_id)
    ledger.take_back(row.lease_id)
    ledger.lose(4)
    anew = lend(ledger, 4, 2)
    ledger.store(late.lease_id, late.run, 1 << 4)
    ledger.check_invariant()
    assert ledger.verified >> 4 & 1
    ledger.store(anew.lease_id, anew.run, 1 << 5)
    ledger.check_invariant()
    assert draw(ledger.verified & drawn("....##.."), PIECES) == "....##.."
    assert ledger.bytes_out == 0


def test_a_row_reads_as_its_first_and_last_piece() -> None:
    row = GEOMETRY.row(4, 4)
    assert str(row) == "pieces 4 to 7"
    assert GEOMETRY.split(row) == tuple(GEOMETRY.whole_piece(index) for index in range(4, 8))
    blocks = GEOMETRY.blocks_of(row)
    assert blocks[2:4] == [(5, 0, BLOCK_BYTES), (5, BLOCK_BYTES, BLOCK_BYTES)]
    assert blocks[-1] == (7, 0, 9)
    assert Run(4, 0, row.length, 4) == row
