"""How much a peer may say besides blocks and the requests for them.

Each such message costs us many times what it costs the peer, and none of us can want many: of
a piece it is told once that somebody has it, and whoever chokes, cancels or rejects does so
once for each request. A peer that talks on and on wants to keep us busy.
"""

from __future__ import annotations

MESSAGES_A_SECOND = 100.0
MOST_AT_ONCE = 4_000.0  # as many as there may be requests to be cancelled, or rejected, and more
MESSAGES_A_PIECE = 4  # a have; interest, when we have it, and none, when it was fetched; one more


def talk_at_first(piece_count: int) -> float:
    """Return how many messages a peer may send of which we know nothing yet.

    It may talk of each piece, on top of all else.
    """
    return MOST_AT_ONCE + MESSAGES_A_PIECE * piece_count


def talk_left(left: float, seconds: float) -> float:
    """Return how many messages a peer may send that so long ago might have sent `left` more."""
    if left >= MOST_AT_ONCE:
        return left
    return min(MOST_AT_ONCE, left + seconds * MESSAGES_A_SECOND)
