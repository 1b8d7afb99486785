"""Attack the client in every way that has a name, and print what came of each, a row each.

::

    python -m tests.hostile                # all of it, and the figures: some minutes
    python -m tests.hostile --list         # names and sentences only
    python -m tests.hostile --only crowd   # the families or behaviours with this in their names
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.hostile.behaviours import Behaviour
from tests.hostile.figures import Figure, Played, all_figures, figures_of
from tests.hostile.outcomes import Outcome
from tests.hostile.stages import STAGES, Arena, Stage
from tests.hostile.vitals import MIB

MOST_WHY = 60  # characters of a reason, in a row
HEAD = (
    "| behaviour | what it does | the log says | MiB more | served ms | threads, descriptors more |"
)
RULE = "|---|---|---|---|---|---|"


def main() -> int:
    """Do what the arguments ask for, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__)
    parser.add_argument("--list", action="store_true", help="only list the behaviours")
    parser.add_argument("--only", default="", help="those with this in their names")
    given = parser.parse_args()
    if given.list:
        _list()
        return 0
    with tempfile.TemporaryDirectory() as name:
        return _attack(Path(name), given.only)


def _list() -> None:
    for stage in STAGES:
        for behaviour in stage.behaviours:
            print(f"{behaviour}: {behaviour.does}")
    print(f"{sum(len(stage.behaviours) for stage in STAGES)} behaviours")


def _attack(folder: Path, only: str) -> int:
    print(HEAD, RULE, sep="\n", flush=True)
    played = [_play(stage, folder / stage.name, only) for stage in STAGES]
    figures = [] if only else [*figures_of(played), *all_figures(folder)]
    print("\n| figure | found | goal |", "|---|---|---|", sep="\n")
    for figure in figures:
        print(_figure_row(figure))
    has_survived = all(one.has_survived for one in played)
    return 0 if has_survived and all(figure.is_met for figure in figures) else 1


def _play(stage: Stage, folder: Path, only: str) -> Played:
    """Let all of a stage happen that is wanted, and print what came of it."""
    chosen = [behaviour for behaviour in stage.behaviours if only in str(behaviour)]
    played = Played(stage.name)
    if chosen:
        with stage.open(folder) as arena:
            for behaviour in chosen:
                _meet(arena, behaviour, played)
            arena.finish()
            played.complaints = arena.complaints()
    return played


def _meet(arena: Arena, behaviour: Behaviour, played: Played) -> None:
    try:
        outcome = arena.meet(behaviour)
    except AssertionError as error:
        print(f"| {behaviour} | {behaviour.does} | **{error}** | | | |", flush=True)
        played.failed.append(str(behaviour))
        return
    faults = outcome.faults(behaviour)
    print(_row(behaviour, outcome, faults), flush=True)
    played.outcomes[str(behaviour)] = outcome
    if faults:
        played.failed.append(str(behaviour))


def _row(behaviour: Behaviour, outcome: Outcome, faults: list[str]) -> str:
    whys = [why for why in outcome.whys if behaviour.why and behaviour.is_told_by([why])]
    told = ascii(whys[0])[1:-1][:MOST_WHY] if whys else "-"
    said = f"**{'; '.join(faults)}**" if faults else told
    served = f"{1000 * outcome.served_seconds:.0f}" if outcome.served_seconds else "-"
    left = f"{outcome.threads}, {outcome.descriptors}"
    more = f"{max(0, outcome.growth_bytes) / MIB:.1f}"
    cells = (str(behaviour), behaviour.does, said.replace("|", "/"), more, served, left)
    return f"| {' | '.join(cells)} |"


def _figure_row(figure: Figure) -> str:
    mark = "" if figure.is_met else " (missed)"
    return f"| {figure.what} | {figure.found}{mark} | {figure.goal} |"


if __name__ == "__main__":
    sys.exit(main())
