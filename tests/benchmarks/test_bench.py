"""The harness computes right, and each kind of workload runs: small, and once."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from actortorrent.lab.processes import Running
from tests.benchmarks.figures import CORE_SHARE, CPU, MEMORY, RATE, TIME
from tests.benchmarks.growth import AXES, Point, judged, panels
from tests.benchmarks.judging import all_met, verdicts
from tests.benchmarks.measuring import Cost, Spread, measure
from tests.benchmarks.picture import draw
from tests.benchmarks.records import as_json
from tests.benchmarks.rounds import Result, run
from tests.benchmarks.stage import Shape, Stage
from tests.benchmarks.table import table
from tests.benchmarks.workloads import BY_NAME, WORKLOADS
from tests.benchmarks.workloads.swarming import Swarming
from tests.benchmarks.workloads.workload import MEMORY_GOAL, OURS, Goal, Party, Ready, Workload
from tests.peers.needs import need_module

MIB = 1024 * 1024


def cost(wall: float = 1.0, cpu: float = 1.0, mib: int = 50) -> Cost:
    return Cost(wall, cpu, mib * MIB)


def workload(*goals: Goal, parties: dict[str, Party] | None = None) -> Workload:
    @contextmanager
    def prepare(_: Stage) -> Iterator[Ready]:
        yield Ready(parties or {}, 100 * MIB)

    return Workload("name", "what it is", prepare, goals)


def result(goal: Goal, **costs: list[Cost]) -> Result:
    return Result(workload(goal), 100 * MIB, costs)


def test_a_ratio_is_of_runs_of_the_same_round() -> None:
    ours = [cost(wall=1.0), cost(wall=2.0), cost(wall=4.0)]
    theirs = [cost(wall=2.0), cost(wall=3.0), cost(wall=2.0)]
    (verdict,) = verdicts(result(Goal(RATE, 1.4, "other"), actortorrent=ours, other=theirs))
    assert verdict.judged == Spread(median=1.5, low=0.5, high=2.0)
    assert verdict.is_met
    assert verdict.ours.median == 50 * MIB


@pytest.mark.parametrize(
    ("goal", "is_met"),
    [
        (Goal(RATE, 2.0, "other"), True),
        (Goal(RATE, 2.1, "other"), False),
        (Goal(CPU, 0.7, "other"), True),
        (Goal(CPU, 0.5, "other"), False),
        (Goal(TIME, 1.0), True),
        (Goal(TIME, 0.9), False),
        (Goal(CORE_SHARE, 0.6), True),
        (Goal(CORE_SHARE, 0.5), False),
        (Goal(MEMORY, 50 * MIB), True),
        (Goal(MEMORY, 49 * MIB), False),
    ],
    ids=str,
)
def test_a_goal_is_a_floor_where_more_is_better_and_else_a_ceiling(
    goal: Goal, *, is_met: bool
) -> None:
    ours, theirs = [cost(wall=1.0, cpu=0.6)], [cost(wall=2.0, cpu=1.0)]
    measured = result(goal, actortorrent=ours, other=theirs)
    assert [verdict.is_met for verdict in verdicts(measured)] == [is_met]
    assert all_met([measured]) == is_met


def test_of_memory_the_highest_counts() -> None:
    measured = result(MEMORY_GOAL, actortorrent=[cost(mib=60), cost(mib=60), cost(mib=101)])
    assert not all_met([measured])


def test_what_was_not_measured_is_not_judged() -> None:
    measured = result(Goal(RATE, 2.0, "aria2"), actortorrent=[cost()], other=[cost()])
    assert list(verdicts(measured)) == []
    assert "other 100 MiB/s" in table([measured])


def test_the_table_says_for_each_goal_whether_it_is_met() -> None:
    measured = Result(
        workload(Goal(RATE, 1.4, "other"), Goal(CPU, 0.7, "other"), MEMORY_GOAL),
        100 * MIB,
        {OURS: [cost(wall=2.0, cpu=0.5, mib=80)], "other": [cost(wall=4.0, cpu=0.6)]},
    )
    rate, cpu, memory = cells(table([measured]))[2:]
    assert rate == [
        *("what it is", "rate", "50 MiB/s", "other 25 MiB/s", "2.00 x (2.00 to 2.00)"),
        *("≥ 1.4 x", "yes", "80 MiB", "0.50 s"),
    ]
    assert cpu[4:7] == ["0.83 x (0.83 to 0.83)", "≤ 0.7 x", "no"]
    assert memory[0] == "highest peak of 1 workloads"
    assert memory[2:7] == ["80 MiB", "", "in name", "≤ 100 MiB", "yes"]


def cells(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]


def test_parties_take_turns_and_are_checked_in_the_first_round(tmp_path: Path) -> None:
    heard: list[str] = []

    def party(name: str) -> Party:
        def go(into: Path) -> Cost:
            assert list(into.iterdir()) == [], "each finds an empty folder"
            heard.append(name)
            (into / "made").touch()
            return cost()

        return Party(go, lambda into: heard.append(f"{name} {(into / 'made').exists()}"))

    two = workload(parties={OURS: party("a"), "other": party("b")})
    measured = run(two, Stage(tmp_path), rounds=3)
    assert heard == ["a", "a True", "b", "b True", "b", "a", "a", "b"]
    assert [len(costs) for costs in measured.costs.values()] == [3, 3]
    assert list(tmp_path.iterdir()) == []


def test_a_workload_that_fails_is_told_and_ends_no_other(tmp_path: Path) -> None:
    def fail(_: Path) -> Cost:
        raise RuntimeError("it broke\nin two lines")

    measured = run(workload(parties={OURS: Party(fail)}), Stage(tmp_path), rounds=1)
    assert measured.failure == "it broke\nin two lines"
    assert "failed: it broke " in table([measured])
    assert not all_met([measured])
    assert as_json([measured])["name"]


def test_names_of_workloads_differ_and_each_has_a_goal() -> None:
    assert len(BY_NAME) == len(WORKLOADS)
    assert all(workload.goals for workload in WORKLOADS)


def test_a_shape_has_the_bytes_and_files_that_it_says() -> None:
    sizes = Shape(8, 64, files=700).sizes
    assert isinstance(sizes, dict)
    assert len(sizes) == 700
    assert sum(sizes.values()) == 8 * MIB
    assert Shape(1024, 64, files=2000).scaled(1 / 16) == Shape(64, 64, files=125)


def test_an_ideal_swarm_is_as_fast_as_its_seed() -> None:
    assert Swarming(Shape(1, 1), leeches=8, up_mib=10).ideal_seconds(100 * MIB) == 10.0


def point(at: int, rate: float, cpu: float, peak: float) -> Point:
    return Point(at, *(Spread(figure, figure, figure) for figure in (rate, cpu, peak)))


def test_growth_is_judged_by_how_much_its_axis_grew() -> None:
    points = [point(1, 100.0, 1.0, 40.0), point(4, 70.0, 4.1, 80.0)]
    found = [line.partition(":")[0] for line in judged(AXES["peers"], points)]
    assert found == ["no", "yes", "no"], "CPU, memory, and the rate at the last"


def test_growth_is_drawn_as_lines_with_a_name() -> None:
    points = [point(1, 100.0, 1.0, 40.0), point(100, 70.0, 4.1, 80.0)]
    drawn = draw("a title", "peers", panels({"us & others": points}))
    assert drawn.count("<polyline") == 3, "rate, CPU and memory"
    assert "us &amp; others" in drawn


def test_the_benchmark_runs_and_writes_table_and_figures(tmp_path: Path) -> None:
    need_module("libtorrent")
    figures = tmp_path / "figures.json"
    what = ["--only", "fetch-1gib", "--clients", "actortorrent,libtorrent"]
    sizes = ["--rounds", "1", "--scale", "0.001"]
    places = ["--folder", str(tmp_path), "--json", str(figures)]
    command = [sys.executable, "-m", "tests.benchmarks.bench", *what, *sizes, *places]
    with Running(command) as bench:
        bench.wait_for_success()
        bench.wait_for_line(r"libtorrent \d+ MiB/s .*≥ 1.4 x")
    record = json.loads(figures.read_text())
    runs = record["workloads"]["fetch-1gib"]["runs"]
    assert all(runs[client][0]["wall_seconds"] > 0 for client in ("actortorrent", "libtorrent"))
    assert record["machine"]["cores"] >= 1
    assert list(tmp_path.iterdir()) == [figures], "the content is removed"


@pytest.mark.parametrize("name", ["near-limit", "encrypted", "picking", "resume-100gib"])
def test_a_small_one_of_other_kinds_runs(tmp_path: Path, name: str) -> None:
    measured = run(BY_NAME[name], Stage(tmp_path, scale=0.001), rounds=1)
    assert not measured.failure
    assert list(verdicts(measured))


def test_a_run_that_fails_is_no_measurement() -> None:
    with pytest.raises(RuntimeError, match="exit code 3"):
        measure([sys.executable, "-c", "raise SystemExit(3)"])


def test_what_a_run_took_is_told() -> None:
    taken = measure([sys.executable, "-c", "bytearray(50_000_000)"])
    assert taken.wall_seconds > 0
    assert taken.peak_bytes > 50_000_000


def test_the_memory_of_who_measures_does_not_count() -> None:
    ours = bytearray(100_000_000)
    assert measure([sys.executable, "-c", "pass"]).peak_bytes < len(ours)


def test_a_spread_has_a_middle_and_two_ends() -> None:
    assert Spread.of([3.0, 1.0, 8.0]) == Spread(median=3.0, low=1.0, high=8.0)
