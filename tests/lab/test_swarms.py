"""Each scenario of the lab really happens: its traces prove what it is to show."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from click.testing import CliRunner

from actortorrent.cli.main import cli
from actortorrent.tracing.events import Event
from actortorrent.tracing.reader import TraceFile
from actortorrent.tracing.stats import block_bytes
from tests.lab.runs import RUNS, Seen

REFUSED = "others send us more"
UNFAIR = 0.6  # rates are told once a second, and so lag behind the bytes by as much


@pytest.mark.parametrize("scenario", RUNS)
def test_three_things_are_worth_looking_at(labs: dict[str, Seen], scenario: str) -> None:
    assert len(labs[scenario].aftermath.highlights) == 3


@pytest.mark.parametrize("scenario", RUNS)
def test_the_content_is_removed_and_the_traces_stay(labs: dict[str, Seen], scenario: str) -> None:
    outcome = labs[scenario].outcome
    left = {path.name for path in outcome.places.folder.iterdir()}
    traces = {f"{name}.trace" for name in outcome.traces}
    assert left == traces | {"swarm.trace", "gallery.torrent"}


# --- free-rider ----------------------------------------------------------------------------


def test_a_free_rider_is_served_only_when_the_lot_falls_on_it(labs: dict[str, Seen]) -> None:
    seen = labs["free-rider"]
    reasons = defaultdict(set)
    for leech in seen.leeches:
        conns = conns_by_name(seen.events(leech), seen)
        for data in tit_for_tat(seen, leech):
            for one in data["candidates"]:
                kind = "rider" if one["peer"] == f"Peer-{conns.get('free-rider')}" else "honest"
                reasons[kind].add(one["reason"])
    assert "sends us most" in reasons["honest"]
    assert REFUSED in reasons["rider"] | reasons["honest"]
    assert reasons["rider"] <= {
        "drawn by lot",
        "its draw still holds",
        REFUSED,
        "not interested",
    }


def test_who_is_served_is_who_the_bytes_say_sent_most(labs: dict[str, Seen]) -> None:
    seen = labs["free-rider"]
    compared = 0
    for leech in seen.leeches:
        for rates, data in rates_at_reviews(seen.events(leech)):
            earned = {peer for peer, one in by_peer(data) if one["reason"] == "sends us most"}
            others = {peer for peer, one in by_peer(data) if one["reason"] == REFUSED}
            assert len(earned) <= data["slots"] - 1
            for peer in earned:
                assert rates[peer] > 0
                assert all(rates[peer] >= UNFAIR * rates.get(other, 0) for other in others)
                compared += len(others)
    assert compared > 5


def test_why_a_free_rider_is_choked_is_told_as_the_bytes_say(labs: dict[str, Seen]) -> None:
    seen = labs["free-rider"]
    asked = ["trace", "why", "choke", str(seen.aftermath.merged), "--peer", "free-rider", "--json"]
    result = CliRunner().invoke(cli, asked)
    assert result.exit_code == 0, result.output
    answers = [one for one in json.loads(result.output)["answers"] if one["rule"] == "tit-for-tat"]
    assert answers
    for answer in answers:
        leech = answer["node"]
        told = {(one["conn"], one["download_rate"]) for one in answer["chosen"]}
        rates = next(
            rates
            for rates, data in rates_at_reviews(seen.events(leech))
            if told == {(conn_of(peer), one["download_rate"]) for peer, one in served(data)}
        )
        assert rates.get(f"Peer-{answer['conn']}", 0) == 0, "it sent nothing"
        earned = [one["conn"] for one in answer["chosen"] if one["reason"] == "sends us most"]
        assert earned
        assert all(rates[f"Peer-{one}"] > 0 for one in earned)


def test_a_free_rider_gets_less_while_the_others_trade(labs: dict[str, Seen]) -> None:
    before = labs["free-rider"].before
    assert before is not None
    parts = {one.member.name: one.part or 0.0 for one in before.members}
    honest = [part for name, part in parts.items() if name.startswith("leech")]
    assert parts["free-rider"] < sum(honest) / len(honest)
    assert labs["free-rider"].sent("free-rider") == 0


# --- the others ----------------------------------------------------------------------------


def test_leeches_make_up_for_a_slow_seed(labs: dict[str, Seen]) -> None:
    seen = labs["slow-seed"]
    wanted = seen.outcome.plan.size * len(seen.leeches)
    assert seen.sent("leech") > wanted / 4
    assert seen.sent("seed") < 3 * wanted / 4


def test_the_bad_peer_is_banned_and_nobody_else(labs: dict[str, Seen]) -> None:
    seen = labs["bad-peer"]
    banned = [one.banned for one in seen.outcome.members]
    assert ("bad-peer",) in banned
    assert set(banned) <= {(), ("bad-peer",)}
    wasted = sum(one.wasted_bytes for one in seen.outcome.members)
    assert wasted > 0
    for leech in seen.leeches:
        conns = conns_by_name(seen.events(leech), seen)
        for ban in seen.decisions(leech, "ban_peer"):
            assert ban["chosen"] == f"Peer-{conns['bad-peer']}"


def test_the_last_blocks_are_asked_of_several_peers(labs: dict[str, Seen]) -> None:
    seen = labs["endgame"]
    assert any(seen.decisions(leech, "endgame") for leech in seen.leeches)


def test_a_dead_tracker_is_not_missed(labs: dict[str, Seen]) -> None:
    seen = labs["tracker-down"]
    assert seen.outcome.heard == {"started": 4, "completed": 0, "stopped": 0}
    for leech in seen.leeches:
        failed = [one for one in seen.events(leech) if one.name == "bt:announce_failed"]
        assert failed, "it could not say that it was complete"


def test_nobody_serves_more_than_one_where_slots_are_few(labs: dict[str, Seen]) -> None:
    seen = labs["super-choked"]
    waited = 0
    for name in seen.outcome.traces:
        for data in seen.decisions(name, "unchoke"):
            assert len(data["chosen"]) <= 1
            waited += any("wait" in one["reason"] for one in data["candidates"])
    assert waited > 0


# --- recomputed from the traces ---------------------------------------------------------------


def tit_for_tat(seen: Seen, name: str) -> list[Mapping[str, Any]]:
    return [data for data in seen.decisions(name, "unchoke") if data["rule"] == "tit-for-tat"]


def by_peer(data: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for candidate in data["candidates"]:
        yield candidate["peer"], candidate


def served(data: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    return (pair for pair in by_peer(data) if pair[1]["is_unchoked"])


def conn_of(peer: str) -> int:
    return int(peer.removeprefix("Peer-"))


def conns_by_name(events: list[Event], seen: Seen) -> dict[str, int]:
    """Return which connection of a trace leads to whom, by the handshakes alone."""
    names = {}
    for name, path in seen.outcome.traces.items():
        with TraceFile(path) as trace:
            names[bytes.fromhex(trace.header.peer_id).decode("ascii")] = name
    return {
        names[event.data["fields"]["peer_id"]]: event.data["conn"]
        for event in events
        if event.name == "bt:message_received" and event.data["type"] == "handshake"
    }


def rates_at_reviews(
    events: list[Event],
) -> Iterator[tuple[dict[str, float], Mapping[str, Any]]]:
    """Yield each tit-for-tat decision with rates made from nothing but the bytes that came."""
    came: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        if event.name.endswith("_received") and block_bytes(event):
            came[event.actor].append(event)
    told: dict[str, float] = defaultdict(float)
    last = {  # what a connection tells when it ends: its last blocks are told behind that
        event.data["from"]: event.data["id"]
        for event in sorted(events, key=lambda event: event.time_ns)
        if event.name == "actor:message" and event.data["type"] == "peer_rates"
    }
    for event in sorted(events, key=lambda event: event.time_ns):
        if event.name == "actor:message" and event.data["type"] == "peer_rates":
            peer, _, sent_at = event.data["id"].partition("#")  # the clock when it was sent
            before = [one for one in came[peer] if one.lc < int(sent_at)]
            byte_count = sum(map(block_bytes, before))
            said = event.data["args"]["rates"]["downloaded_bytes_total"]
            assert byte_count == said or event.data["id"] == last[peer], (
                "bytes on the wire, and as told"
            )
            if before:
                seconds = (event.time_ns - event.data["wait"] - before[0].time_ns) / 1e9
                told[peer] = byte_count / max(0.5, seconds)
        elif event.name == "actor:decision" and event.data.get("rule") == "tit-for-tat":
            yield dict(told), event.data
