"""Fetch the same torrent from the same libtorrent seed with us, libtorrent and aria2, in turns.

    make bench                          1 GiB, 5 rounds
    make bench OPTIONS=--quick          128 MiB, 2 rounds
    make bench OPTIONS="--size 4096 --rounds 3 --clients actortorrent,libtorrent"

    make bench OPTIONS="--rounds 15 --clients unrecorded,actortorrent,traced"
                                        what the flight recorder and --trace cost

The clients take turns in every round, so that what else the machine does falls on all of
them. Each run is a process of its own, timed from its start to its exit with everything
written; after the first round the content is compared byte for byte. libtorrent and we
are given the seed's address; aria2 can only be given a tracker, and takes a second or
so to turn to it, which counts. libtorrent maps its files, so its memory counts them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from actortorrent.lab.processes import ACTORTORRENT
from actortorrent.lab.tracker import EmbeddedTracker
from actortorrent.version import VERSION
from tests.benchmarks.measuring import Cost, Spread, measure
from tests.content import Content, make_content
from tests.peers.aria2 import OPTIONS as ARIA2_OPTIONS
from tests.peers.libtorrent import SCRIPT as LIBTORRENT_SCRIPT
from tests.peers.libtorrent import libtorrent_seed
from tests.peers.processes import free_port

MIB = 1024 * 1024
PIECE_BYTES = MIB
BASELINE = "libtorrent"


@dataclass(frozen=True, slots=True)
class Task:
    """Say what is to be fetched, from where."""

    content: Content
    seed: str


Command = Callable[[Task, Path], list[str | Path]]


def actortorrent_command(task: Task, into: Path) -> list[str | Path]:
    """Return how our client fetches it."""
    command = [*ACTORTORRENT, "fetch", str(task.content.torrent)]
    options = ["--peer", task.seed, "--no-trackers", "--port", "0", "--progress", "none"]
    return [*command, "--output", into, *options]


def unrecorded_command(task: Task, into: Path) -> list[str | Path]:
    """Return how our client fetches it without a flight recorder."""
    usual = actortorrent_command(task, into)
    return [sys.executable, "-m", "tests.benchmarks.unrecorded", *usual[3:]]


def traced_command(task: Task, into: Path) -> list[str | Path]:
    """Return how our client fetches it while it writes a trace."""
    return [*actortorrent_command(task, into), "--trace", into.with_name("trace.jsonl")]


def libtorrent_command(task: Task, into: Path) -> list[str | Path]:
    """Return how libtorrent fetches it; it flushes before it exits."""
    script: list[str | Path] = [sys.executable, "-P", LIBTORRENT_SCRIPT]
    return [*script, "fetch", task.content.torrent, into, "--peer", task.seed]


def aria2_command(task: Task, into: Path) -> list[str | Path]:
    """Return how aria2 fetches it."""
    options = [f"--listen-port={free_port()}", f"--dir={into}", "--seed-time=0", "--quiet"]
    return ["aria2c", *ARIA2_OPTIONS, *options, task.content.torrent]


CLIENTS: dict[str, Command] = {
    "actortorrent": actortorrent_command,
    "libtorrent": libtorrent_command,
    "aria2": aria2_command,
    "unrecorded": unrecorded_command,
    "traced": traced_command,
}
USUAL = ("actortorrent", "libtorrent", "aria2")


def main() -> None:
    """Measure, print a table, and write the figures as JSON."""
    options = _parse()
    folder = Path(tempfile.mkdtemp(prefix="actortorrent-bench-", dir=options.folder))
    try:
        with _ready_task(folder, options.size) as task:
            costs = _run_rounds(task, folder / "into", options.clients, options.rounds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    _print_table(costs, options.size)
    options.json.write_text(json.dumps(_as_json(costs, options), indent=2) + "\n")
    print(f"\nall figures: {options.json}")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=1024, metavar="MIB")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="128 MiB, 2 rounds")
    parser.add_argument("--clients", type=_client_list, default=_installed_clients())
    parser.add_argument(
        "--folder", type=Path, help="where to put content; default: the temp folder"
    )
    parser.add_argument("--json", type=Path, default=Path("benchmark-results.json"))
    options = parser.parse_args()
    if options.quick:
        options.size, options.rounds = 128, 2
    return options


def _client_list(text: str) -> list[str]:
    clients = text.split(",")
    unknown = set(clients) - set(CLIENTS)
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}")
    return clients


def _installed_clients() -> list[str]:
    return [name for name in USUAL if name != "aria2" or shutil.which("aria2c")]


@contextmanager
def _ready_task(folder: Path, size_mib: int) -> Iterator[Task]:
    """Make the content, and seed it while the block runs."""
    print(f"making {size_mib} MiB of content in {folder}", flush=True)
    content = make_content(folder / "seeding", size_mib * MIB, piece_length=PIECE_BYTES)
    with EmbeddedTracker() as tracker:
        tracked = content.naming(tracker.url)
        with libtorrent_seed(tracked, extra=["--trackers"]) as seed:
            yield Task(tracked, f"127.0.0.1:{seed.port}")


def _run_rounds(task: Task, into: Path, clients: list[str], rounds: int) -> dict[str, list[Cost]]:
    costs: dict[str, list[Cost]] = {client: [] for client in clients}
    for number in range(1, rounds + 1):
        # Whoever goes first in one round goes last in the next.
        turn = clients[number % len(clients) :] + clients[: number % len(clients)]
        for client in turn:
            cost = _run_once(task, into, client, compares=number == 1)
            costs[client].append(cost)
            print(f"round {number}  {client:<13} {cost.wall_seconds:6.2f} s", flush=True)
    return costs


def _run_once(task: Task, into: Path, client: str, *, compares: bool) -> Cost:
    into.mkdir()
    os.sync()  # what was written before is not to be paid now
    try:
        cost = measure(CLIENTS[client](task, into))
        if compares:
            task.content.assert_same_in(into)
    finally:
        shutil.rmtree(into)
    return cost


def _print_table(costs: dict[str, list[Cost]], size_mib: int) -> None:
    print(f"\n{size_mib} MiB, median of {len(next(iter(costs.values())))} (lowest to highest)\n")
    print(f"{'':<13} {'wall':>22} {'rate':>10} {'CPU':>8} {'peak memory':>12}  against {BASELINE}")
    base = Spread.of([cost.wall_seconds for cost in costs.get(BASELINE, [])] or [0.0]).median
    for client, runs in costs.items():
        wall = Spread.of([cost.wall_seconds for cost in runs])
        cpu = Spread.of([cost.cpu_seconds for cost in runs])
        peak = max(cost.peak_bytes for cost in runs)
        ratio = f"{base / wall.median:.2f} x its rate" if base else ""
        print(
            f"{client:<13} {wall.median:7.2f} s ({wall.low:.2f} to {wall.high:.2f})"
            f" {size_mib / wall.median:5.0f} MiB/s {cpu.median:6.2f} s {peak / MIB:8.0f} MiB  {ratio}"
        )


def _as_json(costs: dict[str, list[Cost]], options: argparse.Namespace) -> dict[str, object]:
    return {
        "version": VERSION,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "size_bytes": options.size * MIB,
        "piece_bytes": PIECE_BYTES,
        "runs": {client: [asdict(cost) for cost in runs] for client, runs in costs.items()},
    }


if __name__ == "__main__":
    main()
