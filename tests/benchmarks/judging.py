"""Compare figures with goals: ratios are of runs of the same round, and their median counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.benchmarks.measuring import Spread
from tests.benchmarks.rounds import Result
from tests.benchmarks.workloads.workload import MEMORY_GOAL, OURS, Goal


@dataclass(frozen=True, slots=True)
class Verdict:
    """Say what came of a goal.

    Attributes:
        ours: the figure itself.
        other: that of the party compared with, if there is one.
        judged: the ratio of both, round by round, or else the figure itself.
    """

    goal: Goal
    ours: Spread
    other: Spread | None
    judged: Spread

    @property
    def is_met(self) -> bool:
        """Say whether the median is what was aimed at; of memory, the highest."""
        is_worst = self.goal == MEMORY_GOAL
        return self.goal.is_met_by(self.judged.high if is_worst else self.judged.median)


def verdicts(result: Result) -> Iterator[Verdict]:
    """Yield what came of each goal of which both sides were measured."""
    for goal in result.workload.goals:
        ours = figures(result, goal, OURS)
        if not goal.against:
            if ours:
                yield Verdict(goal, Spread.of(ours), None, Spread.of(ours))
            continue
        other = figures(result, goal, goal.against)
        if pairs := list(zip(ours, other, strict=False)):  # a round may be without its end
            ratios = [mine / theirs for mine, theirs in pairs]
            yield Verdict(goal, Spread.of(ours), Spread.of(other), Spread.of(ratios))


def figures(result: Result, goal: Goal, party: str) -> list[float]:
    """Return what a goal is about for each run of a party."""
    return [goal.figure.of(cost, result.byte_count) for cost in result.costs.get(party, [])]


def all_met(results: Iterable[Result]) -> bool:
    """Say whether everything ran, and came to what was aimed at."""
    return all(
        not result.failure and all(verdict.is_met for verdict in verdicts(result))
        for result in results
    )
