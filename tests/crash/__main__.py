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
from tests.crash.kills import kill_fetches, kill_seeds
from tests.crash.tally import Tally

AT_A_TIME = 2
KILLS_A_JOB = 10
OF_SEEDS, OF_DEMOS = 0.2, 0.06  # of all kills; the others are of fetches
MOST_PERCENT_AGAIN = 2.0
NAME_COLUMNS = 36

Kill = Callable[[Path, int, random.Random], Tally]


def main() -> int:
    """Do it all, and return the exit code."""
    asked = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    asked.add_argument("--count", type=int, default=500, help="so many kills (default: 500)")
    asked.add_argument("--seed", type=int, default=7, help="what is drawn by lot depends on it")
    options = asked.parse_args()
    began = time.monotonic()
    tally = run_kills(options.count, options.seed)
    tell_kills(tally)
    tell("seconds", f"{time.monotonic() - began:.0f}")
    return 0 if not tally.wrong_bytes and tally.percent_again <= MOST_PERCENT_AGAIN else 1


def run_kills(count: int, seed: int) -> Tally:
    """Kill so many processes, of `AT_A_TIME` swarms beside each other."""
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(AT_A_TIME) as pool:
        jobs = enumerate(jobs_of(count))
        running = [
            pool.submit(kill, Path(folder, str(number)), share, random.Random(f"{seed} {number}"))
            for number, (kill, share) in jobs
        ]
        for one in running:
            tally.add(one.result())
    return tally


def jobs_of(count: int) -> Iterator[tuple[Kill, int]]:
    """Yield what is to be killed, and how often, until it is `count` times in all."""
    seeds, demos = round(count * OF_SEEDS), round(count * OF_DEMOS)
    shares = ((kill_demos, demos), (kill_seeds, seeds), (kill_fetches, count - seeds - demos))
    for kill, share in shares:
        for done in range(0, share, KILLS_A_JOB):
            yield kill, min(KILLS_A_JOB, share - done)


def tell_kills(tally: Tally) -> None:
    """Print a figure a row."""
    for victim in sorted({victim for victim, _ in tally.kills}):
        doing = tally.of(victim)
        detail = ", ".join(f"{what} {count}" for what, count in doing.items())
        tell(f"kill -9 of a {victim}", f"{sum(doing.values())}  ({detail})")
    tell("kills", f"{tally.kills.total()}")
    tell("wrong bytes", f"{tally.wrong_bytes}")
    tell("fetched again", f"{tally.percent_again:.2f} %  (of {tally.needed_bytes:,} bytes)")


def tell(name: str, figure: str) -> None:
    """Print one row."""
    print(f"{name:<{NAME_COLUMNS}}{figure}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
