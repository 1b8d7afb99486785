"""A ledger of four pieces, and drawings of how its pieces and blocks stand."""

from __future__ import annotations

from actortorrent.rules.geometry import BLOCK_BYTES, Geometry
from actortorrent.rules.piece_ledger import PieceLedger
from tests.swarms import draw, drawn

PIECES = 4
PIECE_BYTES = 4 * BLOCK_BYTES
GEOMETRY = Geometry(3 * PIECE_BYTES + BLOCK_BYTES + 5, PIECE_BYTES)  # the last: a block and a bit
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
