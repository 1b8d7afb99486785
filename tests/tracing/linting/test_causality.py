from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from actortorrent.tracing.events import Event
from actortorrent.tracing.linting import causality
from actortorrent.tracing.linting.causality import Causality
from tests.tracing.traces import event


def found(events: Iterable[Event]) -> list[str]:
    judge = Causality()
    for one in events:
        judge.hear(one)
    return [finding.text for finding in judge.findings]


def test_a_cause_that_began_after_its_effect_is_found() -> None:
    effect = event("x", "B", 5, ms=1, cause="A#3")
    assert found([effect, event("x", "A", 3, ms=2)]) == ["B#5: it began before its cause A#3"]


def test_a_cause_that_is_only_told_late_is_none() -> None:
    effect = event("x", "B", 5, ms=2, cause="A#3")
    assert found([effect, event("x", "A", 3, ms=1)]) == []


def test_a_clock_that_is_not_past_its_cause_is_found() -> None:
    (text,) = found([event("x", "A", 3, ms=1), event("x", "B", 3, ms=2, cause="A#3")])
    assert text == "B#3: its clock is not past that of its cause A#3"


def test_a_moment_that_happened_twice_is_found() -> None:
    assert found([event("x", "A", 3, ms=1), event("y", "A", 3, ms=2)]) == ["A#3 happened twice"]


def test_what_is_remembered_does_not_grow_with_the_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(causality, "REMEMBERED_TICKS", 10)
    monkeypatch.setattr(causality, "MAX_AWAITED", 10)

    def chain() -> Iterator[Event]:
        for lc in range(1, 1000):
            yield event("x", "A", lc, ms=lc, cause=f"A#{lc - 1}" if lc > 1 else "")
            yield event("x", "B", lc + 1, ms=lc, cause=f"Lost#{lc}")
        yield event("x", "A", 1000, ms=1000, cause="A#7")  # long forgotten, yet it was there

    judge = Causality()
    for one in chain():
        judge.hear(one)
    assert judge.findings == []
    assert len(judge._awaited) <= 10
    assert all(len(clock._last) <= 10 for clock in judge._clocks.values())
