"""How much everybody asks for at a time (BEP 3); alone here, as what only hashes needs no messages."""

from __future__ import annotations

USUAL_BLOCK_BYTES = 16 * 1024  # but at the end of a piece
