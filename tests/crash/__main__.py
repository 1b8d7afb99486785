"""Run the long half: `python -m tests.crash --count 500 --seed 7`; `make crash` does so."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.crash.demo_kills import kill_demos
from tests.crash.failing_case import Case, Plant
from tests.crash.failing_seed import NOT_THERE, ServingCase
from tests.crash.failing_stage import Stage
from tests.crash.handlers import Handler, all_handlers
from tests.crash.kills import kill_fetches, kill_seeds
from tests.crash.power_cuts import Cuts, cut_at_every_step
from tests.crash.storage_life import make_small_content, record_life
from tests.crash.tally import Tally

AT_A_TIME = 2
KILLS_A_JOB = 10
OF_SEEDS, OF_DEMOS = 0.2, 0.06  # of all kills; the others are of fetches
MOST_PERCENT_AGAIN = 2.0
KILLS_A_LIFE = 25  # for so many kills, one life of a storage is cut at every step
SESSIONS_A_LIFE = 4
DISKS_A_STEP = 9  # of the 27 ways to lose what was not synced
MOST_CALLS = 3  # a handler fails when it is called for one of these times
NAME_COLUMNS = 36

Kill = Callable[[Path, int, random.Random], Tally]


def main() -> int:
    """Do it all, and return the exit code."""
    asked = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    asked.add_argument("--count", type=int, default=500, help="so many kills (default: 500)")
    asked.add_argument("--seed", type=int, default=7, help="what is drawn by lot depends on it")
    options = asked.parse_args()
    parts = (fail_handlers, cut_power, kill_processes)
    went_well = [part(options.count, options.seed) for part in parts]
    return 0 if all(went_well) else 1


def fail_handlers(_count: int, seed: int) -> bool:
    """Let each handler fail, while one fetches and while one serves; say whether all is well."""
    began, rng, bad = time.monotonic(), random.Random(seed), 0
    cases: list[tuple[Handler, type[Case]]] = [(one, Case) for one in all_handlers()]
    cases += [(one, ServingCase) for one in all_handlers() if one.actor not in NOT_THERE]
    with tempfile.TemporaryDirectory() as folder, Stage(Path(folder)) as stage:
        for handler, kind in cases:
            plant = Plant(rng.randint(1, MOST_CALLS), is_late=rng.random() < 0.5)
            faults = stage.fail(handler, plant, kind).faults
            bad += bool(faults)
            if faults:
                tell(f"  {handler}", f"{kind.__name__}, {plant}: {'; '.join(faults)}")
    tell("handlers of actors", f"{len(all_handlers())}")
    tell("sessions in which one failed", f"{len(cases)}")
    tell("hung, silent, or not in order", f"{bad}")
    tell_seconds(began)
    return not bad


def cut_power(count: int, seed: int) -> bool:
    """Cut the power at every step of some lives; say whether no record claimed too much."""
    began, cuts = time.monotonic(), Cuts()
    for number in range(count // KILLS_A_LIFE):
        rng = random.Random(f"{seed} {number}")
        with tempfile.TemporaryDirectory() as folder:
            content = make_small_content(Path(folder, "content"), number)
            ops = record_life(content, Path(folder, "into"), SESSIONS_A_LIFE, rng)
            disk = Path(folder, "disk")
            cuts.add(cut_at_every_step(content, ops, disk, rng, disks_a_step=DISKS_A_STEP))
    tell("power cuts, at every step", f"{cuts.steps}")
    tell("disks that they may leave", f"{cuts.disks}")
    tell("pieces claimed on these", f"{cuts.claims}")
    tell("of which the disk lacks", f"{cuts.false_claims}")
    tell_seconds(began)
    return not cuts.false_claims


def kill_processes(count: int, seed: int) -> bool:
    """Kill so many processes, of `AT_A_TIME` swarms beside each other; say whether all is well."""
    began, tally = time.monotonic(), Tally()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(AT_A_TIME) as pool:
        running = [
            pool.submit(kill, Path(folder, str(number)), share, random.Random(f"{seed} {number}"))
            for number, (kill, share) in enumerate(jobs_of(count))
        ]
        for one in running:
            tally.add(one.result())
    tell_kills(tally)
    tell_seconds(began)
    return not tally.wrong_bytes and tally.percent_again <= MOST_PERCENT_AGAIN


def jobs_of(count: int) -> Iterator[tuple[Kill, int]]:
    """Yield what is to be killed, and how often, until it is `count` times in all."""
    seeds, demos = round(count * OF_SEEDS), round(count * OF_DEMOS)
    shares = ((kill_demos, demos), (kill_seeds, seeds), (kill_fetches, count - seeds - demos))
    for kill, share in shares:
        for done in range(0, share, KILLS_A_JOB):
            yield kill, min(KILLS_A_JOB, share - done)


def tell_kills(tally: Tally) -> None:
    """Print what came of kills."""
    for victim in sorted({victim for victim, _ in tally.kills}):
        doing = tally.of(victim)
        detail = ", ".join(f"{what} {count}" for what, count in doing.items())
        tell(f"kill -9 of a {victim}", f"{sum(doing.values())} ({detail})")
    tell("kills", f"{tally.kills.total()}")
    tell("wrong bytes", f"{tally.wrong_bytes}")
    tell("fetched again", f"{tally.percent_again:.2f} % of {tally.needed_bytes:,} bytes")


def tell_seconds(began: float) -> None:
    """Print how long a part took."""
    tell("seconds", f"{time.monotonic() - began:.0f}")


def tell(name: str, figure: str) -> None:
    """Print one row."""
    print(f"{name:<{NAME_COLUMNS}}{figure}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
