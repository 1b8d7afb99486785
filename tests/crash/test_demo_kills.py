"""A demo of which a helper is killed ends, and says which."""

from __future__ import annotations

from pathlib import Path

import pytest

from actortorrent.errors import LabError
from actortorrent.lab.observing import SwarmPicture
from actortorrent.lab.scenarios import Plan, make_plan
from actortorrent.lab.swarm import Lab


class TrackerKiller:
    """Watch a demo, and kill its tracker as soon as the members are started."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self._lab = Lab(plan, folder, self)

    def step(self, what: str, _text: str) -> None:
        if what == "started" and self._lab._tracker is not None:
            self._lab._tracker.kill()

    def show(self, picture: SwarmPicture) -> None:
        """Look at nothing."""

    def run(self) -> None:
        with self._lab:
            self._lab.run()


def test_a_demo_ends_when_its_tracker_does(tmp_path: Path) -> None:
    plan = make_plan("basic", size=1_000_000, seed=1, leeches=1)
    demo = TrackerKiller(plan, tmp_path / "lab")
    with pytest.raises(LabError, match="the tracker ended before its time"):
        demo.run()
    assert not (tmp_path / "lab" / "seeding").exists()
