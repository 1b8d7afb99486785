from __future__ import annotations

import pytest

from actortorrent.tracing.events import Event
from actortorrent.tracing.filters import EventFilter, Wishes
from tests.tracing.traces import event, message

BEGUN = event("bt:connection_begun", "Swarm", 1, conn=3, address="10.0.0.1:6881")
UNCHOKE = event("bt:message_received", "Peer-3", 2, conn=3, type="unchoke")
WANTS = message("Peer-3", "PieceManager", "wants_work", (3, 4, 9), args={"conn": 3})
PICK = event("actor:decision", "PieceManager", 5, what="pick_piece", chosen=17, peer="Peer-3")
ROW = event(
    "actor:decision", "PieceManager", 13, what="pick_piece", chosen=64, pieces=[64, 65, 66],
    peer="Peer-7",
)  # fmt: skip
LENT_ROW = message(
    "PieceManager",
    "Peer-7",
    "lease",
    (14, 15, 16),
    args={"leases": [{"$": "lease 2", "run": {"piece_index": 64, "pieces": [64, 65, 66]}}]},
)
LEASE = message(
    "PieceManager",
    "Peer-3",
    "lease",
    (6, 7, 8),
    args={"leases": [{"$": "lease 1", "run": {"piece_index": 17, "offset": 0}}]},
)
VERIFIED = event("bt:piece_verified", "PieceManager", 10, piece=17)
HAVE = message("PieceManager", "Peer-12", "we_have", (11, 3, 4), args={"piece_indexes": [3, 17]})
OTHER = event("bt:message_sent", "Peer-12", 5, conn=12, type="have", fields={"piece_index": 3})
FAILED = event("bt:piece_failed", "PieceManager", 12, piece=1, contributors=[3, 12])
FOUND = message(
    "Tracker", "Swarm", "peers_found", (1, 13, 14), args={"addresses": ["10.0.0.1:6881", "[::1]:5"]}
)
ALL = [BEGUN, UNCHOKE, WANTS, PICK, LEASE, VERIFIED, HAVE, OTHER, FAILED, FOUND, ROW, LENT_ROW]


def wanted(wishes: Wishes) -> list[Event]:
    return list(filter(EventFilter(wishes).wants, ALL))


@pytest.mark.parametrize(
    ("wishes", "events"),
    [
        (Wishes(), ALL),
        (Wishes(actors=("Peer-3",)), [UNCHOKE, WANTS, LEASE]),
        (Wishes(actors=("peer-*",)), [UNCHOKE, WANTS, LEASE, HAVE, OTHER, LENT_ROW]),
        (Wishes(actors=("swarm", "Tracker")), [BEGUN, FOUND]),
        (Wishes(types=("unchoke",)), [UNCHOKE]),
        (Wishes(types=("decision",)), [PICK, ROW]),
        (Wishes(types=("actor:decision",)), [PICK, ROW]),
        (Wishes(types=("pick_piece", "lease")), [PICK, LEASE, ROW, LENT_ROW]),
        (Wishes(types=("bt:message_*",)), [UNCHOKE, OTHER]),
        (Wishes(pieces=(17,)), [PICK, LEASE, VERIFIED, HAVE]),
        (Wishes(pieces=(1, 3)), [HAVE, OTHER, FAILED]),
        (Wishes(pieces=(65,)), [ROW, LENT_ROW]),
        (Wishes(peers=("3",)), [BEGUN, UNCHOKE, WANTS, PICK, LEASE, FAILED]),
        (Wishes(peers=("Peer-12",)), [HAVE, OTHER, FAILED]),
        (Wishes(peers=("10.0.0.1:6881",)), [BEGUN, UNCHOKE, WANTS, PICK, LEASE, FAILED, FOUND]),
        (Wishes(peers=("[::1]:5",)), [FOUND]),
        (Wishes(actors=("PieceManager",), pieces=(17,), peers=("3",)), [PICK, LEASE]),
        (Wishes(actors=("nobody",)), []),
        (Wishes(peers=("9" * 5000,)), []),
    ],
)
def test_a_wish_is_met_by(wishes: Wishes, events: list[Event]) -> None:
    assert wanted(wishes) == events
