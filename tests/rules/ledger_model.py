"""The ledger in naive sets: every block is missing, held by some peers, or stored."""

from __future__ import annotations

from dataclasses import dataclass

from actortorrent.rules.bitfield import indexes_of
from actortorrent.rules.geometry import Geometry, Run


def block_set(run: Run) -> set[int]:
    return set(indexes_of(run.block_mask))


@dataclass
class Held:
    """What the model knows of a loan of one piece; a lease of a row has one for each."""

    conn: int
    piece_index: int
    blocks: set[int]


Key = tuple[int, int]  # the number of the lease, and the piece


class Model:
    """Keep the state of every block, slowly and plainly."""

    def __init__(self, geometry: Geometry) -> None:
        self.geometry = geometry
        self.held: dict[Key, Held] = {}
        self.filled: set[Key] = set()
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

    def keys_of(self, lease_id: int) -> set[Key]:
        return {key for key in self.held if key[0] == lease_id}

    def byte_count(self, keys: set[Key]) -> int:
        blocks = [(key[1], block) for key in keys for block in self.held[key].blocks]
        return sum(self.geometry.run(piece_index, block, 1).length for piece_index, block in blocks)

    def lend(self, lease_id: int, conn: int, run: Run) -> None:
        for part in self.geometry.split(run):
            held = Held(conn, part.piece_index, block_set(part))
            self.held[lease_id, part.piece_index] = held

    def come_back(self, key: Key, blocks: set[int]) -> None:
        if key in self.held:
            self.held[key].blocks -= blocks
            if not self.held[key].blocks:
                del self.held[key]
                self.filled.discard(key)

    def take_back(self, lease_id: int) -> None:
        for key in self.keys_of(lease_id):
            self.come_back(key, self.held[key].blocks)

    def store(self, lease_id: int, run: Run, verified: set[int]) -> None:
        for part in self.geometry.split(run):
            piece_index = part.piece_index
            self.come_back((lease_id, piece_index), block_set(part))
            if piece_index in verified:
                self.drop_all_of(piece_index)
                self.verified.add(piece_index)
                self.suspects.pop(piece_index, None)
            elif piece_index not in self.verified:
                self.stored[piece_index] |= block_set(part)
                self.drop_useless_of(piece_index)

    def drop_useless_of(self, piece_index: int) -> None:
        for key, held in list(self.held.items()):
            if key[1] == piece_index and held.blocks <= self.stored[piece_index]:
                self.come_back(key, held.blocks)

    def drop_all_of(self, piece_index: int) -> None:
        for key, held in list(self.held.items()):
            if key[1] == piece_index:
                self.come_back(key, held.blocks)
