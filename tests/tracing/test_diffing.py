from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from actortorrent.tracing.diffing import NodeDifference, compare
from actortorrent.tracing.events import Event
from tests.tracing.traces import HEADER, event


def pick(lc: int, piece: int, rule: str = "rarest first", **more: Any) -> Event:
    told = {"chosen": piece, "peer": "Peer-2", "rule": rule, **more}
    return event("actor:decision", "PieceManager", lc, what="pick_piece", **told)


def difference(first: Iterable[Event], second: Iterable[Event]) -> NodeDifference:
    (node,) = compare((HEADER, first), (HEADER, second)).nodes
    return node


def test_a_row_is_compared_piece_by_piece() -> None:
    row, alone = [pick(1, 4, pieces=[4, 5, 6])], [pick(n, 3 + n) for n in (1, 2, 3)]
    assert difference(row, alone).first_other_pick is None
    assert difference(row, alone[:2]).first_other_pick == 2
    begun = [*alone[:2], pick(3, 6, "piece already begun")]
    assert difference(row, begun).pieces_with_other("rule") == [6]


def test_a_piece_that_is_picked_again_was_picked_once() -> None:
    again = [pick(1, 4, pieces=[4, 5]), pick(2, 5, "endgame"), pick(3, 4, "endgame")]
    told = difference(again, [pick(1, 4), pick(2, 5)])
    assert told.first_other_pick is None
    assert told.pieces_with_other("rule") == []
