"""Memory stays within the budget, whatever the pieces, the peers and the disk."""

from __future__ import annotations

import threading
import tracemalloc
from contextlib import ExitStack
from pathlib import Path

import pytest

from actortorrent.actors import piece_store
from actortorrent.actors.piece_manager import PieceManager
from tests.conftest import ContentMaker
from tests.sessions.running import fetching
from tests.sessions.scripted_peer import ScriptedPeer

MIB = 1024 * 1024


@pytest.fixture
def most_out(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that gets, at each feeding of a peer, the bytes of buffers that are out."""
    seen: list[int] = []
    feed = PieceManager._feed

    def feed_and_look(self: PieceManager, peer: object) -> None:
        feed(self, peer)
        seen.append(self._ledger.bytes_out)

    monkeypatch.setattr(PieceManager, "_feed", feed_and_look)
    return seen


def test_pieces_of_16_mib_from_several_peers_stay_within_the_budget(
    content_maker: ContentMaker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    most_out: list[int],
) -> None:
    budget = 8 * MIB  # less than a piece
    monkeypatch.setattr("actortorrent.rules.lending.BUDGET_BYTES", budget)
    content = content_maker(48 * MIB + 12345, piece_length=16 * MIB)
    with ExitStack() as stack:
        peers = [stack.enter_context(ScriptedPeer(content)) for _ in range(3)]
        session = stack.enter_context(fetching(content, tmp_path / "into", peers))
        session.finish_whole(30)
    assert max(most_out) <= budget + 16 * 1024
    assert max(most_out) > budget // 2  # it is made use of


def test_when_the_disk_is_slow_peers_are_asked_for_no_more_than_the_budget_holds(
    content_maker: ContentMaker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    most_out: list[int],
) -> None:
    budget = 2 * MIB
    monkeypatch.setattr("actortorrent.rules.lending.BUDGET_BYTES", budget)
    monkeypatch.setattr("actortorrent.rules.lending.TRIAL_BYTES", budget)
    content = content_maker(12 * MIB, piece_length=MIB // 2)
    may_write = threading.Event()
    store = piece_store.PieceStore.store

    def store_when_it_may(self: piece_store.PieceStore, *args: object) -> object:
        assert may_write.wait(60)
        return store(self, *args)

    monkeypatch.setattr(piece_store.PieceStore, "store", store_when_it_may)
    with ScriptedPeer(content) as one, ScriptedPeer(content) as other:
        with fetching(content, tmp_path / "into", [one, other]) as session:
            enough = budget - budget // 8  # less than an eighth is not lent to who wants more
            session.wait_until(lambda p: p.fetched_bytes >= enough, "the budget to be full")
            served = one.served_bytes + other.served_bytes
            may_write.set()
            session.finish_whole()
        assert served <= budget + 16 * 1024
    assert max(most_out) <= budget + 16 * 1024


def test_what_a_fetch_takes_of_memory_does_not_grow_with_what_it_fetches(
    content_maker: ContentMaker, tmp_path: Path
) -> None:
    peaks = []
    for size in (8 * MIB, 32 * MIB):
        content = content_maker(size, piece_length=4 * MIB)
        with ScriptedPeer(content) as one:  # it has its content in memory
            session = fetching(content, tmp_path / str(size), [one])
            tracemalloc.start()
            try:
                tracemalloc.reset_peak()
                before, _ = tracemalloc.get_traced_memory()
                with session:
                    session.finish()
                peaks.append(tracemalloc.get_traced_memory()[1] - before)
            finally:
                tracemalloc.stop()
    assert peaks[1] < peaks[0] + 16 * MIB
