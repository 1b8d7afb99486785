class InOrder:
    def choose(self, candidates, availability, rng):
        return candidates.first()


class Streamer:
    """Fetch about in order, to play it, but keep something that others lack."""

    AHEAD = 8  # pieces behind the first that is missing, which the player wants soon
    ELSEWHERE = 0.25  # how often a rare piece from anywhere is taken instead

    def choose(self, candidates, availability, rng):
        if rng.random() < self.ELSEWHERE:
            return availability.rarest(candidates).any(rng)
        end = candidates.first() + self.AHEAD
        soon = [piece for piece in candidates if piece < end]
        fewest = min(availability.count(piece) for piece in soon)
        return rng.choice([piece for piece in soon if availability.count(piece) == fewest])
