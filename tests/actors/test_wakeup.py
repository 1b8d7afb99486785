from __future__ import annotations

import select
from collections.abc import Iterator
from contextlib import closing

import pytest

from actortorrent.actors import wakeup
from actortorrent.actors.wakeup import WakeUp


@pytest.fixture(params=["eventfd", "socketpair"])
def wake_up(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[WakeUp]:
    if request.param == "socketpair":
        monkeypatch.setattr(wakeup, "HAS_EVENTFD", False)
    elif not wakeup.HAS_EVENTFD:
        pytest.skip("there is no eventfd on this system")
    with closing(WakeUp()) as wake_up:
        yield wake_up


def is_set(wake_up: WakeUp) -> bool:
    return bool(select.select([wake_up.fileno()], [], [], 0)[0])


def test_it_is_readable_between_set_and_clear(wake_up: WakeUp) -> None:
    seen = [is_set(wake_up)]
    for step in (wake_up.set, wake_up.clear, wake_up.set, wake_up.clear):
        step()
        seen.append(is_set(wake_up))
    assert seen == [False, True, False, True, False]


def test_closing_twice_closes_nobody_elses_descriptor(wake_up: WakeUp) -> None:
    wake_up.close()
    others = [WakeUp() for _ in range(3)]  # the numbers are given away again
    wake_up.close()
    for other in others:
        other.set()
        assert is_set(other)
        other.close()


def test_set_twice_is_cleared_at_once(wake_up: WakeUp) -> None:
    wake_up.set()
    wake_up.set()
    wake_up.clear()
    assert not is_set(wake_up)
