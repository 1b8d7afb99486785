"""What a workload is: who takes part, what one run of each costs, and what is aimed at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.figures import MEMORY, Figure
from tests.benchmarks.measuring import Cost
from tests.benchmarks.stage import Stage

OURS = "actortorrent"
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Party:
    """Take part in a workload.

    Attributes:
        run: do it once, with what is written in an empty folder, and say what it took.
        check: fail unless what was written there is right.
    """

    run: Callable[[Path], Cost]
    check: Callable[[Path], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Ready:
    """Hold those who take part, who take turns, and the bytes that each has to move."""

    parties: Mapping[str, Party]
    byte_count: int = 0


@dataclass(frozen=True, slots=True)
class Goal:
    """Aim at a figure of ours: at least `bound` where more is better, else at most.

    With `against`, the bound is one of the ratio to that party's figure of the same round.
    """

    figure: Figure
    bound: float
    against: str = ""

    def __str__(self) -> str:
        sign = "≥" if self.figure.more_is_better else "≤"
        bound = f"{self.bound:g} x" if self.against else self.figure.text(self.bound)
        return f"{sign} {bound}"

    def is_met_by(self, figure: float) -> bool:
        """Say whether a ratio or figure is what was aimed at."""
        return figure >= self.bound if self.figure.more_is_better else figure <= self.bound


MEMORY_GOAL = Goal(MEMORY, 100 * MIB)


@dataclass(frozen=True, slots=True)
class Workload:
    """Name something to be measured.

    Attributes:
        what: in words, for the table.
        prepare: makes it ready while the block runs; what that takes is not measured.
        most_rounds: of those that take long by nature.
    """

    name: str
    what: str
    prepare: Callable[[Stage], AbstractContextManager[Ready]]
    goals: tuple[Goal, ...]
    most_rounds: int = 100
