"""How rate, CPU and memory of a fetch grow with the peers, the pieces and the files.

Each axis is a row of fetches that differ in that alone. What is aimed at: CPU and memory
grow no faster than the axis does, and from the first point to the last the rate does not
fall by more than a quarter where the axis says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

from tests.benchmarks.figures import MIB, RATE
from tests.benchmarks.measuring import Cost, Spread
from tests.benchmarks.picture import Line, Panel, draw
from tests.benchmarks.rounds import Result, run
from tests.benchmarks.stage import Shape, Stage
from tests.benchmarks.workloads.fetching import Fetching
from tests.benchmarks.workloads.workload import OURS, Workload

GIB = 1024 * MIB
LEAST_RATE_KEPT = 0.75  # of the first point's, at the last


@dataclass(frozen=True, slots=True)
class Axis:
    """Name what grows, and the fetch at each point of it."""

    name: str
    points: dict[int, Fetching]
    keeps_rate: bool = False


@dataclass(frozen=True, slots=True)
class Point:
    """Hold medians and ranges at one point: rate in bytes a second, CPU in seconds a GiB."""

    at: int
    rate: Spread
    cpu_a_gib: Spread
    peak_bytes: Spread


AXES = {
    axis.name: axis
    for axis in (
        Axis(
            "peers",
            {count: Fetching(Shape(1024, 1024), count) for count in (1, 4, 20, 100)},
            keeps_rate=True,
        ),
        Axis(
            "pieces",
            {1600 * 1024 // kib: Fetching(Shape(1600, kib)) for kib in (1024, 128, 16)},
        ),
        Axis("files", {n: Fetching(Shape(512, 256, files=n)) for n in (1, 1000, 20_000)}),
    )
}


def measure_and_draw(
    names: Sequence[str], stage: Stage, rounds: int, pictures: Path
) -> dict[str, object]:
    """Measure axes, draw a picture of each, and return the figures for the record."""
    record: dict[str, object] = {}
    for name in names:
        found, findings = _measure(AXES[name], stage, rounds)
        pictures.mkdir(parents=True, exist_ok=True)
        picture = pictures / f"growth-{name}.svg"
        picture.write_text(draw(f"fetching, by the number of {name}", name, panels(found)))
        print(f"\n{told(name, found)}\n\n" + "\n".join(findings) + f"\ndrawn: {picture}")
        record[name] = {
            "points": {client: [asdict(one) for one in found[client]] for client in found},
            "findings": findings,
        }
    return record


def _measure(axis: Axis, stage: Stage, rounds: int) -> tuple[dict[str, list[Point]], list[str]]:
    found: dict[str, list[Point]] = {}
    findings = []
    for at, fetching in axis.points.items():
        workload = Workload(f"{axis.name}-{at}", f"{at:,} {axis.name}", fetching, ())
        result = run(workload, stage, rounds)
        if result.failure:
            stage.failures.append(workload.name)
            findings.append(f"no: {workload.name} failed: {result.failure.splitlines()[0]}")
        for client, costs in result.costs.items():
            if costs:
                found.setdefault(client, []).append(_point(at, costs, result))
    return found, [*findings, *judged(axis, found.get(OURS, []))]


def _point(at: int, costs: Sequence[Cost], result: Result) -> Point:
    size = result.byte_count
    return Point(
        at,
        Spread.of([RATE.of(cost, size) for cost in costs]),
        Spread.of([cost.cpu_seconds * GIB / size for cost in costs]),
        Spread.of([float(cost.peak_bytes) for cost in costs]),
    )


def judged(axis: Axis, points: Sequence[Point]) -> list[str]:
    """Return, in a line each, whether the points are as aimed at."""
    lines = []
    for before, after in pairwise(points):
        grown = after.at / before.at
        for what in ("cpu_a_gib", "peak_bytes"):
            ratio = getattr(after, what).median / getattr(before, what).median
            span = f"from {before.at:,} to {after.at:,} {axis.name}"
            verdict = "yes" if ratio <= grown else "no"
            lines.append(f"{verdict}: {span}, {what} grows {ratio:.2f} x (≤ {grown:,.0f} x)")
    if axis.keeps_rate and len(points) > 1:
        kept = points[-1].rate.median / points[0].rate.median
        verdict = "yes" if kept >= LEAST_RATE_KEPT else "no"
        lines.append(f"{verdict}: the rate at the last is {kept:.2f} x the first's (≥ 0.75 x)")
    return lines


def told(name: str, found: dict[str, list[Point]]) -> str:
    """Return the points as a table in Markdown."""
    lines = [f"| {name} | client | rate | CPU a GiB | peak memory |", "|---|---|---|---|---|"]
    lines += [
        f"| {one.at:,} | {client} | {one.rate.median / MIB:.0f} MiB/s"
        f" | {one.cpu_a_gib.median:.2f} s | {one.peak_bytes.median / MIB:.0f} MiB |"
        for client, points in found.items()
        for one in points
    ]
    return "\n".join(lines)


def panels(found: dict[str, list[Point]]) -> list[Panel]:
    """Return what is drawn: a panel a figure, in each a line a client."""
    figures = (
        ("rate, MiB/s", "rate", MIB),
        ("CPU a GiB, s", "cpu_a_gib", 1),
        ("peak memory, MiB", "peak_bytes", MIB),
    )
    return [
        Panel(
            title,
            [
                Line(client, [(one.at, _scaled(getattr(one, figure), unit)) for one in points])
                for client, points in found.items()
            ],
        )
        for title, figure, unit in figures
    ]


def _scaled(spread: Spread, unit: int) -> Spread:
    return Spread(spread.median / unit, spread.low / unit, spread.high / unit)
