"""What was seen of a long run, and whether it is flat.

Growth is that of the straight line that fits best, over all the time after the warm-up: single
samples go up and down with the peers that are there.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tests.benchmarks.measuring import Spread
from tests.benchmarks.picture import Line, Panel, draw

WARM_UP_SHARE = 1 / 3  # of the time: recorders fill, and the allocator finds its size
MOST_MEMORY_MIB = 3.0  # more than at the warm-up's end, when all is over
MOST_THREADS = MOST_DESCRIPTORS = 1.0
# Of memory that Python has handed out; an object takes one or two. A seed remembers of its last
# 10,000 connections who it was: about five blocks a visit, and there are two visits a torrent.
MOST_BLOCKS_A_TORRENT = 20.0
LEAST_TORRENTS = 200  # in a run of some length
LONG_SECONDS = 600
STRETCHES = 10  # that a picture shows

Points = Sequence[tuple[float, float]]  # when, in seconds, and how much


@dataclass(frozen=True, slots=True)
class Sample:
    """Hold what the process had at one moment."""

    seconds: float
    memory_mib: float
    threads: int
    descriptors: int


@dataclass(frozen=True, slots=True)
class Left:
    """Say what the process had left when all sessions were over, besides what it began with."""

    threads: int
    actors: int
    descriptors: int


@dataclass(frozen=True, slots=True)
class Seen:
    """Hold all that was seen of a run.

    Attributes:
        blocks: of memory, that Python had handed out after each torrent; one entry a torrent.
        visits: peers that came, and went.
        wrong: torrents whose content was not what it should be.
    """

    seconds: float
    samples: tuple[Sample, ...]
    blocks: tuple[int, ...]
    visits: int
    wrong: int
    left: Left


@dataclass(frozen=True, slots=True)
class Row:
    """Hold a figure for people, its goal, and whether that is met."""

    name: str
    figure: str
    goal: str
    is_met: bool

    def __str__(self) -> str:
        verdict = "yes" if self.is_met else "NO"
        return f"{self.name:<44} {self.figure:<38} {self.goal:<18} {verdict}"


Take = Callable[[Sample], float]
FIGURES: tuple[tuple[str, Take, float, str], ...] = (
    ("memory", lambda one: one.memory_mib, MOST_MEMORY_MIB, " MiB"),
    ("threads", lambda one: one.threads, MOST_THREADS, ""),
    ("descriptors", lambda one: one.descriptors, MOST_DESCRIPTORS, ""),
)


def growth(points: Points) -> float:
    """Return by how much a figure grows from the warm-up's end to the last point."""
    warm = points[int(len(points) * WARM_UP_SHARE) :]
    if len(warm) < 2:
        return 0.0
    slope, _ = statistics.linear_regression(*zip(*warm, strict=True))
    return slope * (warm[-1][0] - warm[0][0])


def judged(seen: Seen) -> Iterator[Row]:
    """Yield a row for each figure."""
    least = LEAST_TORRENTS if seen.seconds >= LONG_SECONDS else 1
    fetched, left = len(seen.blocks), seen.left
    yield Row("torrents fetched, one after another", f"{fetched:,}", f"≥ {least}", fetched >= least)
    yield Row("... of these with a wrong byte", f"{seen.wrong}", "0", not seen.wrong)
    yield Row("peers that came and went", f"{seen.visits:,}", "some", seen.visits > 0)
    for name, take, most, unit in FIGURES:
        grown = growth([(one.seconds, take(one)) for one in seen.samples])
        spread = Spread.of([take(one) for one in seen.samples])
        figure = f"{grown:+.2f}{unit} ({spread.low:.4g} to {spread.high:.4g})"
        yield Row(f"growth of {name} after the warm-up", figure, f"≤ {most:g}{unit}", grown <= most)
    yield _judged_blocks(seen.blocks)
    what = f"{left.threads} threads, {left.actors} actors, {left.descriptors} descriptors"
    is_met = not (left.threads or left.actors or left.descriptors)
    yield Row("left when all sessions are over", what, "nothing", is_met)


def _judged_blocks(blocks: Sequence[int]) -> Row:
    grown = growth(list(enumerate(map(float, blocks)))) / max(1, len(blocks) * (1 - WARM_UP_SHARE))
    figure = f"{grown:+.1f} (of {statistics.median(blocks):,.0f})"
    goal = f"≤ {MOST_BLOCKS_A_TORRENT:g}"
    is_met = grown <= MOST_BLOCKS_A_TORRENT
    return Row("growth of Python's memory blocks a torrent", figure, goal, is_met)


def picture(seen: Seen) -> str:
    """Return the samples as SVG: of each stretch the median, and the range as a bar."""
    is_long = seen.seconds >= LONG_SECONDS
    axis, unit = ("minutes", 60) if is_long else ("seconds", 1)
    panels = [
        Panel(
            f"{name},{suffix}" if suffix else name,
            [Line("one process", _stretches(seen, take, unit))],
            grows_by_factors=False,
        )
        for name, take, _, suffix in FIGURES
    ]
    fetched = f"{len(seen.blocks):,} torrents, {seen.visits:,} peers come and gone"
    return draw(f"a long run: {fetched}", axis, panels)


def _stretches(seen: Seen, take: Take, unit: int) -> list[tuple[int, Spread]]:
    points = []
    for number in range(STRETCHES):
        begin, end = (seen.seconds * at / STRETCHES for at in (number, number + 1))
        figures = [take(one) for one in seen.samples if begin <= one.seconds < end]
        if figures:
            points.append((round(end / unit), Spread.of(figures)))
    return points
