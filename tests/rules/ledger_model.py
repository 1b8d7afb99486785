"""The ledger in naive sets: every block is missing, held by some peers, or stored."""

from __future__ import annotations

from dataclasses import dataclass

from actortorrent.rules.bitfield import indexes_of
from actortorrent.rules.geometry import Geometry, Run


def block_set(run: Run) -> set[int]:
    return set(indexes_of(run.block_mask))


@dataclass
class Held:
    """What the model knows of a loan."""

    conn: int
    piece_index: int
    blocks: set[int]


class Model:
    """Keep the state of every block, slowly and plainly."""

    def __init__(self, geometry: Geometry) -> None:
        self.geometry = geometry
        self.held: dict[int, Held] = {}
        self.filled: set[int] = set()
        self.stored: dict[int, set[int]] = {index: set() for index in range(geometry.piece_count)}
        self.verified: set[int] = set()
        self.suspects: dict[int, int | None] = {}  # and the peer that was lent of each last

    def blocks_of(self, piece_index: int) -> set[int]:
        return set(range(self.geometry.block_count(piece_index)))

    def holders(self, piece_index: int, block: int) -> list[int]:
        held = self.held.values()
        return [h.conn for h in held if h.piece_index == piece_index and block in h.blocks]

    def missing(self, piece_index: int) -> set[int]:
        held = [h.blocks for h in self.held.values() if h.piece_index == piece_index]
        return self.blocks_of(piece_index).difference(self.stored[piece_index], *held)

    def byte_count(self, lease_ids: set[int]) -> int:
        blocks = [(self.held[i].piece_index, b) for i in lease_ids for b in self.held[i].blocks]
        return sum(self.geometry.run(piece_index, block, 1).length for piece_index, block in blocks)

    def come_back(self, lease_id: int, blocks: set[int]) -> None:
        if lease_id in self.held:
            self.held[lease_id].blocks -= blocks
            if not self.held[lease_id].blocks:
                del self.held[lease_id]
                self.filled.discard(lease_id)

    def drop_all_of(self, piece_index: int) -> None:
        for lease_id, held in list(self.held.items()):
            if held.piece_index == piece_index:
                self.come_back(lease_id, held.blocks)
