"""Who may be a liar waits, as long as somebody else can show it."""

from __future__ import annotations

from typing import Any

from actortorrent.actors.fetching_peers import FetchingPeer, FetchingPeers

PIECE = 3
NOBODY: Any = None  # no message is sent here


def peers_of(*drawings: str) -> tuple[FetchingPeers, list[FetchingPeer]]:
    """Return peers that unchoke us, of which each has the pieces drawn."""
    peers = FetchingPeers()
    joined = [peers.join(conn, NOBODY) for conn in range(len(drawings))]
    for peer, drawing in zip(joined, drawings, strict=True):
        peer.pieces = int(drawing[::-1].replace(".", "0").replace("#", "1"), 2)
        peers.unchoked(peer, True)
    return peers, joined


def test_who_sent_a_part_of_a_wrong_piece_waits_until_it_is_right() -> None:
    peers, (one, other, third) = peers_of("####", "####", "####")
    peers.doubt(PIECE, (0, 1))
    assert [peers.must_wait(peer) for peer in (one, other, third)] == [True, True, False]
    peers.clear_of(1 << PIECE)
    assert not peers.must_wait(one)


def test_who_has_brought_a_right_piece_need_not_wait() -> None:
    peers, (one, other) = peers_of("####", "####")
    one.is_proven = True
    peers.doubt(PIECE, (0, 1))
    assert not peers.must_wait(one)
    assert peers.must_wait(other)


def test_nobody_waits_where_no_other_can_bring_the_piece() -> None:
    for third in ("###.", "...."):
        peers, (one, other, _) = peers_of("####", "####", third)
        peers.doubt(PIECE, (0, 1))
        assert not peers.must_wait(one)
        assert not peers.must_wait(other)
    peers, (one, _, choking) = peers_of("####", "####", "####")
    peers.unchoked(choking, False)
    peers.doubt(PIECE, (0, 1))
    assert not peers.must_wait(one)


def test_those_who_would_serve_us_are_counted_while_they_are_here() -> None:
    peers, (one, other) = peers_of("####", "####")
    peers.unchoked(one, True)  # again
    assert peers.unchoking_count == 2
    peers.unchoked(one, False)
    assert peers.unchoking_count == 1
    peers.leave(other.conn)
    assert peers.unchoking_count == 0


def test_who_has_gone_is_not_doubted() -> None:
    peers, _ = peers_of("####")
    peers.leave(0)
    peers.doubt(PIECE, (0, 7))
    assert not peers.hungry()
