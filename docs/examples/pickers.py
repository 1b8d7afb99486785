"""Policies for picking pieces, as examples: actortorrent fetch --picker pickers.py:Backwards."""

from __future__ import annotations

import random

from actortorrent import PieceCounts, Pieces


class Backwards:
    """The last piece first: the shortest policy there is."""

    def choose(self, candidates: Pieces, availability: PieceCounts, rng: random.Random) -> int:
        return max(candidates)


class CommonestFirst:
    """The piece that most peers have: what rarest first must not be mistaken for."""

    def choose(self, candidates: Pieces, availability: PieceCounts, rng: random.Random) -> int:
        most = max(availability.count(piece) for piece in candidates)
        return rng.choice([one for one in candidates if availability.count(one) == most])


class Window:
    """In order, but within the next few pieces the rarest: to play a film, and help others."""

    PIECES = 16

    def choose(self, candidates: Pieces, availability: PieceCounts, rng: random.Random) -> int:
        first = candidates.first()
        window = [piece for piece in candidates if piece < first + self.PIECES]
        return min(window, key=availability.count)
