class InOrder:
    def choose(self, candidates, availability, rng):
        return min(candidates)
