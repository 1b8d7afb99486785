"""What it takes to pick a piece for a peer, in a large torrent with many peers.

It is the piece picker alone, in this process: what a peer has changes nothing but the
numbers that it works on.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from actortorrent.rules.availability import Availability
from actortorrent.rules.bitfield import all_pieces
from actortorrent.rules.geometry import Geometry
from actortorrent.rules.piece_ledger import PieceLedger
from actortorrent.rules.piece_picking import Pick, PiecePicker
from tests.benchmarks.measuring import Cost, usage_of_self
from tests.benchmarks.stage import MIB, Stage
from tests.benchmarks.workloads.workload import OURS, Party, Ready

PIECE_BYTES = MIB
OUT_AT_ONCE = 40  # pieces lent and not yet here, as the budget for buffers has it
MOST_PICKS = 20_000


@dataclass(frozen=True, slots=True)
class Picking:
    """Pick pieces, until `MOST_PICKS` or half of them, for peers that each have half of all."""

    pieces: int
    peers: int

    @contextmanager
    def __call__(self, stage: Stage) -> Iterator[Ready]:
        """Have nothing to make."""
        pieces = max(OUT_AT_ONCE, round(self.pieces * stage.scale))
        yield Ready({OURS: Party(partial(self._run, pieces))})

    def _run(self, pieces: int, _: Path) -> Cost:
        """Return the mean of a pick; what is in the books is not timed."""
        dice = random.Random(pieces)
        geometry = Geometry(pieces * PIECE_BYTES, PIECE_BYTES)
        ledger = PieceLedger(geometry, all_pieces(pieces))
        haves = [dice.getrandbits(pieces) for _ in range(self.peers)]
        availability = Availability()
        for have in haves:
            availability.add(have)
        picker = PiecePicker(ledger, availability, geometry, dice)
        before, picks = usage_of_self(), min(MOST_PICKS, pieces // 2)
        seconds = _pick_many(picker, ledger, haves, picks)
        after = usage_of_self()
        return Cost(seconds / picks, after.cpu_seconds - before.cpu_seconds, 0)


def _pick_many(picker: PiecePicker, ledger: PieceLedger, haves: list[int], count: int) -> float:
    """Return the seconds in which so many pieces were picked, for one peer after the other."""
    seconds = 0.0
    out: list[Pick] = []
    for number in range(count):
        conn = number % len(haves)
        began = time.perf_counter()
        pick = next(picker.lend(conn + 1, haves[conn], PIECE_BYTES))
        seconds += time.perf_counter() - began
        out.append(pick)
        if len(out) == OUT_AT_ONCE:
            done = out.pop(0).loan
            ledger.store(done.lease_id, done.run)
            ledger.verify(done.run.piece_index)
    return seconds
