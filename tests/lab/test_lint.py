"""Lint has nothing to say of our own runs, other clients among them."""

from __future__ import annotations

import pytest

from actortorrent.lab.scenarios import Role
from actortorrent.tracing.events import WIRE_RECEIVED, Event
from actortorrent.tracing.linting import lint
from actortorrent.tracing.reader import TraceFile
from tests.lab.runs import RUNS, Seen
from tests.peers.needs import need_command, need_module

OTHERS = {Role.LIBTORRENT: "-LT", Role.ARIA2: "A2-"}  # how their peer ids begin


@pytest.mark.parametrize("scenario", RUNS)
def test_no_rule_is_broken_in_any_scenario(labs: dict[str, Seen], scenario: str) -> None:
    seen = labs[scenario]
    for path in (*seen.outcome.traces.values(), seen.aftermath.merged):
        with TraceFile(path) as trace:
            assert lint(trace.header, trace.events()) == [], path.name


def test_libtorrent_and_aria2_spoke_with_seeds_and_leeches_of_ours(labs: dict[str, Seen]) -> None:
    need_module("libtorrent")
    need_command("aria2c")
    runs = {one["external"]: name for name, one in RUNS.items() if "external" in one}
    assert set(runs) == set(OTHERS)
    for client, scenario in runs.items():
        for name in labs[scenario].outcome.traces:
            types = _received_from(OTHERS[client], labs[scenario].events(name))
            assert types.count("request") > 10, f"{client} asked {name} for blocks"
            if name.startswith("leech"):
                assert types.count("piece") > 10, f"{client} gave {name} some"


def _received_from(client: str, events: list[Event]) -> list[str]:
    came = [one.data for one in events if one.name == WIRE_RECEIVED]
    conns = {
        data["conn"]
        for data in came
        if data["type"] == "handshake" and data["fields"]["peer_id"].startswith(client)
    }
    return [data["type"] for data in came if data["conn"] in conns]
