"""What came of so many kills, as figures."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Tally:
    """Count what came of kills.

    Attributes:
        kills: by what was killed, and what that was doing.
        wrong_bytes: claimed by a record, or left by a finished fetch, and not right.
        needed_bytes: what the fetches had to fetch.
        came_bytes: what they were sent.
    """

    kills: Counter[tuple[str, str]] = field(default_factory=Counter)
    wrong_bytes: int = 0
    needed_bytes: int = 0
    came_bytes: int = 0

    def add(self, other: Tally) -> None:
        """Add what another counted."""
        self.kills += other.kills
        self.wrong_bytes += other.wrong_bytes
        self.needed_bytes += other.needed_bytes
        self.came_bytes += other.came_bytes

    @property
    def percent_again(self) -> float:
        """Return how much was fetched more than once, in percent of what was needed."""
        return 100 * (self.came_bytes / self.needed_bytes - 1) if self.needed_bytes else 0.0

    def of(self, victim: str) -> dict[str, int]:
        """Return how often one kind of victim was killed, by what it was doing."""
        return {doing: n for (whom, doing), n in sorted(self.kills.items()) if whom == victim}
