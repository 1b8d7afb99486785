"""`make fuzz`: run every target for some time, and print a row of figures for each.

    python -m tests.fuzz [--seconds 600] [TARGET ...]

Each target is a process of its own, one after another. What it learns is kept in `build/fuzz`, so
that the next run goes on from there; a find is written there, too. The exit code says whether
there was one.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import click

from tests.fuzz.targets import NAMES, load

FOLDER = Path("build/fuzz")
UNIT_SECONDS = 10  # more for one input is a find: nothing here may take long
MOST_MEMORY_MIB = 512  # of the whole process; it begins with about 50
PATIENCE_SECONDS = 120  # to start and to end, beside the time of the target

_FIGURES = re.compile(
    r"^#(?P<runs>\d+)\s+\w+\s+cov: (?P<edges>\d+) ft: (?P<features>\d+) corp: (?P<inputs>\d+)",
    re.MULTILINE,
)
_FIND = re.compile(r"Test unit written to (\S+)")


class Row(NamedTuple):
    """What came of a target.

    Attributes:
        runs: how often it was called.
        edges, features: branches of our code that were reached, and in how many ways.
        inputs: how many of them reach something that no other does.
        finds: files with what showed a defect.
    """

    runs: int
    edges: int
    features: int
    inputs: int
    finds: tuple[Path, ...]


@click.command()
@click.option("--seconds", default=600, help="For each target.")
@click.argument("names", nargs=-1, type=click.Choice(NAMES))
def main(seconds: int, names: tuple[str, ...]) -> None:
    """Fuzz some targets, by default all."""
    print(f"{'target':14} {'seconds':>7} {'runs':>10} {'branches':>8} {'ways':>6} inputs finds")
    finds: list[Path] = []
    for name in names or NAMES:
        row = fuzz(name, seconds)
        finds += row.finds
        print(
            f"{name:14} {seconds:7} {row.runs:10,} {row.edges:8} {row.features:6} "
            f"{row.inputs:6} {len(row.finds)}",
            flush=True,
        )
    for find in finds:
        print(f"{find}: see {find.parent / 'log'}")
    sys.exit(bool(finds))


def fuzz(name: str, seconds: int) -> Row:
    """Run one target until its time is over or it finds something."""
    folder = FOLDER / name
    inputs = folder / "inputs"
    inputs.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(load(name).seeds()):
        (inputs / f"seed-{number}").write_bytes(seed)
    options = [
        f"-max_total_time={seconds}",
        f"-timeout={UNIT_SECONDS}",
        f"-rss_limit_mb={MOST_MEMORY_MIB}",
        f"-artifact_prefix={folder}/",
    ]
    command = [sys.executable, "-m", "tests.fuzz.fuzzing", name, *options, str(inputs)]
    with (folder / "log").open("wb") as log:
        done = subprocess.run(
            command, stderr=log, stdout=log, timeout=seconds + PATIENCE_SECONDS, check=False
        )
    row = _row_of((folder / "log").read_text("utf-8", "replace"))
    if done.returncode and not row.finds:
        sys.exit(f"{name} did not run: see {folder / 'log'}")
    return row


def _row_of(log: str) -> Row:
    last = [0, 0, 0, 0]
    for figures in _FIGURES.finditer(log):
        last = list(map(int, figures.groups()))
    return Row(*last, tuple(map(Path, _FIND.findall(log))))


if __name__ == "__main__":
    main()
