"""Be `actortorrent`, with an actor in it that fails when so many pieces are verified."""

from __future__ import annotations

import sys
from typing import Any

from actortorrent.actors.piece_manager import PieceManager
from actortorrent.cli.main import main

PIECES_UNTIL_FAILURE = 400

usual = PieceManager.runs_stored
all_verified: list[int] = []


def failing(manager: PieceManager, conn: int, stored: Any, verified: tuple[int, ...]) -> None:
    all_verified.extend(verified)
    if len(all_verified) >= PIECES_UNTIL_FAILURE:
        raise RuntimeError("planted")
    usual(manager, conn, stored, verified)


if __name__ == "__main__":
    setattr(PieceManager, "runs_stored", failing)  # noqa: B010 - mypy minds assignments
    sys.argv[0] = "actortorrent"
    main()
