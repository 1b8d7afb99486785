"""Without a trace the last events are kept, and written down when that may help."""

from __future__ import annotations

import json
import stat
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from actortorrent.actors.peer import PeerActor
from actortorrent.actors.piece_manager import PieceManager, PieceManagerProxy
from actortorrent.actors.storage import Storage
from actortorrent.errors import ActorTorrentError, DeadlockError, StalledError
from actortorrent.options import SessionOptions
from actortorrent.story import Story
from actortorrent.tracing.capture import capture_trace
from actortorrent.tracing.events import Event
from actortorrent.tracing.reader import TraceFile
from actortorrent.wire.magnet import Magnet
from tests.conftest import ContentMaker
from tests.content import Content
from tests.sessions.running import Running, error_of, fetching, seeding
from tests.sessions.scripted_peer import ScriptedPeer, Talk, never_answer

PATIENCE_SECONDS = 60.0


@pytest.fixture(autouse=True)
def temp_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let files for a while lie where the test can look."""
    folder = tmp_path / "temp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def content(content_maker: ContentMaker) -> Content:
    return content_maker(300_000)


def flights_in(folder: Path) -> list[Path]:
    return sorted(folder.glob("actortorrent-flight-*.jsonl"))


def read(path: Path) -> tuple[TraceFile, list[Event]]:
    with TraceFile(path) as trace:
        return trace, list(trace.events())


def only_greet(talk: Talk) -> None:
    talk.greet()


def stall(content: Content, output: Path, **settings: Any) -> ActorTorrentError:
    with ScriptedPeer(content, only_greet) as silent:
        return error_of(fetching(content, output, [silent], stall_timeout_seconds=0.5, **settings))


def test_a_stall_is_explained_by_a_trace_of_what_led_to_it(
    content: Content, tmp_path: Path, temp_folder: Path
) -> None:
    error = stall(content, tmp_path / "out")
    (flight,) = flights_in(temp_folder)
    assert isinstance(error, StalledError)
    assert error.hint.endswith(f"actortorrent trace show {flight}")
    trace, events = read(flight)
    assert trace.header.flight_recorder.startswith("StalledError: nothing came for")
    assert trace.has_end
    assert {"bt:connection_begun", "actor:message"} <= {event.name for event in events}


def test_only_its_owner_may_read_it_and_it_does_not_lie_with_the_content(
    content: Content, tmp_path: Path, temp_folder: Path
) -> None:
    stall(content, tmp_path / "out")
    (flight,) = flights_in(temp_folder)
    assert stat.S_IMODE(flight.stat().st_mode) == 0o600
    assert not list((tmp_path / "out").glob("**/*.jsonl"))


def test_with_a_trace_no_flight_recorder_is_kept(
    content: Content, tmp_path: Path, temp_folder: Path
) -> None:
    stall(content, tmp_path / "out", trace=tmp_path / "trace.jsonl")
    assert flights_in(temp_folder) == []


def test_it_can_be_switched_off(content: Content, tmp_path: Path, temp_folder: Path) -> None:
    stall(content, tmp_path / "out", flight_events=0)
    assert flights_in(temp_folder) == []


def test_where_it_cannot_be_written_the_error_says_so(
    content: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    error = stall(content, tmp_path / "out")
    assert error.hint.endswith("could not be written: No such file or directory")


def ask_for_record(session: Running) -> list[Event]:
    session.session.request_record()
    session.wait_for_notice("trace show")
    (notice,) = [one for one in session.notices if "trace show" in one]
    return read(Path(notice.rpartition(" ")[2]))[1]


def test_who_asks_gets_it_and_the_session_goes_on(content: Content, tmp_path: Path) -> None:
    with seeding(content) as seed:
        events = ask_for_record(seed)
        assert "bt:listening" in {event.name for event in events}
        with fetching(content, tmp_path / "out", [seed]) as leech:
            leech.finish_whole()
    assert seed.error is None


def test_what_it_holds_is_what_a_trace_would_have(content: Content, tmp_path: Path) -> None:
    with capture_trace() as trace, seeding(content) as seed:
        with fetching(content, tmp_path / "out", [seed]) as leech:
            leech.finish_whole()
        events = ask_for_record(seed)
    traced = {event.id: json.loads(event.to_line()) for event in trace.named("actor:message")}
    held = [event for event in events if event.name == "actor:message"]
    assert len(held) > 20
    for event in held:
        if not event.actor.startswith("MainThread") and event.actor in SEEDS_ONLY:
            assert json.loads(event.to_line()) == traced[event.id]


SEEDS_ONLY = ("Storage", "Seeder", "Swarm", "PieceManager", "Reporter")


def test_only_the_last_events_are_in_it(content: Content) -> None:
    with seeding(content, flight_events=20) as seed:
        events = ask_for_record(seed)
    gap, *kept, _end = events
    assert gap.name == "trace:gap"
    assert len(kept) == 20


def test_with_a_trace_who_asks_is_told_where_that_is(content: Content, tmp_path: Path) -> None:
    with seeding(content, trace=tmp_path / "trace.jsonl") as seed:
        seed.session.request_record()
        seed.wait_for_notice(f"actortorrent trace show {tmp_path / 'trace.jsonl'}")


def fail(*_: object) -> None:
    raise ZeroDivisionError("planted")


def test_a_failing_actor_is_explained(
    content: Content, tmp_path: Path, temp_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PieceManager, "content_checked", fail)
    error = error_of(Running(content, tmp_path / "out"))
    (flight,) = flights_in(temp_folder)
    assert str(flight) in error.hint
    failed = [event for event in read(flight)[1] if event.name == "actor:failed"]
    assert [event.actor for event in failed] == ["PieceManager"]


def test_a_failing_peer_is_explained_and_the_session_goes_on(
    content: Content, tmp_path: Path, temp_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PeerActor, "introduce", fail)
    with (
        ScriptedPeer(content, never_answer) as peer,
        fetching(content, tmp_path / "out", [peer]) as session,
    ):
        session.wait_for_notice("Peer-1 failed, a bug of ours")
        session.wait_for_notice("trace show")
        session.stop()
    assert session.error is None
    assert len(flights_in(temp_folder)) == 1


def test_of_failing_peers_only_the_first_is_explained(tmp_path: Path) -> None:
    story = Story(SessionOptions(output=tmp_path))
    story.begin(Magnet(b"h" * 20), b"p" * 20)
    assert story.explain_peer("Peer-1 failed")
    assert story.explain_peer("Peer-2 failed") == ""


def test_an_error_of_who_watches_is_none_of_ours(
    content: Content, tmp_path: Path, temp_folder: Path
) -> None:
    session = Running(content, tmp_path / "out", on_progress=fail)
    session._run()
    assert isinstance(session.error, ZeroDivisionError)
    assert flights_in(temp_folder) == []


def test_an_unknown_error_in_the_session_is_explained(
    content: Content, tmp_path: Path, temp_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actortorrent.crew.Crew.open_doors", fail)
    session = Running(content, tmp_path / "out")
    session._run()
    assert isinstance(session.error, ZeroDivisionError)
    (flight,) = flights_in(temp_folder)
    assert session.notices[-1].endswith(str(flight))


def test_a_disk_that_fails_is_no_riddle(
    content: Content, tmp_path: Path, temp_folder: Path
) -> None:
    (tmp_path / "out").write_text("a file where a folder is needed")
    error_of(Running(content, tmp_path / "out"))
    assert flights_in(temp_folder) == []


def waiting_for(
    both_are_busy: threading.Barrier, met: dict[str, Any], whom: str
) -> Callable[..., None]:
    def handle(*_: object) -> None:
        both_are_busy.wait(PATIENCE_SECONDS)
        met[whom].ping().get(timeout=PATIENCE_SECONDS)

    return handle


def test_actors_that_wait_for_each_other_end_the_session_in_order(
    content: Content, tmp_path: Path, temp_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    met: dict[str, Any] = {}
    both_are_busy = threading.Barrier(2)

    def meet(storage: Storage, piece_manager: PieceManagerProxy) -> None:
        met["piece manager"] = piece_manager
        met["storage"] = storage.actor_ref.proxy()
        storage._piece_manager = piece_manager

    monkeypatch.setattr(Storage, "report_to", meet)
    asks_manager = waiting_for(both_are_busy, met, "piece manager")
    asks_storage = waiting_for(both_are_busy, met, "storage")
    monkeypatch.setattr(Storage, "check_content", asks_manager)
    monkeypatch.setattr(PieceManager, "report_to", asks_storage)
    error = error_of(Running(content, tmp_path / "out"))
    assert isinstance(error, DeadlockError)
    assert "Storage asked PieceManager 'ping'" in str(error)
    assert "PieceManager asked Storage 'ping'" in str(error)
    (flight,) = flights_in(temp_folder)
    assert [one.name for one in read(flight)[1]].count("trace:deadlock") == 1
