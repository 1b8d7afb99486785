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


class Streamer:
    """About in order, to play it, but with something that others lack: chapter 10 of the course."""

    AHEAD = 8  # pieces behind the first that is missing, which the player wants soon
    ELSEWHERE = 0.25  # how often a rare piece from anywhere is taken instead

    def choose(self, candidates: Pieces, availability: PieceCounts, rng: random.Random) -> int:
        if rng.random() < self.ELSEWHERE:
            return availability.rarest(candidates).any(rng)
        end = candidates.first() + self.AHEAD
        soon = [piece for piece in candidates if piece < end]
        fewest = min(availability.count(piece) for piece in soon)
        return rng.choice([piece for piece in soon if availability.count(piece) == fewest])
