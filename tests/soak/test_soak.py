"""The long run's fast half: the same run, for some seconds; and that it would tell what grows."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from tests.soak.judging import (
    MOST_DESCRIPTORS,
    MOST_MEMORY_MIB,
    MOST_THREADS,
    WARM_UP_SHARE,
    Left,
    Sample,
    Seen,
    growth,
    judged,
    picture,
)
from tests.soak.running import Course, run

TORRENTS = 15
# While the flight recorder and the allocator's pools still fill; to keep what was fetched takes 24.
MOST_GROWTH_MIB = 20.0


def flat(seconds: int = 1000) -> Seen:
    """Return what is seen of a process that does not grow, though it goes up and down."""
    samples = tuple(
        Sample(float(at), 40 + at % 7, threads=9 + at % 3, descriptors=12 + at % 5)
        for at in range(seconds)
    )
    return Seen(float(seconds), samples, (170_000,) * 250, 2000, 0, Left(0, 0, 0))


def grown(seen: Seen, **by: float) -> Seen:
    """Return the same of one that has so much more of something at the end of each second."""
    samples = [
        replace(one, **{name: getattr(one, name) + one.seconds * more for name, more in by.items()})
        for one in seen.samples
    ]
    return replace(seen, samples=tuple(samples))


def test_fifteen_torrents_in_a_row_leave_nothing_behind_while_peers_come_and_go(
    tmp_path: Path,
) -> None:
    course = Course(seconds=600, torrents=TORRENTS, rate=None, period_seconds=0.03)
    seen = run(course, tmp_path)
    assert (len(seen.blocks), seen.wrong) == (TORRENTS, 0)
    assert seen.visits > TORRENTS
    assert seen.left == Left(threads=0, actors=0, descriptors=0)
    assert growth([(one.seconds, one.memory_mib) for one in seen.samples]) < MOST_GROWTH_MIB
    assert list(tmp_path.iterdir()) == [tmp_path / "seeded"]


def test_what_goes_up_and_down_is_flat() -> None:
    assert [row.name for row in judged(flat()) if not row.is_met] == []


@pytest.mark.parametrize(
    ("figure", "most"),
    [
        ("memory_mib", MOST_MEMORY_MIB),
        ("threads", MOST_THREADS),
        ("descriptors", MOST_DESCRIPTORS),
    ],
)
def test_what_grows_beyond_its_bound_is_not(figure: str, most: float) -> None:
    seconds = 1000 * (1 - WARM_UP_SHARE)
    assert _failed(grown(flat(), **{figure: 0.9 * most / seconds})) == []
    (name,) = _failed(grown(flat(), **{figure: 1.1 * most / seconds}))
    assert figure.partition("_")[0] in name


def test_growth_in_the_warm_up_does_not_count() -> None:
    seen = flat()
    samples = [
        replace(one, memory_mib=one.memory_mib - max(0.0, 20 - one.seconds)) for one in seen.samples
    ]
    assert _failed(replace(seen, samples=tuple(samples))) == []


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"wrong": 1}, "wrong byte"),
        ({"visits": 0}, "came and went"),
        ({"blocks": (170_000,) * 199}, "one after another"),
        ({"blocks": tuple(range(170_000, 200_000, 30))}, "memory blocks"),
        ({"left": Left(threads=1, actors=0, descriptors=0)}, "left when"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_each_other_figure_can_fail(wrong: dict[str, object], name: str) -> None:
    (failed,) = _failed(replace(flat(), **wrong))  # type: ignore[arg-type]
    assert name in failed


def test_the_picture_has_a_panel_a_figure_with_its_unit_and_time_runs_evenly() -> None:
    drawn = picture(flat(seconds=600))
    assert drawn.count("<polyline") == 3
    assert "memory, MiB" in drawn
    line = next(one for one in drawn.splitlines() if "<polyline" in one)
    places = [float(point.partition(",")[0]) for point in line.split('"')[1].split()]
    steps = {round(after - before) for before, after in pairwise(places)}
    assert len(places) == 10
    assert len(steps) == 1


def _failed(seen: Seen) -> list[str]:
    return [row.name for row in judged(seen) if not row.is_met]
