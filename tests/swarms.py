"""Draw swarms and pieces in tests: one character a piece, `#` for one that is there.

`swarm("A: ##..", "B: .#.#")` is a swarm of two peers and four pieces.
"""

from __future__ import annotations

from dataclasses import dataclass

from actortorrent.rules.availability import Availability
from actortorrent.rules.bitfield import mask_of


@dataclass(frozen=True, slots=True)
class DrawnSwarm:
    """Hold a swarm as it was drawn: `pieces["A"]` are those of peer A, bit i is piece i."""

    piece_count: int
    pieces: dict[str, int]
    availability: Availability

    def conn(self, name: str) -> int:
        """Return the number of a peer's connection: 1 for the first that was drawn."""
        return 1 + list(self.pieces).index(name)


def swarm(*peers: str) -> DrawnSwarm:
    """Return the swarm drawn as `name: pieces`, a line a peer."""
    drawings = dict(peer.split(": ") for peer in peers)
    (piece_count,) = {len(drawing) for drawing in drawings.values()}
    pieces = {name: drawn(drawing) for name, drawing in drawings.items()}
    availability = Availability()
    for mask in pieces.values():
        availability.add(mask)
    return DrawnSwarm(piece_count, pieces, availability)


def drawn(drawing: str) -> int:
    """Return the set of pieces drawn, as `##..`."""
    assert set(drawing) <= set("#."), drawing
    return mask_of(index for index, piece in enumerate(drawing) if piece == "#")


def draw(pieces: int, piece_count: int) -> str:
    """Draw a set of pieces."""
    return "".join("#" if pieces >> index & 1 else "." for index in range(piece_count))
