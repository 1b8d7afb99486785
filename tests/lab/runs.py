"""A small run of every scenario of the lab, made once for all tests that look at one.

The fixture `labs` (in `tests/conftest.py`) has what came of each by its name.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actortorrent.errors import UsageError
from actortorrent.lab.aftermath import Aftermath, look_back
from actortorrent.lab.members import need
from actortorrent.lab.observing import SwarmPicture
from actortorrent.lab.scenarios import Role, make_plan
from actortorrent.lab.swarm import Lab, Outcome
from actortorrent.tracing.events import Event
from actortorrent.tracing.reader import TraceFile
from tests.chance import Fixtures, Test, tried_again

KIB = 1024
MIB = 1024 * KIB
AT_ONCE = 3  # labs: they mostly wait, since their rates are limited
PIECE_BYTES = 16 * KIB  # as small as can be: so few MiB make for 10,000 messages
MOST = 0.7  # of the content
RUNS: Mapping[str, dict[str, Any]] = {
    "free-rider": {
        "size": 4 * MIB,
        "rate": 640 * KIB,
        "leeches": 4,
        "pace": 20,
        "piece_length": 32 * KIB,
    },
    "basic": {"size": 11 * MIB, "rate": 5 * MIB, "external": Role.ARIA2},
    "tracker-down": {"size": 10 * MIB, "rate": 2 * MIB},
    "super-choked": {"size": 12 * MIB, "rate": 6 * MIB, "leeches": 4, "pace": 20},
    "slow-seed": {"size": 9 * MIB, "rate": 3 * MIB, "external": Role.LIBTORRENT},
    "bad-peer": {"size": 13 * MIB, "rate": 6 * MIB},
    "endgame": {"size": 16 * MIB, "rate": 9 * MIB},
}


class Silent:
    """Watch, and keep the last picture in which nobody had most of it yet."""

    last: SwarmPicture | None = None

    def step(self, what: str, text: str) -> None:
        pass

    def show(self, picture: SwarmPicture) -> None:
        if all((one.part or 0) < MOST for one in picture.members if one.member.fetches):
            self.last = picture


@dataclass(frozen=True)
class Seen:
    """What came of a scenario."""

    outcome: Outcome
    aftermath: Aftermath
    before: SwarmPicture | None

    def events(self, name: str) -> list[Event]:
        with TraceFile(self.outcome.traces[name]) as trace:
            return list(trace.events())

    def decisions(self, name: str, what: str) -> list[Mapping[str, Any]]:
        return [
            event.data
            for event in self.events(name)
            if event.name == "actor:decision" and event.data["what"] == what
        ]

    def names_by_conn(self, name: str) -> dict[int, str]:
        """Return to whom each connection of a member led, by the handshakes alone."""
        names = {}
        for other, path in self.outcome.traces.items():
            with TraceFile(path) as trace:
                names[bytes.fromhex(trace.header.peer_id).decode("ascii")] = other
        return {
            event.data["conn"]: names[event.data["fields"]["peer_id"]]
            for event in self.events(name)
            if event.name == "bt:message_received" and event.data["type"] == "handshake"
        }

    @property
    def leeches(self) -> list[str]:
        return [one.member.name for one in self.outcome.members if "leech" in one.member.name]

    def sent(self, start: str) -> int:
        members = self.outcome.members
        return sum(one.uploaded_bytes for one in members if one.member.name.startswith(start))


def run_all(folder: Path) -> dict[str, Seen]:
    """Run all scenarios; each compares every byte that was fetched."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        futures = {name: pool.submit(run, name, folder / name) for name in RUNS}
        return {name: future.result() for name, future in futures.items()}


def run(scenario: str, folder: Path) -> Seen:
    """Run one, as `RUNS` has it; where another client is not installed, without it."""
    settings = {"piece_length": PIECE_BYTES, "seed": 7, **RUNS[scenario]}
    if not is_installed(settings.get("external")):
        del settings["external"]
    plan = make_plan(scenario, **settings)
    watcher = Silent()
    with Lab(plan, folder, watcher) as lab:
        outcome = lab.run()
    return Seen(outcome, look_back(outcome, writes_report=False), watcher.last)


def in_most_runs_of(scenario: str) -> Callable[[Test], Test]:
    """Return a decorator for what is so in nearly every run of a scenario, in none for certain.

    If it is not so of the run in `labs`, the scenario is run again.
    """

    def renewed(fixtures: Fixtures, number: int) -> Fixtures:
        return fixtures if number == 1 else {"labs": run_again(scenario, fixtures["labs"])}

    return tried_again(renewed)


def run_again(scenario: str, labs: dict[str, Seen]) -> dict[str, Seen]:
    """Return the labs with a new run of one scenario among them."""
    return labs | {scenario: run(scenario, Path(tempfile.mkdtemp()) / scenario)}


def is_installed(client: Role | None) -> bool:
    """Say whether another client can take part."""
    if client is not None:
        try:
            need(client)
        except UsageError:
            return False
    return True
