"""How long the pieces of a new torrent should be."""

from __future__ import annotations

from actortorrent.rules.geometry import BLOCK_BYTES

MIN_PIECE_BYTES = BLOCK_BYTES  # a piece is at least one block
MAX_AUTOMATIC_PIECE_BYTES = 16 * 1024 * 1024  # some clients take no more
MAX_AUTOMATIC_PIECES = 2_000  # so about 1,000 to 2,000: a .torrent of 20 to 40 KB


def automatic_piece_length(total_length: int) -> int:
    """Return the smallest power of two that cuts so many bytes into few enough pieces."""
    piece_length = MIN_PIECE_BYTES
    while (
        total_length > piece_length * MAX_AUTOMATIC_PIECES
        and piece_length < MAX_AUTOMATIC_PIECE_BYTES
    ):
        piece_length *= 2
    return piece_length
