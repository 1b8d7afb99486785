"""What chapter 6 says of the endgame is true in a new run."""

from __future__ import annotations

from pathlib import Path

from tests.learn.claims import connections, decisions, wire
from tests.learn.running import in_most_runs_of

RUN = "endgame"
PIECES = 10
MOST_AT_ONCE = 3


@in_most_runs_of(6)
def test_once_all_is_asked_for_the_same_pieces_are_asked_of_others(fresh: Path) -> None:
    picks = decisions(fresh / RUN / "leech-1.trace", "pick_piece")
    first = next(index for index, one in enumerate(picks) if one["rule"] == "endgame")
    lent = {piece for one in picks[:first] for piece in one.get("pieces", [one["chosen"]])}
    assert lent == set(range(PIECES)), "all is promised"
    again = [one["chosen"] for one in picks[first:] if one["rule"] == "endgame"]
    assert again
    assert set(again) <= set(range(PIECES))


@in_most_runs_of(6)
def test_no_block_is_asked_of_more_than_three_at_a_time(fresh: Path) -> None:
    path = fresh / RUN / "leech-1.trace"
    asked: dict[tuple[int, int], set[str]] = {}
    for actor in connections(path):
        for way, kind, data in wire(path, actor):
            if (way, kind) == ("sent", "request"):
                fields = data["fields"]
                block = (fields["piece_index"], fields["block_offset"])
                asked.setdefault(block, set()).add(actor)
    assert max(map(len, asked.values())) in range(2, MOST_AT_ONCE + 1)


@in_most_runs_of(6)
def test_the_slow_seed_is_told_to_forget_blocks_that_it_had_not_sent(fresh: Path) -> None:
    path = fresh / RUN / "slow-seed.trace"
    (leech,) = connections(path)
    said = [(way, kind, data.get("fields", {})) for way, kind, data in wire(path, leech)]
    requests, cancels, pieces = (
        {
            (one["piece_index"], one["block_offset"])
            for way, kind, one in said
            if (way, kind) == what
        }
        for what in (("received", "request"), ("received", "cancel"), ("sent", "piece"))
    )
    assert cancels
    assert cancels <= requests
    assert len(pieces) < len(requests) / 2, "the others were so much faster"
