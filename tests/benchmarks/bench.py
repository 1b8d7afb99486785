"""Measure ours beside libtorrent, aria2 and what the machine can do, and say which goals are met.

    make bench                                        everything, 5 rounds: half an hour
    make bench OPTIONS=--quick                        everything, small, 1 round: two minutes
    make bench OPTIONS="--only fetch-1gib,many-files --rounds 7"
    make bench OPTIONS="--only fetch-1gib --clients unrecorded,actortorrent,traced"
                                                      what the flight recorder and --trace cost
    make bench OPTIONS="--growth peers,pieces,files"  how cost grows with each of these; pictures
    make bench OPTIONS=--list                         what there is

The parties of a workload take turns in every round, so that what else the machine does falls
on all of them. A client that fetches is a process of its own, timed from its start to its exit
with everything written; after the first round the content is compared byte for byte. CPU and
memory are ours. Ratios are of the runs of one round; their median counts.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks import growth
from tests.benchmarks.clients import COMMANDS
from tests.benchmarks.judging import all_met
from tests.benchmarks.records import as_json, machine
from tests.benchmarks.rounds import run
from tests.benchmarks.stage import Stage
from tests.benchmarks.table import table
from tests.benchmarks.workloads import BY_NAME, WORKLOADS

QUICK_SCALE = 1 / 16
PICTURES = Path("docs/pictures")


def main() -> None:
    """Measure, print a table, and write the figures as JSON."""
    options = _parse()
    if options.list:
        print("\n".join(f"{workload.name:<14} {workload.what}" for workload in WORKLOADS))
        return
    # As it is installed: whoever forbids Python to keep what it compiled measures its compiler.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    record: dict[str, object] = {"machine": machine(), **_settings(options)}
    with _stage(options) as stage:
        if options.growth:
            record["growth"] = growth.measure_and_draw(
                options.growth, stage, options.rounds, options.pictures
            )
        else:
            record["workloads"] = _measure(options, stage)
    options.json.write_text(json.dumps(record, indent=2) + "\n")
    print(f"\nall figures: {options.json}")
    if stage.failures:
        sys.exit(f"failed: {', '.join(stage.failures)}")


def _measure(options: argparse.Namespace, stage: Stage) -> dict[str, object]:
    results = [run(BY_NAME[name], stage, options.rounds) for name in options.only]
    smaller = "" if options.scale == 1 else f"; sizes are {options.scale:g} of what is said"
    print(f"\nmedian of {options.rounds} rounds{smaller}\n\n{table(results)}")
    print("\nall goals are met" if all_met(results) else "\nnot all goals are met")
    stage.failures += [result.workload.name for result in results if result.failure]
    return as_json(results)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", type=_names, default=list(BY_NAME), metavar="NAME,...")
    parser.add_argument("--rounds", type=int, default=0, help="default: 5; quick: 1")
    parser.add_argument("--quick", action="store_true", help="small sizes, 1 round")
    parser.add_argument("--scale", type=float, default=0.0, help="multiply sizes by this")
    parser.add_argument("--clients", type=_clients, default=[], help=", ".join(COMMANDS))
    parser.add_argument("--growth", type=_axes, default=[], metavar=",".join(growth.AXES))
    parser.add_argument("--folder", type=Path, help="for content; default: the temp folder")
    parser.add_argument("--json", type=Path, default=Path("benchmark-results.json"))
    parser.add_argument("--pictures", type=Path, default=PICTURES, help="of --growth")
    parser.add_argument("--list", action="store_true", help="list the workloads")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 5)
    options.scale = options.scale or (QUICK_SCALE if options.quick else 1.0)
    return options


def _names(text: str) -> list[str]:
    return _known(text, BY_NAME)


def _clients(text: str) -> list[str]:
    return _known(text, COMMANDS)


def _axes(text: str) -> list[str]:
    return _known(text, growth.AXES)


def _known(text: str, known: Collection[str]) -> list[str]:
    names = text.split(",")
    if unknown := set(names) - set(known):
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(sorted(unknown))}")
    return names


def _settings(options: argparse.Namespace) -> dict[str, object]:
    return {"rounds": options.rounds, "scale": options.scale}


@contextmanager
def _stage(options: argparse.Namespace) -> Iterator[Stage]:
    """Have a folder for content, which is removed in the end."""
    folder = Path(tempfile.mkdtemp(prefix="actortorrent-bench-", dir=options.folder))
    try:
        yield Stage(folder, options.scale, options.clients)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
