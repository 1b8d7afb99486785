from __future__ import annotations

import sys
from pathlib import Path

from actortorrent.lab.processes import Running

DEMO = [sys.executable, "-m", "actortorrent.lab.demo"]


def test_the_demo_fetches_compares_and_leaves_a_trace(tmp_path: Path) -> None:
    with Running([*DEMO, "--size", "4"], env={"TMPDIR": str(tmp_path)}) as demo:
        demo.wait_for_success()
    said = "\n".join(demo.lines)
    assert "all 4,194,304 bytes are the same" in said
    for event in ("started", "completed", "stopped"):
        assert f"told the tracker: {event}" in said
    (left,) = tmp_path.glob("*/*.trace")
    assert f"trace show {left}" in said
    assert left.stat().st_size > 1000
    assert not list(tmp_path.rglob("*.raw")), "its content is removed"


def test_the_demo_can_be_interrupted(tmp_path: Path) -> None:
    with Running([*DEMO, "--size", "64"], env={"TMPDIR": str(tmp_path)}) as demo:
        demo.wait_for_line("told the tracker")
        demo.interrupt()
        assert demo.wait(10) == 130
        assert "interrupted" in demo.lines[-1]
    assert not list(tmp_path.rglob("*.raw")), "its content is removed"


def test_the_demo_says_when_the_disk_is_too_small(tmp_path: Path) -> None:
    with Running([*DEMO, "--size", "999999999"], env={"TMPDIR": str(tmp_path)}) as demo:
        assert demo.wait() == 1
        assert "not enough space" in demo.tail()
        assert "make demo SIZE=16" in demo.tail()
