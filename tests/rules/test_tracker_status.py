from __future__ import annotations

import pytest

from actortorrent.rules.tracker_status import TrackerState, TrackerStatus

URL = "http://tracker.example:80/…"


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (TrackerStatus(number=0, url=URL, state=TrackerState.ASKING), f"{URL}: asking"),
        (
            TrackerStatus(
                number=0, url=URL, state=TrackerState.FAILED, message="no answer in 30 s"
            ),
            f"{URL}: failed, no answer in 30 s",
        ),
        (
            TrackerStatus(number=0, url=URL, state=TrackerState.WORKING, seeders=1),
            f"{URL}: 1 seeder, ? leechers",
        ),
        (
            TrackerStatus(
                number=0,
                url=URL,
                state=TrackerState.WORKING,
                seeders=3,
                leechers=0,
                message="please update",
            ),
            f"{URL}: 3 seeders, 0 leechers (please update)",
        ),
    ],
)
def test_a_status_is_one_line_for_people(status: TrackerStatus, line: str) -> None:
    assert str(status) == line
