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
        seen = labs[scenario]
        said = {
            name: _received_from(OTHERS[client], seen.events(name)) for name in seen.outcome.traces
        }
        assert all("handshake" in types for types in said.values())
        assert sum(types.count("request") for types in said.values()) > 10, client
        to_leeches = [types for name, types in said.items() if name.startswith("leech")]
        assert sum(types.count("piece") for types in to_leeches) > 10, client


def _received_from(client: str, events: list[Event]) -> list[str]:
    came = [one.data for one in events if one.name == WIRE_RECEIVED]
    conns = {
        data["conn"]
        for data in came
        if data["type"] == "handshake" and data["fields"]["peer_id"].startswith(client)
    }
    return [data["type"] for data in came if data["conn"] in conns]
