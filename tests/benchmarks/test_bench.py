from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from actortorrent.lab.processes import Running
from tests.benchmarks.measuring import Spread, measure
from tests.peers.needs import need_module


def test_the_benchmark_compares_us_with_libtorrent(tmp_path: Path) -> None:
    need_module("libtorrent")
    figures = tmp_path / "figures.json"
    sizes = ["--size", "2", "--rounds", "1", "--clients", "actortorrent,libtorrent"]
    places = ["--folder", tmp_path, "--json", figures]
    with Running([sys.executable, "-m", "tests.benchmarks.bench", *sizes, *places]) as bench:
        bench.wait_for_success()
        bench.wait_for_line("libtorrent .*1.00 x its rate")
    runs = json.loads(figures.read_text())["runs"]
    assert all(runs[client][0]["wall_seconds"] > 0 for client in ("actortorrent", "libtorrent"))
    assert list(tmp_path.iterdir()) == [figures], "the content is removed"


def test_a_run_that_fails_is_no_measurement() -> None:
    with pytest.raises(RuntimeError, match="exit code 3"):
        measure([sys.executable, "-c", "raise SystemExit(3)"])


def test_what_a_run_took_is_told() -> None:
    cost = measure([sys.executable, "-c", "bytearray(50_000_000)"])
    assert cost.wall_seconds > 0
    assert cost.peak_bytes > 50_000_000


def test_a_spread_has_a_middle_and_two_ends() -> None:
    assert Spread.of([3.0, 1.0, 8.0]) == Spread(median=3.0, low=1.0, high=8.0)
