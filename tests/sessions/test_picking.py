"""Which piece a session fetches next, told by its decisions."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from actortorrent.rules import lending
from actortorrent.rules.bitfield import mask_of
from actortorrent.tracing.capture import CapturedTrace, capture_trace
from actortorrent.tracing.events import Event
from actortorrent.tracing.filters import picked_pieces
from actortorrent.wire.messages import Have, Interested, NotInterested, Request, Unchoke
from tests.conftest import ContentMaker
from tests.content import Content
from tests.sessions.running import fetch, fetching
from tests.sessions.scripted_peer import Play, ScriptedPeer, Talk

BLOCK = 16 * 1024
PIECES = 40


@pytest.fixture
def content(content_maker: ContentMaker) -> Content:
    return content_maker(PIECES * BLOCK, piece_length=BLOCK)


def picks(trace: CapturedTrace) -> list[Event]:
    """Return the picker's decisions, in order."""
    found = [one for one in trace.named("actor:decision") if one.data["what"] == "pick_piece"]
    return sorted(found, key=lambda one: one.lc)


def having(*pieces: int) -> Play:
    """Play a peer that has these pieces, and lets nobody have them."""

    def play(talk: Talk) -> None:
        talk.greet(mask_of(pieces), unchoke=False)
        talk.listen()

    return play


def test_the_first_pieces_are_random_and_then_the_rarest_come_first(
    content: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lending, "BUDGET_BYTES", 8 * BLOCK)  # so few are on their way
    common = range(20)  # three others have these
    uncommon = range(20, 30)  # one other has these
    seen: list[int] = []

    with (
        ScriptedPeer(content, having(*common)) as a,
        ScriptedPeer(content, having(*common)) as b,
        ScriptedPeer(content, having(*common, *uncommon)) as c,
        capture_trace() as trace,
        fetching(content, tmp_path / "into", [a, b, c]) as session,
    ):
        session.wait_until(lambda progress: progress.peers_connected == 3, "the others")

        def serve_one_by_one(talk: Talk) -> None:
            talk.greet()
            while True:
                request = talk.hear(Request)
                seen.append(request.piece_index)
                talk.answer(request)

        with ScriptedPeer(content, serve_one_by_one) as seed:
            session.session._crew.swarm.peers_found.defer((seed.address,), "a tracker")
            session.finish_whole()
    decided = picks(trace)
    rules = [one.data["rule"] for one in decided]
    first_rarest = rules.index("rarest first")
    assert first_rarest >= 4
    assert set(rules[:first_rarest]) == {"random first piece"}
    # Each of the others is as rare as any that was left.
    left = set(range(PIECES)) - {one.data["chosen"] for one in decided[:first_rarest]}
    for one in decided[first_rarest:]:
        row = set(picked_pieces(one))
        assert one.data["rule"] == "rarest first"
        assert one.data["candidates"] == len(left - row)
        assert set(map(_rarity, row)) == {min(map(_rarity, left))}
        assert one.data["peers_having_it"] == _rarity(one.data["chosen"])
        assert row <= left
        left -= row
    assert not left


def _rarity(piece_index: int) -> int:
    return 4 if piece_index < 20 else 2 if piece_index < 30 else 1


def test_the_same_dice_pick_the_same_pieces_and_others_do_not(
    content: Content, tmp_path: Path
) -> None:
    orders = []
    for number, dice in enumerate((7, 7, 8)):
        with ScriptedPeer(content) as seed, capture_trace() as trace:
            fetch(content, tmp_path / str(number), [seed], seed=dice)
        orders.append([one.data["chosen"] for one in picks(trace)])
    assert orders[0][:4] == orders[1][:4] != orders[2][:4]


def test_sequential_pieces_come_in_order(content: Content, tmp_path: Path) -> None:
    with ScriptedPeer(content) as seed, capture_trace() as trace:
        fetch(content, tmp_path / "into", [seed], is_sequential=True)
        asked = [request.piece_index for request in seed.all_heard(Request)]
    assert asked == sorted(asked)
    assert {one.data["rule"] for one in picks(trace)} == {"sequential"}


def test_a_piece_that_was_begun_is_finished_before_others_are_begun(
    content_maker: ContentMaker, tmp_path: Path
) -> None:
    content = content_maker(8 * 16 * BLOCK, piece_length=16 * BLOCK)
    with ScriptedPeer(content) as seed, capture_trace() as trace:
        fetch(content, tmp_path / "into", [seed])
    begun: set[int] = set()
    lent = dict.fromkeys(range(8), 0)
    for one in picks(trace):
        row = picked_pieces(one)
        if not begun.issuperset(row):
            assert all(lent[other] == 16 for other in begun), "another was not finished"
        begun.update(row)
        length = one.data["run"].rpartition("+")[2].rstrip("]")
        for piece_index in row:  # of several, all are whole
            lent[piece_index] += 16 if len(row) > 1 else int(length) // BLOCK


def test_pieces_of_one_peer_only_are_asked_of_that_peer(content: Content, tmp_path: Path) -> None:
    def serve(first: int, last: int) -> Play:
        def play(talk: Talk) -> None:
            talk.greet(mask_of(range(first, last)))
            talk.serve()

        return play

    with (
        ScriptedPeer(content, serve(0, 25)) as low,
        ScriptedPeer(content, serve(15, PIECES)) as high,
    ):
        fetch(content, tmp_path / "into", [low, high])
        assert {one.piece_index for one in low.all_heard(Request)} <= set(range(25))
        assert {one.piece_index for one in high.all_heard(Request)} <= set(range(15, PIECES))


def test_only_the_pieces_of_selected_files_are_asked_for(
    content_maker: ContentMaker, tmp_path: Path
) -> None:
    content = content_maker(
        {"a": 5 * BLOCK + 100, "b": 5 * BLOCK, "c": 5 * BLOCK}, piece_length=BLOCK
    )
    with ScriptedPeer(content) as seed:
        with fetching(
            content, tmp_path / "into", [seed], selected_files=frozenset((1,))
        ) as session:
            summary = session.finish()
        assert {one.piece_index for one in seed.all_heard(Request)} == set(range(5, 11))
    assert summary.is_complete
    content.assert_same_in(tmp_path / "into", but={"a", "c"})
    assert not (tmp_path / "into" / "content" / "a").exists()
    assert not (tmp_path / "into" / "content" / "c").exists()


def test_a_peer_that_has_nothing_of_use_is_not_interesting(
    content: Content, tmp_path: Path
) -> None:
    seed_may_serve = threading.Event()

    def have_what_is_fetched_elsewhere(talk: Talk) -> None:
        talk.greet(mask_of([0]), unchoke=False)
        talk.hear(Interested)
        seed_may_serve.set()
        talk.hear(Have)
        talk.hear(NotInterested)
        talk.listen()

    def serve_then(talk: Talk) -> None:
        talk.greet(unchoke=False)
        assert seed_may_serve.wait(60)
        talk.say(Unchoke())
        talk.serve()

    with (
        ScriptedPeer(content, have_what_is_fetched_elsewhere) as poor,
        ScriptedPeer(content, serve_then) as seed,
    ):
        fetch(content, tmp_path / "into", [poor, seed])
        poor.wait_for_end()
        kinds = [type(one) for one in poor.heard if isinstance(one, (Interested, NotInterested))]
        assert kinds == [Interested, NotInterested]


def test_who_unchokes_us_twice_is_not_asked_for_twice_as_much(
    content: Content, tmp_path: Path
) -> None:
    def play(talk: Talk) -> None:
        talk.greet()
        talk.say(Unchoke())
        talk.serve()

    with ScriptedPeer(content, play) as peer, capture_trace("block") as trace:
        fetch(content, tmp_path / "into", [peer])
    (told,) = trace.messages("peer_unchoked_us")
    assert told.data["args"]["is_unchoked"] is True
