"""The figures that goals are about: how each follows from the cost of a run, and its unit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.benchmarks.measuring import Cost

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Figure:
    """Take a figure from what a run that moved so many bytes took, and write it with its unit."""

    name: str
    of: Callable[[Cost, int], float]
    text: Callable[[float], str]
    more_is_better: bool = False


RATE = Figure(
    "rate",
    lambda cost, byte_count: byte_count / cost.wall_seconds,
    lambda rate: f"{rate / MIB:.0f} MiB/s",
    more_is_better=True,
)
TIME = Figure("time", lambda cost, _: cost.wall_seconds, lambda seconds: f"{seconds:.2f} s")
CPU = Figure("CPU", lambda cost, _: cost.cpu_seconds, lambda seconds: f"{seconds:.2f} s")
MEMORY = Figure(
    "memory", lambda cost, _: float(cost.peak_bytes), lambda count: f"{count / MIB:.0f} MiB"
)
CORE_SHARE = Figure(
    "share of a core",
    lambda cost, _: cost.cpu_seconds / cost.wall_seconds,
    lambda share: f"{share:.2%}",
)
STEP_TIME = Figure(
    "time", lambda cost, _: cost.wall_seconds, lambda seconds: f"{seconds * 1e6:.1f} µs"
)
