"""What is chosen from a trace to be looked at."""

from __future__ import annotations

from typing import Any

from actortorrent.lab.highlights import Highlights
from actortorrent.tracing.events import Event

CONNECTIONS = [("leech-1", 2, "free-rider", 1), ("leech-1", 3, "leech-2", 1)]


def decision(seconds: float, actor: str, what: str, chosen: object, **data: Any) -> Event:
    told = {"what": what, "chosen": chosen, **data}
    return Event(int(seconds * 1e9), "actor:decision", actor, 1, "", told)


def unchoke(seconds: float, rule: str, **reasons: str) -> Event:
    candidates = [
        {"peer": peer.replace("_", "-"), "reason": reason} for peer, reason in reasons.items()
    ]
    return decision(
        seconds, "leech-1/Seeder", "unchoke", ["Peer-3"], rule=rule, candidates=candidates
    )


def chosen(scenario: str, *events: Event) -> list[str]:
    highlights = Highlights(CONNECTIONS)
    highlights.read(events)
    return [one.text for one in highlights.chosen(scenario)]


def test_peers_are_called_by_their_names() -> None:
    event = unchoke(1, "tit-for-tat", Peer_2="others send us more", Peer_3="sends us most")
    assert chosen("free-rider", event) == [
        "leech-1 does not serve free-rider: others send it more",
        "leech-1 serves leech-2, which sends it most",
        "leech-1 serves leech-2 (tit-for-tat)",
    ]


def test_of_the_free_riders_refusals_the_last_is_shown() -> None:
    events = [unchoke(at, "tit-for-tat", Peer_2="others send us more") for at in (1, 2, 3)]
    highlights = Highlights(CONNECTIONS)
    highlights.read(events)
    assert 3 in [one.seconds for one in highlights.chosen("free-rider")]


def test_there_are_three_at_most_in_the_order_they_happened() -> None:
    told = chosen(
        "bad-peer",
        decision(5, "leech-2/PieceManager", "ban_peer", "Peer-9", piece=4),
        Event(int(4e9), "bt:piece_failed", "leech-2/PieceManager", 1, "", {"piece": 4}),
        decision(
            1, "leech-1/PieceManager", "pick_piece", 7, rule="rarest first", peers_having_it=1
        ),
        unchoke(2, "fill free slots", Peer_3="a slot was free"),
    )
    assert told == [
        "leech-1 serves leech-2 (fill free slots)",
        "piece 4 that leech-2 fetched does not match its hash",
        "leech-2 bans its Peer-9, which sent bad data for piece 4",
    ]


def test_a_row_of_small_pieces_is_told_as_one_pick() -> None:
    row = {"chosen": 64, "pieces": list(range(64, 80)), "rule": "rarest first"}
    picks = {
        count: Event(0, "actor:decision", "leech-1/PieceManager", 1, "",
                     {"what": "pick_piece", "peers_having_it": count, **row})
        for count in (1, 2)
    }  # fmt: skip
    said = "leech-1 picks pieces 64 to 79, the rarest it can get:"
    assert chosen("slow-seed", picks[1]) == [f"{said} only one peer has them"]
    assert chosen("slow-seed", picks[2]) == [f"{said} 2 peers have them"]


def test_what_did_not_happen_is_not_shown() -> None:
    assert chosen("endgame") == []
