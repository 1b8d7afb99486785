"""Fewer events than there were, for traces too long to show each: repeats are folded.

Events of one actor and kind are repeats of each other. Where there are too many
events, each such group may keep a number of them, the same for all groups, and the
others are folded into the one kept before them. So what is rare is kept whole, and
what is kept says for how many it stands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable


class Folding:
    """Decide, group by group, which events are kept.

    Args:
        counts: how many events each group has.
        most: how many events are to be kept in all.
    """

    def __init__(self, counts: Counter[Hashable], most: int) -> None:
        quota = quota_for(counts.values(), most)
        self.is_folding = quota is not None
        self._step = {group: -(-count // quota) if quota else 1 for group, count in counts.items()}
        self._seen: Counter[Hashable] = Counter()

    def keeps(self, group: Hashable) -> bool:
        """Say whether the next event of a group is kept, or folded into the one before it."""
        number = self._seen[group]
        self._seen[group] += 1
        return number % self._step[group] == 0


def quota_for(counts: Iterable[int], most: int) -> int | None:
    """Return how many events each group may keep, so that there are `most`; None if all may."""
    waiting = sorted(counts)
    if sum(waiting) <= most:
        return None
    left = most
    for number, count in enumerate(waiting):
        share = left // (len(waiting) - number)
        if count > share:
            return max(1, share)
        left -= count
    return None
