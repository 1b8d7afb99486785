"""Be `actortorrent`, with an actor in it that fails when so many pieces are verified."""

from __future__ import annotations

import sys
from typing import Any

from actortorrent.actors.piece_manager import PieceManager
from actortorrent.cli.main import main

PIECES_UNTIL_FAILURE = 400

usual = PieceManager.pieces_verified
verified: list[int] = []


def failing(manager: PieceManager, piece_indexes: tuple[int, ...], *args: Any) -> None:
    verified.extend(piece_indexes)
    if len(verified) >= PIECES_UNTIL_FAILURE:
        raise RuntimeError("planted")
    usual(manager, piece_indexes, *args)


if __name__ == "__main__":
    setattr(PieceManager, "pieces_verified", failing)  # noqa: B010 - mypy minds assignments
    sys.argv[0] = "actortorrent"
    main()
