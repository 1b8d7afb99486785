"""The results as one table, in Markdown, so that it can stand in a document as it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.benchmarks.figures import CPU, MEMORY, RATE, TIME, Figure
from tests.benchmarks.judging import Verdict, verdicts
from tests.benchmarks.measuring import Cost, Spread
from tests.benchmarks.rounds import Result
from tests.benchmarks.workloads.workload import MEMORY_GOAL, OURS

HEAD = ("workload", "", "ours", "compared with", "median (range)", "goal", "met", "memory", "CPU")


def table(results: Sequence[Result]) -> str:
    """Return a row for each goal of each workload, and one for the memory of all."""
    rows = [row for result in results for row in rows_of(result)]
    if memory := list(_memory_row(results)):
        rows += memory
    widths = [max(len(row[column]) for row in (HEAD, *rows)) for column in range(len(HEAD))]
    rule = tuple("-" * width for width in widths)
    return "\n".join(_line(row, widths) for row in (HEAD, rule, *rows))


def rows_of(result: Result) -> Iterator[tuple[str, ...]]:
    """Yield a row for each goal; what holds for the workload stands in the first."""
    costs = result.costs.get(OURS, [])
    lead = (result.workload.what, *_memory_and_cpu(costs))
    if result.failure:
        reason = result.failure.splitlines()[0][:60]
        yield (lead[0], "", "", "", f"failed: {reason}", "", "no", *lead[1:])
        return
    for verdict in verdicts(result):
        if verdict.goal != MEMORY_GOAL:
            yield (lead[0], *_told(verdict), *lead[1:])
            lead = ("", "", "")
    if lead[0]:  # no goal of it could be judged
        yield (lead[0], *_plain(result, costs), *lead[1:])


def _told(verdict: Verdict) -> tuple[str, ...]:
    goal, figure = verdict.goal, verdict.goal.figure
    other, middle = "", ranged(verdict.judged, figure)
    if verdict.other is not None:
        other = f"{goal.against} {figure.text(verdict.other.median)}"
        judged = verdict.judged
        middle = f"{judged.median:.2f} x ({judged.low:.2f} to {judged.high:.2f})"
    met = "yes" if verdict.is_met else "no"
    return (figure.name, figure.text(verdict.ours.median), other, middle, str(goal), met)


def _plain(result: Result, costs: Sequence[Cost]) -> tuple[str, ...]:
    figure = RATE if result.byte_count else TIME
    parties = {name: spread_of(figure, runs, result) for name, runs in result.costs.items() if runs}
    others = [f"{name} {figure.text(one.median)}" for name, one in parties.items() if name != OURS]
    ours = figure.text(parties[OURS].median) if costs else ""
    return (figure.name, ours, ", ".join(others), "", "", "")


def spread_of(figure: Figure, costs: Sequence[Cost], result: Result) -> Spread:
    """Return the spread of a figure over runs."""
    return Spread.of([figure.of(cost, result.byte_count) for cost in costs])


def ranged(spread: Spread, figure: Figure) -> str:
    """Return a figure with its lowest and highest."""
    low, high = figure.text(spread.low), figure.text(spread.high)
    return f"{figure.text(spread.median)} ({low} to {high})"


def _memory_and_cpu(costs: Sequence[Cost]) -> tuple[str, str]:
    if not costs:
        return "", ""
    peak = max(cost.peak_bytes for cost in costs)
    cpu = Spread.of([cost.cpu_seconds for cost in costs])
    return MEMORY.text(peak) if peak else "", CPU.text(cpu.median)


def _memory_row(results: Sequence[Result]) -> Iterator[tuple[str, ...]]:
    """Yield the highest peak of those workloads that may all use so much."""
    peaks = [
        (cost.peak_bytes, result.workload.name)
        for result in results
        if MEMORY_GOAL in result.workload.goals
        for cost in result.costs.get(OURS, [])
    ]
    if peaks:
        peak, name = max(peaks)
        met = "yes" if MEMORY_GOAL.is_met_by(peak) else "no"
        text = MEMORY.text(peak)
        what = f"highest peak of {len({name for _, name in peaks})} workloads"
        yield (what, "memory", text, "", f"in {name}", str(MEMORY_GOAL), met, text, "")


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
    return f"| {' | '.join(cells)} |"
