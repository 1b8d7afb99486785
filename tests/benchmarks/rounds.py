"""Run a workload: its parties take turns in every round, each in an empty folder.

So what else the machine does falls on all of them. Whoever goes first in one round goes
last in the next. After the first round what was written is checked.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from actortorrent.errors import ActorTorrentError
from tests.benchmarks.measuring import Cost
from tests.benchmarks.stage import Stage
from tests.benchmarks.workloads.workload import Party, Workload


@dataclass(frozen=True, slots=True)
class Result:
    """Hold what each run of each party took, in the order of rounds.

    `failure` says why it was given up; then the rounds before it are all there is.
    """

    workload: Workload
    byte_count: int
    costs: Mapping[str, list[Cost]]
    failure: str = ""


def run(workload: Workload, stage: Stage, rounds: int) -> Result:
    """Measure a workload; whatever fails ends this one only."""
    costs: dict[str, list[Cost]] = {}
    byte_count = 0
    print(f"\n{workload.name}: {workload.what}", flush=True)
    try:
        with workload.prepare(stage) as ready:
            byte_count = ready.byte_count
            costs.update((name, []) for name in ready.parties)
            for number in range(min(rounds, workload.most_rounds)):
                _run_round(number, ready.parties, costs, stage.folder / "into")
    except (ActorTorrentError, AssertionError, OSError, RuntimeError) as error:
        print(f"failed: {error}", flush=True)
        return Result(workload, byte_count, costs, str(error) or type(error).__name__)
    return Result(workload, byte_count, costs)


def _run_round(
    number: int, parties: Mapping[str, Party], costs: dict[str, list[Cost]], into: Path
) -> None:
    names = list(parties)
    turn = number % len(names)
    for name in names[turn:] + names[:turn]:
        cost = _run_once(parties[name], into, checks=number == 0)
        costs[name].append(cost)
        took = f"{cost.wall_seconds:8.3f} s, CPU {cost.cpu_seconds:6.2f} s"
        print(f"  round {number + 1}  {name:<13} {took}", flush=True)


def _run_once(party: Party, into: Path, *, checks: bool) -> Cost:
    into.mkdir()
    os.sync()  # what was written before is not to be paid now
    try:
        cost = party.run(into)
        if checks:
            party.check(into)
    finally:
        shutil.rmtree(into)
    return cost
