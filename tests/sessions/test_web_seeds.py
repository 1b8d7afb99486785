"""Web servers that lie, are busy, know no ranges or never end: what they cost, and what we say."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from actortorrent.actors import web_seed, web_seed_fetching
from actortorrent.errors import NoProgressError
from actortorrent.rules import web_seed_answers, web_seeds
from actortorrent.rules.web_seeds import MOST_ASKED
from actortorrent.tracing.capture import capture_trace
from tests.conftest import ContentMaker
from tests.sessions.running import Running, error_of, fetching
from tests.sessions.scripted_peer import ScriptedPeer, never_unchoke
from tests.sessions.web_server import Asked, Play, WebServer, with_web_seeds

PIECE = 64 * 1024
MANY = {"a": 5 * PIECE + 100, "empty": 0, "sub/b c": 3 * PIECE, "d": 5}


@pytest.fixture(autouse=True)
def haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rest for moments only, and look after web seeds all the time."""
    monkeypatch.setattr(web_seeds, "FIRST_REST_SECONDS", 0.01)
    monkeypatch.setattr(web_seeds, "MOST_REST_SECONDS", 0.05)
    monkeypatch.setattr(web_seed, "BEAT_SECONDS", 0.05)


def serve(asked: Asked) -> None:
    asked.serve()


def first(play: Play, then: Play = serve) -> Play:
    """Answer the first question by one play, and all others by another."""
    return lambda asked: (play if asked.number == 1 else then)(asked)


def told_by(session: Running) -> str:
    """Return what a session has told people, and its error."""
    return "\n".join([*session.notices, str(session.error)])


class TestServing:
    def test_all_comes_from_a_web_seed_alone(
        self, content_maker: ContentMaker, tmp_path: Path
    ) -> None:
        content = content_maker(MANY, piece_length=PIECE)
        with (
            WebServer(content, serve) as server,
            fetching(with_web_seeds(content, server.url), tmp_path / "into") as session,
        ):
            summary = session.finish_whole()
        assert summary.progress.wasted_bytes == 0
        assert summary.progress.fetched_bytes == content.total_length
        assert set(server.paths) == {"/content/a", "/content/sub/b%20c", "/content/d"}

    def test_other_kinds_of_web_seeds_are_ignored(
        self, content_maker: ContentMaker, tmp_path: Path
    ) -> None:
        content = content_maker(PIECE, piece_length=PIECE)
        with WebServer(content, serve) as server:
            urls = ("ftp://127.0.0.1/", "file:///etc/", "udp://127.0.0.1:9/", server.url)
            with fetching(with_web_seeds(content, *urls), tmp_path / "into") as session:
                session.finish_whole()

    def test_what_is_there_already_is_not_asked_for(self, content_maker: ContentMaker) -> None:
        content = content_maker(PIECE, piece_length=PIECE)
        with WebServer(content, serve) as server:
            named = with_web_seeds(content, server.url)
            with fetching(named, content.folder, keep_seeding=True) as session:
                session.wait_until(lambda progress: progress.is_complete, "its completion")
                session.stop()
            assert server.paths == []

    def test_only_what_was_selected_is_asked_for(
        self, content_maker: ContentMaker, tmp_path: Path
    ) -> None:
        content = content_maker({"a": 2 * PIECE, "b": 2 * PIECE}, piece_length=PIECE)
        with WebServer(content, serve) as server:
            named = with_web_seeds(content, server.url)
            with fetching(named, tmp_path / "into", selected_files=frozenset([1])) as session:
                session.finish()
            assert set(server.paths) == {"/content/b"}
            content.assert_same_in(tmp_path / "into", but=["a"])

    def test_a_limit_holds_for_web_seeds_too(
        self, content_maker: ContentMaker, tmp_path: Path
    ) -> None:
        content = content_maker(8 * PIECE, piece_length=PIECE)
        with WebServer(content, serve) as server:
            named = with_web_seeds(content, server.url)
            with fetching(named, tmp_path / "into", download_limit=8 * PIECE) as session:
                summary = session.finish_whole()
        assert summary.elapsed_seconds > 0.5, "it came faster than was allowed"

    def test_a_web_seed_takes_no_slot_and_no_share_of_our_upload(
        self, content_maker: ContentMaker, tmp_path: Path
    ) -> None:
        content = content_maker(2 * PIECE, piece_length=PIECE)
        with (
            capture_trace() as trace,
            WebServer(content, serve) as server,
            fetching(
                with_web_seeds(content, server.url), tmp_path / "into", max_peers=1
            ) as session,
        ):
            session.finish_whole()
        decisions = [one.data for one in trace.named("actor:decision")]
        candidates = [one["candidates"] for one in decisions if one["what"] == "unchoke"]
        assert not any(candidates)


class TestLies:
    @pytest.mark.parametrize("piece_length", [16 * 1024, PIECE, 1024 * 1024])
    def test_a_liar_costs_at_most_the_pieces_it_touched_and_is_given_up(
        self, content_maker: ContentMaker, tmp_path: Path, piece_length: int
    ) -> None:
        content = content_maker(4 * 1024 * 1024, piece_length=piece_length)
        with (
            WebServer(content, Asked.lie) as liar,
            capture_trace() as trace,
            fetching(
                with_web_seeds(content, f"{liar.url}content?secret=1"), tmp_path / "into"
            ) as session,
        ):
            session.wait_until(lambda _: False, "its end")
            touched = {
                piece
                for one in trace.named("actor:decision")
                if one.data["what"] == "pick_piece"
                for piece in one.data.get("pieces", (one.data["chosen"],))
            }
        assert isinstance(session.error, NoProgressError)
        assert "given up: sent bad data" in told_by(session)
        assert "secret" not in told_by(session)
        assert not any("secret" in repr(one.data) for one in trace.events)
        wasted = session.session._progress.wasted_bytes
        assert 0 < wasted <= content.length_of(touched)
        bans = [one for one in trace.named("actor:decision") if one.data["what"] == "ban_peer"]
        assert [one.data["chosen"] for one in bans] == ["WebSeed-1"]

    def test_behind_a_liar_all_comes_from_an_honest_peer(
        self, content_maker: ContentMaker, tmp_path: Path
    ) -> None:
        content = content_maker(16 * PIECE, piece_length=PIECE)
        with (
            WebServer(content, Asked.lie) as liar,
            ScriptedPeer(content) as honest,
            fetching(with_web_seeds(content, liar.url), tmp_path / "into", [honest]) as session,
        ):
            session.finish_whole()

    def test_one_of_two_servers_lies_and_it_alone_is_given_up(
        self, content_maker: ContentMaker, tmp_path: Path
    ) -> None:
        content = content_maker(32 * PIECE, piece_length=PIECE)
        with WebServer(content, Asked.lie) as liar, WebServer(content, serve) as honest:
            named = with_web_seeds(content, liar.url, honest.url)
            with fetching(named, tmp_path / "into", keep_seeding=True) as session:
                session.wait_until(lambda progress: progress.is_complete, "the end of fetching")
                session.stop()
            content.assert_same_in(tmp_path / "into")
        bad = [notice for notice in session.notices if "bad data" in notice]
        assert len(bad) == 1
        assert liar.url.rstrip("/") in bad[0]


class TestSpares:
    def test_of_a_long_list_so_many_are_asked_and_the_others_take_the_place_of_those_given_up(
        self, content_maker: ContentMaker, tmp_path: Path
    ) -> None:
        content = content_maker(64 * PIECE, piece_length=PIECE)
        are_all_asked = threading.Event()

        def lack_everything(asked: Asked) -> None:
            if asked.number == MOST_ASKED:
                are_all_asked.set()
            assert are_all_asked.wait(60)
            asked.answer(b"", "404 Not Found")

        with (
            capture_trace() as trace,
            WebServer(content, lack_everything) as empty,
            WebServer(content, serve) as last,
        ):
            without = [f"{empty.url}{number}/" for number in range(2 * MOST_ASKED)]
            named = with_web_seeds(content, *without, last.url)
            with fetching(named, tmp_path / "into") as session:
                session.finish_whole()
        asked, most_asked = 0, 0
        for event in trace.events:
            asked += event.name == "bt:web_seed_begun"
            asked -= event.name == "bt:web_seed_left"
            most_asked = max(asked, most_asked)
        replaced = [one.data for one in trace.named("actor:decision") if "spares" in one.data]
        assert most_asked == MOST_ASKED
        assert [one["spares"] for one in replaced] == list(reversed(range(MOST_ASKED + 1)))
        assert replaced[-1]["chosen"] == f"WebSeed-{2 * MOST_ASKED + 1}"

    def test_when_nothing_is_lacking_no_spare_is_begun(
        self, content_maker: ContentMaker, tmp_path: Path
    ) -> None:
        content = content_maker(4 * PIECE, piece_length=PIECE)
        with capture_trace() as trace, WebServer(content, serve) as server:
            urls = [f"{server.url}content?{number}" for number in range(MOST_ASKED + 3)]
            with fetching(
                with_web_seeds(content, server.url, *urls), tmp_path / "into", keep_seeding=True
            ) as session:
                session.wait_until(lambda progress: progress.is_complete, "the end of fetching")
                session.stop()
        assert len(list(trace.named("bt:web_seed_begun"))) == MOST_ASKED

    def test_who_wants_no_web_seeds_asks_none(
        self, content_maker: ContentMaker, tmp_path: Path
    ) -> None:
        content = content_maker(4 * PIECE, piece_length=PIECE)
        with WebServer(content, serve) as server, ScriptedPeer(content) as peer:
            named = with_web_seeds(content, server.url)
            with fetching(named, tmp_path / "into", [peer], use_web_seeds=False) as session:
                session.finish_whole()
            assert server.paths == []


def endless(asked: Asked) -> None:
    """Claim the right range, and never end."""
    told = f"Content-Range: bytes {asked.first}-{asked.last}/{len(asked.data)}"
    asked.talk.send(f"HTTP/1.1 206 Partial Content\r\n{told}\r\n\r\n".encode())
    asked.talk.send(asked.wanted)
    while not asked.talk.is_over.is_set():
        asked.talk.send(bytes(64 * 1024))


def cut_short(asked: Asked) -> None:
    """Promise all, and hang up in the middle."""
    told = f"Content-Range: bytes {asked.first}-{asked.last}/{len(asked.data)}"
    length = f"Content-Length: {len(asked.wanted)}"
    asked.talk.send(f"HTTP/1.1 206 Partial Content\r\n{told}\r\n{length}\r\n\r\n".encode())
    asked.talk.send(asked.wanted[: len(asked.wanted) // 2 + 1])


def drip(asked: Asked) -> None:
    """Send a byte now and then, and so no block in any sensible time."""
    told = f"Content-Range: bytes {asked.first}-{asked.last}/{len(asked.data)}"
    asked.talk.send(f"HTTP/1.1 206 Partial Content\r\n{told}\r\n\r\n".encode())
    asked.talk.drip(asked.wanted, 0.02)


def busy(asked: Asked) -> None:
    asked.answer(b"later", "503 Service Unavailable", "Retry-After: 0\r\n")


def whole(asked: Asked) -> None:
    """Know nothing of ranges."""
    asked.answer(asked.data, "200 OK")


class TestTrouble:
    @pytest.mark.parametrize("play", [endless, cut_short, busy])
    def test_after_trouble_all_comes_in_the_end(
        self, content_maker: ContentMaker, tmp_path: Path, play: Play
    ) -> None:
        content = content_maker(6 * PIECE, piece_length=PIECE)
        with (
            WebServer(content, first(play)) as server,
            fetching(with_web_seeds(content, server.url), tmp_path / "into") as session,
        ):
            summary = session.finish_whole()
        assert summary.progress.wasted_bytes < 16 * 1024, "less than a block"
        assert summary.progress.fetched_bytes < content.total_length + 16 * 1024

    def test_a_busy_server_is_asked_again_but_not_for_ever(
        self, content_maker: ContentMaker, tmp_path: Path
    ) -> None:
        content = content_maker(PIECE, piece_length=PIECE)
        with WebServer(content, busy) as server:
            session = fetching(with_web_seeds(content, server.url), tmp_path / "into")
            assert isinstance(error_of(session), NoProgressError)
            assert len(server.paths) == web_seeds.MOST_FAILURES
        (notice,) = session.notices
        assert notice == f"web seed {server.url}…: given up: it answers 503"

    def test_a_server_that_nobody_reaches_is_given_up(
        self, content_maker: ContentMaker, tmp_path: Path
    ) -> None:
        content = content_maker(PIECE, piece_length=PIECE)
        session = fetching(with_web_seeds(content, "http://127.0.0.1:1/"), tmp_path / "into")
        assert isinstance(error_of(session), NoProgressError)
        assert "given up: no connection: connection refused" in told_by(session)

    def test_while_it_rests_people_are_told_why(
        self, content_maker: ContentMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(web_seeds, "FIRST_REST_SECONDS", 60.0)
        monkeypatch.setattr(web_seeds, "MOST_REST_SECONDS", 60.0)
        content = content_maker(PIECE, piece_length=PIECE)
        with (
            WebServer(content, busy) as server,
            fetching(with_web_seeds(content, server.url), tmp_path / "into") as session,
        ):
            expected = f"web seed {server.url}…: it answers 503; trying again"
            session.wait_until(lambda progress: progress.activity == expected, expected)
            session.stop()

    @pytest.mark.parametrize("say_little", [lambda asked: asked.talk.hang(), drip])
    def test_a_server_that_says_little_or_nothing_loses_its_leases_to_a_peer(
        self,
        content_maker: ContentMaker,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        say_little: Play,
    ) -> None:
        monkeypatch.setattr(web_seed_fetching, "STALL_SECONDS", 0.2)
        content = content_maker(4 * PIECE, piece_length=PIECE)
        arrived = threading.Event()

        def play(asked: Asked) -> None:
            arrived.set()
            say_little(asked)

        with (
            WebServer(content, play) as server,
            ScriptedPeer(
                content, never_unchoke
            ) as choker,  # or all could end before the peer comes
            fetching(with_web_seeds(content, server.url), tmp_path / "into", [choker]) as session,
        ):
            assert arrived.wait(60)
            with ScriptedPeer(content) as peer:
                session.session._crew.swarm.peers_found.defer((peer.address,), "a test")
                session.finish_whole()

    def test_of_a_small_file_without_ranges_the_part_is_taken(
        self, content_maker: ContentMaker, tmp_path: Path
    ) -> None:
        content = content_maker(3 * PIECE, piece_length=PIECE)
        with (
            WebServer(content, whole) as server,
            fetching(with_web_seeds(content, server.url), tmp_path / "into") as session,
        ):
            session.finish_whole()

    def test_a_server_without_ranges_is_given_up_where_files_are_large(
        self, content_maker: ContentMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(web_seed_answers, "WHOLE_FILE_BYTES", PIECE)
        content = content_maker(9 * PIECE, piece_length=PIECE)
        with WebServer(content, whole) as server:
            session = fetching(with_web_seeds(content, server.url), tmp_path / "into")
            assert isinstance(error_of(session), NoProgressError)
        assert "expected a part of a file, found that it sends only all" in told_by(session)

    def test_a_server_that_lacks_a_file_is_asked_for_the_others(
        self, content_maker: ContentMaker, tmp_path: Path
    ) -> None:
        content = content_maker({"a": 3 * PIECE, "b": 3 * PIECE + 9}, piece_length=PIECE)

        def lacks_b(asked: Asked) -> None:
            if asked.talk.path.endswith("/b"):
                asked.answer(b"", "404 Not Found")
            else:
                asked.serve()

        with WebServer(content, lacks_b) as server:
            session = fetching(with_web_seeds(content, server.url), tmp_path / "into")
            assert isinstance(error_of(session), NoProgressError), "it has nothing more of use"
            assert server.paths.count("/content/b") == 1
        assert "does not have all files (file 2: it answers 404)" in told_by(session)
        assert content.pieces_in(tmp_path / "into") == {0, 1, 2}


class TestRedirects:
    @pytest.mark.parametrize(
        ("target", "why"),
        [
            ("file:///etc/passwd", "something that is not http or https"),
            ("/content", "more than 5 redirects"),
            ("ftp://127.0.0.1/", "something that is not http or https"),
        ],
    )
    def test_those_that_lead_nowhere_are_the_end(
        self, content_maker: ContentMaker, tmp_path: Path, target: str, why: str
    ) -> None:
        content = content_maker(PIECE, piece_length=PIECE)
        with WebServer(content, lambda asked: asked.talk.redirect(target)) as server:
            session = fetching(with_web_seeds(content, server.url), tmp_path / "into")
            assert isinstance(error_of(session), NoProgressError)
        assert why in told_by(session)

    def test_they_lead_to_another_server_and_need_not_be_asked_for_each_range(
        self, content_maker: ContentMaker, tmp_path: Path
    ) -> None:
        content = content_maker(40 * PIECE, piece_length=PIECE)
        with WebServer(content, serve) as server:
            target = f"{server.url}content"
            with WebServer(content, lambda asked: asked.talk.redirect(target)) as first_server:
                named = with_web_seeds(content, first_server.url)
                with fetching(named, tmp_path / "into") as session:
                    session.finish_whole()
                assert len(first_server.paths) < len(server.paths)
