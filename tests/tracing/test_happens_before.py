from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pykka
import pytest

import actortorrent
from actortorrent.actors.base import Actor, Proxy, Runtime, message, proxy_of, stop_all
from actortorrent.actors.inbox import Inbox
from actortorrent.actors.socket_inbox import SocketInbox
from actortorrent.tracing.capture import CapturedTrace, capture_trace
from actortorrent.tracing.events import Event
from tests.conftest import ContentMaker
from tests.tracing.traces import broken_laws, event
from tests.tracing.traces import message as sent

PATIENCE_SECONDS = 60.0


class Juggler(Actor):
    """Pass a ball on until it has been caught often enough."""

    def __init__(self, name: str) -> None:
        super().__init__(Runtime(), name)
        self._partner: JugglerProxy | None = None
        self.has_all = threading.Event()

    def meet(self, partner: JugglerProxy) -> None:
        self._partner = partner

    def catch(self, times_left: int) -> None:
        self._decide("throw", times_left > 0, times_left=times_left)
        if times_left % 7 == 3:
            self._after(0.001, "_drop", times_left)
        elif times_left > 0 and self._partner is not None:
            self._partner.catch.defer(times_left - 1)
        else:
            self.has_all.set()

    def _drop(self, times_left: int) -> None:
        if self._partner is not None:
            self._partner.catch.defer(times_left - 1)

    def stumble(self) -> None:
        raise ValueError("stumbled")

    def on_end(self, error: BaseException | None) -> None:  # noqa: ARG002 - the hook's signature
        if self._partner is not None:
            self._partner.catch.defer(0)


class JugglerProxy(Proxy):
    """The messages that a juggler takes."""

    meet = message(Juggler.meet)
    catch = message(Juggler.catch)
    stumble = message(Juggler.stumble)


@pytest.fixture
def put_count(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count what is sent, where it goes in, independently of the trace."""
    counts: Counter[str] = Counter()
    lock = threading.Lock()

    def counted(method: Any, what: str) -> Any:
        def wrapper(inbox: Inbox, *args: Any) -> Any:
            if inbox.recorder is not None:
                with lock:
                    counts[what] += 1
            return method(inbox, *args)

        return wrapper

    for kind in (Inbox, SocketInbox):
        monkeypatch.setattr(kind, "put", counted(kind.put, "put"))
    monkeypatch.setattr(Inbox, "record_dead_letter", counted(Inbox.record_dead_letter, "dead"))
    return counts


def test_it_holds_among_actors_that_tell_ask_wait_fail_and_stop(
    put_count: Counter[str],
) -> None:
    with capture_trace() as trace:
        refs = [Juggler.start(name) for name in ("Left", "Right", "Right")]
        left, right, other = (proxy_of(ref, JugglerProxy) for ref in refs)
        left.meet.defer(right)
        right.meet.defer(left)
        for _ in range(20):
            left.catch.defer(40)
        assert left.ping().get() == "Left"
        assert _actor(refs[0]).has_all.wait(PATIENCE_SECONDS)
        other.stumble.defer()
        assert refs[2].actor_stopped.wait(PATIENCE_SECONDS)
        other.catch.defer(1)
        with pytest.raises(pykka.ActorDeadError):
            other.ping().get()
        with pytest.raises(ValueError, match="stumbled"):
            right.stumble().get()
        assert stop_all([left, right, other], PATIENCE_SECONDS) == []
    assert broken_laws(trace.events) == []
    assert len(trace.messages()) == put_count["put"] + put_count["dead"] > 800
    statuses = Counter(one.data["status"] for one in trace.messages())
    assert statuses["dead"] == put_count["dead"] >= 3
    assert statuses["error"] == 2
    assert [one.actor for one in trace.named("actor:failed")] == ["Right~2"]
    assert {one.data["type"] for one in trace.named("actor:timer")} == {"_drop"}
    assert len(trace.named("actor:stopped")) == len(trace.named("actor:spawned")) == 3


def test_it_holds_over_a_seed_and_a_fetch(
    put_count: Counter[str], content_maker: ContentMaker, tmp_path: Path
) -> None:
    content = content_maker({"a": 300_000, "b/c": 700_001}, piece_length=32 * 1024)
    with capture_trace() as trace:
        _fetch_from_own_seed(content.torrent, content.folder, tmp_path / "fetched")
    assert broken_laws(trace.events) == []
    assert len(trace.messages()) == put_count["put"] + put_count["dead"]
    assert len(trace.named("bt:piece_verified")) == 31
    assert {"wants_work", "lease", "store_runs", "stop"} <= _types(trace)


def _fetch_from_own_seed(torrent: Path, folder: Path, output: Path) -> None:
    metainfo = actortorrent.Metainfo.from_file(torrent)
    is_up = threading.Event()
    seeding = actortorrent.Session(
        metainfo,
        actortorrent.SessionOptions(
            output=folder, keep_seeding=True, use_trackers=False, port=0, bind="127.0.0.1"
        ),
        on_progress=lambda progress: is_up.set() if progress.phase == "seeding" else None,
    )
    thread = threading.Thread(target=seeding.run, name="SeedingSession")
    thread.start()
    try:
        assert is_up.wait(PATIENCE_SECONDS)
        address = actortorrent.Address("127.0.0.1", seeding.port)
        summary = actortorrent.fetch(
            torrent, output=output, peers=[address], use_trackers=False, port=0, bind="127.0.0.1"
        )
        assert summary.is_complete
    finally:
        seeding.request_stop()
        thread.join(PATIENCE_SECONDS)


def _types(trace: CapturedTrace) -> set[str]:
    return {one.data["type"] for one in trace.messages()}


def _actor(ref: pykka.ActorRef[Juggler]) -> Juggler:
    actor = ref._actor_weakref()
    assert actor is not None
    return actor


@pytest.mark.parametrize(
    ("events", "why"),
    [
        ([event("x", "A", 1), event("x", "A", 1)], "happened twice"),
        ([event("x", "A", 1, cause="B#9")], "is nowhere"),
        ([event("x", "A", 5), event("x", "B", 4, cause="A#5")], "earlier than its cause"),
        ([event("x", "A", 1, ms=2), event("x", "A", 2, ms=1)], "disagree"),
        ([sent("A", "B", "go", (3, 3, 4))], "does not rise"),
    ],
)
def test_a_trace_that_breaks_the_laws_is_found_out(events: list[Event], why: str) -> None:
    assert why in " ".join(broken_laws(events))
