from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import asdict, replace

from actortorrent.rules.choking import REVIEW_SECONDS, PeerStanding, review_slots
from actortorrent.tracing.events import Event
from actortorrent.tracing.why import Story, why_choke, why_piece, why_slow
from actortorrent.tracing.why import choke as choke_module
from tests.tracing.traces import HEADER, event, message

SLOTS = 3
DICE = 1  # with which the free rider is not drawn by lot
GIVERS = {1: 50_000.0, 2: 400_000.0, 3: 0.0, 4: 300_000.0, 5: 200_000.0}  # bytes a second, by conn
FREE_RIDER = 3


def text_of(answer: object) -> str:
    lines = answer.lines()  # type: ignore[attr-defined]
    return "\n".join("".join(part.text for part in line) for line in lines)


def decided(rates: dict[int, float], now: float, lc: int, **more: Any) -> Event:
    """Return a decision as the seeder records it, made by the rules themselves."""
    standings = [
        PeerStanding(
            conn,
            is_interested=True,
            is_choked_by_us=conn == FREE_RIDER,
            connected_at=0.0,
            turn_began_at=0.0,
            download_rate=rate,
        )
        for conn, rate in rates.items()
    ]
    decision = review_slots(standings, SLOTS, is_seeding=False, now=now, rng=random.Random(DICE))
    candidates = []
    for verdict in decision.verdicts:
        told = asdict(verdict)
        candidates.append({"peer": f"Peer-{told.pop('conn')}", **told})
    chosen = [f"Peer-{conn}" for conn in sorted(decision.unchoked)]
    figures: dict[str, Any] = {
        "candidates": candidates,
        "rule": decision.rule,
        "slots": SLOTS,
        "bep": 3,
        **more,
    }
    return event(
        "actor:decision", "Seeder", lc, ms=now * 1000, what="unchoke", chosen=chosen, **figures
    )


def begun(conn: int) -> Event:
    return event("bt:connection_begun", "Swarm", conn, conn=conn, address=f"10.0.0.{conn}:6881")


def story(events: Sequence[Event]) -> Story:
    return Story(HEADER, [*map(begun, GIVERS), *events])


def test_why_choke_names_the_rule_and_the_peers_chosen_as_the_byte_counts_have_it() -> None:
    (answer,) = why_choke(story([decided(GIVERS, 100.0, 50)]), "3")
    assert answer.rule == "tit-for-tat"
    assert answer.verdict is not None
    assert (answer.verdict.is_unchoked, answer.verdict.reason) == (False, "others send us more")
    # By hand: all but one slot for who sends most, and the free rider sends nothing.
    most = sorted(GIVERS, key=lambda conn: -GIVERS[conn])[: SLOTS - 1]
    earned = [one.conn for one in answer.chosen if one.reason == "sends us most"]
    assert sorted(earned) == sorted(most)
    assert {one.conn: one.download_rate for one in answer.chosen}[2] == 400_000
    told = text_of(answer)
    assert "rule tit-for-tat" in told
    assert "Peer-2 (10.0.0.2:6881)  sends us most; sends us 390.6 KiB/s" in told


def test_why_choke_tells_times_by_the_clock_on_the_wall_at_any_pace() -> None:
    usual, quick = (
        why_choke(story([decided(GIVERS, 100.0, 50, **more)]), "3")[0]
        for more in ({}, {"pace": 10.0})
    )
    assert "every 10 s the slots go to who sends us most" in text_of(usual)
    assert "turn 100 s ago" in text_of(usual)
    assert "every 1 s (a real client: 10 s) the slots go to" in text_of(quick)
    assert "turn 10 s ago" in text_of(quick)
    assert (usual.to_json()["pace"], quick.to_json()["pace"]) == (1, 10)


@pytest.mark.parametrize("pace", [0, -1, "ten", float("nan"), float("inf"), None])
def test_a_pace_that_cannot_be_is_taken_for_the_usual_one(pace: object) -> None:
    (answer,) = why_choke(story([decided(GIVERS, 100.0, 50, pace=pace)]), "3")
    assert answer.pace == 1


def test_the_usual_time_between_reviews_is_the_rules_own() -> None:
    assert choke_module.REVIEW_SECONDS == REVIEW_SECONDS


@pytest.mark.parametrize("peer", ["3", "Peer-3", "10.0.0.3:6881"])
def test_a_peer_is_found_by_number_name_and_address(peer: str) -> None:
    (answer,) = why_choke(story([decided(GIVERS, 100.0, 50)]), peer)
    assert answer.conn == FREE_RIDER


def test_why_choke_at_a_moment_tells_the_last_decision_before_it() -> None:
    decisions = [decided(GIVERS, 100.0, 50), decided({**GIVERS, 3: 900_000.0}, 110.0, 60)]
    asked = story(decisions)
    (early,), (late,) = (why_choke(asked, "3", at) for at in (105.0, 111.0))
    assert (early.event_id, late.event_id) == ("Seeder#50", "Seeder#60")
    assert late.verdict is not None
    assert late.verdict.is_unchoked
    (refused,) = why_choke(asked, "3")
    assert refused.event_id == "Seeder#50"
    assert (refused.choked, refused.unchoked) == (1, 1)


def test_a_peer_on_which_nothing_was_decided_and_one_that_is_not_there_are_told() -> None:
    assert "never up for a slot" in text_of(why_choke(story([]), "3")[0])
    assert why_choke(story([]), "77") == []


def pick(lc: int, piece: int, ms: float, rule: str = "rarest first") -> Event:
    figures: dict[str, Any] = {"rule": rule, "lease": lc, "peers_having_it": 2, "candidates": 9}
    return event(
        "actor:decision", "PieceManager", lc, ms=ms, what="pick_piece", chosen=piece, peer="Peer-2",
        **figures,
    )  # fmt: skip


def received(lc: int, kind: str, ms: float, conn: int = 2, **fields: object) -> Event:
    return event(
        "bt:message_received", f"Peer-{conn}", lc, ms=ms, conn=conn, type=kind, fields=fields
    )


RUN = {"run": {"piece_index": 7, "offset": 0, "length": 65536}, "lease_id": 20}
LIFE = [
    message("PieceManager", "Reporter", "content_known", (1, 2, 3), ms=1),
    received(10, "handshake", ms=2),
    received(11, "unchoke", ms=3),
    received(12, "have", ms=13, piece_index=7),
    pick(19, 5, ms=14),
    pick(20, 7, ms=113),
    message(
        "Peer-2", "Storage", "store_runs", (21, 22, 23), ms=120, args={"conn": 2, "filled": [RUN]}
    ),
    event("bt:piece_verified", "PieceManager", 30, ms=121, piece=7),
]


def test_why_piece_tells_what_it_waited_for_and_by_which_rule_it_was_picked() -> None:
    (answer,) = why_piece(story(LIFE), 7)
    waits = {name: seconds for name, seconds, _ in answer.waits}
    assert waits == {
        "available": 0.012, "unchoked": 0.0, "picked": 0.1, "stored": 0.007, "verified": 0.001,
    }  # fmt: skip
    assert answer.others_first == 1
    told = text_of(answer)
    assert "most of its time, 100.0 ms, passed until it was picked" in told
    assert (
        "picked for Peer-2 (10.0.0.2:6881), by the rule rarest first; peers that have it: 2" in told
    )


def test_why_piece_finds_a_piece_in_the_middle_of_a_row() -> None:
    row = {"piece_index": 6, "offset": 0, "length": 3 * 65536, "pieces": [6, 7, 8]}
    picked = event(
        "actor:decision", "PieceManager", 20, ms=113, what="pick_piece", chosen=6,
        pieces=[6, 7, 8], peer="Peer-2", rule="rarest first", lease=20, peers_having_it=2,
        candidates=9,
    )  # fmt: skip
    filled = {"conn": 2, "filled": [{"run": row, "lease_id": 20}]}
    stored = message("Peer-2", "Storage", "store_runs", (21, 22, 23), ms=120, args=filled)
    (answer,) = why_piece(story([*LIFE[:5], picked, stored, LIFE[-1]]), 7)
    assert [name for name, _, _ in answer.waits][-3:] == ["picked", "stored", "verified"]
    assert answer.others_first == 1
    told = text_of(answer)
    assert "picked for Peer-2 (10.0.0.2:6881) in a row, 6 to 8, by the rule rarest first" in told
    assert "came from Peer-2 (10.0.0.2:6881), and is handed to the storage" in told


def test_a_piece_that_failed_names_its_senders() -> None:
    failed = event("bt:piece_failed", "PieceManager", 30, ms=121, piece=7, contributors=[2, 4])
    (answer,) = why_piece(story([*LIFE[:-1], failed]), 7)
    told = text_of(answer)
    assert "its hash was wrong; blocks came from Peer-2 (10.0.0.2:6881), Peer-4" in told
    assert "not fetched in this trace" in told


def test_a_piece_that_nobody_had_and_one_that_was_there_are_told() -> None:
    assert "nobody who was connected ever had it" in text_of(why_piece(story(LIFE), 8)[0])
    there = message("Storage", "PieceManager", "content_checked", (1, 2, 3), args={"verified": 128})
    assert "was on the disk" in text_of(why_piece(story([there]), 7)[0])


def test_why_slow_charges_each_moment_to_what_was_waited_for() -> None:
    lease = message("PieceManager", "Peer-2", "lease", (21, 22, 23), ms=60, args={"leases": [RUN]})
    filled = message(
        "Peer-2", "PieceManager", "leases_filled", (31, 32, 33), ms=100, args={"lease_ids": [20]}
    )
    interested = event("bt:message_sent", "Peer-2", 12, ms=20, conn=2, type="interested")
    events = [
        message("PieceManager", "Reporter", "content_known", (1, 2, 3), ms=5),
        received(10, "handshake", ms=15),
        interested,
        received(13, "unchoke", ms=50),
        lease,
        filled,
        message("PieceManager", "Reporter", "content_completed", (40, 41, 42), ms=100),
    ]
    (answer,) = why_slow(story(events))
    assert answer.is_complete
    spent = {name: round(seconds * 1000) for name, seconds in answer.phases.items()}
    assert spent == {
        "checking": 5, "alone": 10, "nothing offered": 5, "choked": 30, "nothing asked": 10,
        "fetching": 40,
    }  # fmt: skip
    waits = [(round(wait.seconds * 1000), wait.text.partition(" (")[0]) for wait in answer.waits]
    assert waits[:2] == [
        (40, "blocks of lease 20 were on their way from Peer-2"),
        (30, "interested in Peer-2"),
    ]


def test_odd_data_of_strangers_end_in_no_error() -> None:
    odd = [
        event(
            "actor:decision", "Seeder", 1, what="unchoke", candidates=[3, {}, {"peer": "Peer-x"}]
        ),
        event("bt:message_received", "Peer-2", 1, conn=2, type=None, fields=7),
        replace(LIFE[6], data={**LIFE[6].data, "args": {"filled": 3, "conn": None}}),
        message("A", "Peer-2", "lease", (1, 2, 3), args={"leases": "no"}),
        message(
            "A", "B", "leases_returned", (1, 2, 3), args={"given_back": [None, {"lease_id": []}]}
        ),
    ]
    asked = story(odd)
    for answers in (why_choke(asked, "3"), why_piece(asked, 7), why_slow(asked)):
        for answer in answers:
            assert text_of(answer)
