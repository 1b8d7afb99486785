from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pykka
import pytest

from actortorrent.actors.base import (
    Proxy,
    Ref,
    Runtime,
    SocketActor,
    message,
    proxy_of,
    stop_all,
)
from actortorrent.actors.inbox import Inbox
from actortorrent.actors.life_trace import LifeTrace
from tests.actors.workers import (
    SECONDS,
    Failures,
    Stage,
    Worker,
    WorkerProxy,
    WorkerWithSockets,
    join,
    log_of,
)


@pytest.fixture(params=[Worker, WorkerWithSockets])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    stage = Stage(request.param)
    yield stage
    assert stop_all(stage.started, SECONDS) == []


# --- life -----------------------------------------------------------------------------------------


def test_a_ping_is_answered_when_all_before_it_is_done(stage: Stage) -> None:
    worker = stage.start()
    worker.note.defer(1)
    worker.note.defer(2)
    assert worker.ping().get(timeout=SECONDS) == "Worker"
    assert log_of(worker) == ["on_start", 1, 2]


def test_it_runs_on_a_thread_of_its_own_that_has_its_name(stage: Stage) -> None:
    worker = stage.start("Peer-7")
    thread = worker.thread().get(timeout=SECONDS)
    assert thread is worker.actor_ref.thread
    assert thread.name == str(worker.actor_ref) == "Peer-7"
    assert thread.daemon  # whatever hangs, the process can end


def test_an_answer_may_be_an_exception_and_the_actor_lives_on(stage: Stage) -> None:
    worker = stage.start(fails_in="work")
    with pytest.raises(RuntimeError, match="failed in work"):
        worker.work().get(timeout=SECONDS)
    assert worker.ping().get(timeout=SECONDS) == "Worker"
    assert stage.failures.told == []


@pytest.mark.parametrize(
    ("where", "fails_in"), [(LifeTrace, "fail"), (Inbox, "finish_handling"), (Inbox, "close")]
)
def test_a_failure_is_told_though_no_memory_is_left_to_handle_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, where: type[object], fails_in: str
) -> None:
    worker = stage.start(fails_in="work")
    worker.ping().get(timeout=SECONDS)

    def fail(*_: object) -> None:
        monkeypatch.undo()  # by then there is some again
        raise MemoryError

    monkeypatch.setattr(where, fails_in, fail)
    worker.work.defer()
    join(worker)
    assert not worker.actor_ref.is_alive()
    assert stage.failures.told


def test_an_actor_that_was_not_started_is_a_plain_object() -> None:
    worker = Worker(Runtime())
    worker.note("directly")
    assert worker._log.get_nowait() == "directly"


def test_it_sends_itself_messages_later(stage: Stage) -> None:
    worker = stage.start()
    worker.work_later_or_not.defer()
    worker.work_later.defer(0.01)
    log = worker.log().get(timeout=SECONDS)
    assert [log.get(timeout=SECONDS) for _ in range(2)] == ["on_start", "work"]


# --- the end --------------------------------------------------------------------------------------


def test_stopped_in_order_it_ends_once_after_all_mail_before(stage: Stage) -> None:
    worker = stage.start()
    worker.note.defer("last words")
    assert worker.actor_ref.stop(block=True, timeout=SECONDS)
    assert worker.actor_ref.stop(block=True, timeout=SECONDS) is False
    join(worker)
    assert log_of(worker) == ["on_start", "last words", ("ended", None)]
    assert stage.failures.told == []


def test_a_failure_in_a_handler_ends_it_once_and_is_told(stage: Stage) -> None:
    worker = stage.start(fails_in="work")
    worker.work.defer()
    worker.note.defer("never heard")
    join(worker)
    assert log_of(worker) == ["on_start", "work", ("ended", "failed in work")]
    assert stage.failures.told == [("Worker", "failed in work")]
    assert stage.failures.threads == ["Worker"]


def test_a_failure_when_a_timer_falls_due_is_a_failure_too(stage: Stage) -> None:
    worker = stage.start(fails_in="work")
    worker.work_later.defer(0)
    join(worker)
    assert stage.failures.told == [("Worker", "failed in work")]


def test_a_failure_at_the_start_ends_it_once_and_is_told(stage: Stage) -> None:
    worker = stage.start(fails_in="on_start")
    join(worker)
    assert log_of(worker) == ["on_start", ("ended", "failed in on_start")]
    assert stage.failures.told == [("Worker", "failed in on_start")]


def test_a_failure_at_the_end_is_told_and_there_is_no_second_end(stage: Stage) -> None:
    worker = stage.start(fails_in="on_end")
    assert worker.actor_ref.stop(block=True, timeout=SECONDS)
    join(worker)
    assert log_of(worker) == ["on_start", ("ended", None)]
    assert stage.failures.told == [("Worker", "failed in on_end")]


@pytest.mark.parametrize("first", ["on_start", "work"])
def test_a_failure_at_the_end_after_a_failure_keeps_nobody_waiting(
    stage: Stage, first: str
) -> None:
    worker = stage.start(fails_in=f"{first} on_end")
    worker.work.defer()
    question = worker.ping()
    with pytest.raises(pykka.ActorDeadError):
        question.get(timeout=SECONDS)
    join(worker)
    assert log_of(worker)[-1] == ("ended", f"failed in {first}")
    assert stage.failures.told == [("Worker", f"failed in {first}"), ("Worker", "failed in on_end")]


def test_it_may_stop_itself_and_hears_nothing_more(stage: Stage) -> None:
    worker = stage.start()
    worker.stop_yourself.defer()
    worker.note.defer("never heard")
    join(worker)
    assert log_of(worker) == ["on_start", ("ended", None)]


def test_a_failure_prints_nothing(stage: Stage, capfd: pytest.CaptureFixture[str]) -> None:
    join_after = stage.start(fails_in="work on_end")
    join_after.work.defer()
    join(join_after)
    assert capfd.readouterr() == ("", "")


# --- the dead -------------------------------------------------------------------------------------


def test_telling_the_dead_does_no_harm_and_asking_them_is_answered(stage: Stage) -> None:
    worker = stage.start()
    stop_all([worker], SECONDS)
    worker.note.defer("too late")
    with pytest.raises(pykka.ActorDeadError):
        worker.ping().get(timeout=SECONDS)
    assert log_of(worker) == ["on_start", ("ended", None)]


def test_whoever_asked_just_before_the_end_is_answered(stage: Stage) -> None:
    worker, gate = stage.start(), threading.Event()
    worker.wait_for.defer(gate)
    worker.actor_ref.stop(block=False)
    question = worker.ping()
    gate.set()
    with pytest.raises(pykka.ActorDeadError):
        question.get(timeout=SECONDS)


def test_telling_somebody_who_dies_at_that_moment_does_no_harm() -> None:
    """It is alive when one looks, and gone when Pykka looks."""

    class DiesWhenLookedAt(Ref[Worker]):
        looks = 0

        def is_alive(self) -> bool:
            self.looks += 1
            return self.looks < 2

    ref = DiesWhenLookedAt(Worker(Runtime()))
    for _ in range(3):
        ref.tell("anything")


def test_a_proxy_can_be_had_of_an_actor_that_has_already_gone() -> None:
    failures = Failures()
    ref = Worker.start(Runtime(actor_failed=failures.actor_failed), "Worker", "on_start")
    assert isinstance(ref, Ref)
    assert ref.join(SECONDS)
    worker = proxy_of(ref, WorkerProxy)
    worker.note.defer("harmless")
    assert worker.actor_ref is ref


# --- stopping many ----------------------------------------------------------------------------------


def test_stop_all_waits_for_every_thread(stage: Stage) -> None:
    workers = [stage.start(f"Worker-{number}") for number in range(5)]
    assert stop_all(workers, SECONDS) == []
    for worker in workers:
        assert worker.actor_ref.thread is not None
        assert not worker.actor_ref.thread.is_alive()


def test_stop_all_names_who_hangs_and_does_not_wait_longer_than_it_may(stage: Stage) -> None:
    gate = threading.Event()
    hanging, other = stage.start("Hanging"), stage.start("Other")
    hanging.wait_for.defer(gate)
    hanging.note.defer("never heard")
    began = time.monotonic()
    assert stop_all([hanging, other], 0.05) == ["Hanging"]
    assert time.monotonic() - began < SECONDS / 2
    assert not other.actor_ref.is_alive()
    gate.set()
    join(hanging)


def test_stop_all_does_not_mind_the_dead(stage: Stage) -> None:
    worker = stage.start()
    stop_all([worker], SECONDS)
    assert stop_all([worker], SECONDS) == []


# --- sockets ----------------------------------------------------------------------------------------


class Echo(SocketActor):
    """Sends back what comes."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(Runtime(), "Echo")
        self._sock = sock

    def on_start(self) -> None:
        self._watch(self._sock, "_ready")

    def _ready(self, sock: socket.socket, _readable: bool, _writable: bool) -> None:
        data = sock.recv(100)
        if data:
            sock.send(data)
        else:
            self._stop()

    def be_deaf(self) -> None:
        self._unwatch(self._sock)

    def hear_again(self) -> None:
        self._watch(self._sock, "_ready")

    def on_end(self, error: BaseException | None) -> None:  # noqa: ARG002 - Actor's
        self._sock.close()


class EchoProxy(Proxy):
    """The messages that it takes."""

    be_deaf = message(Echo.be_deaf)
    hear_again = message(Echo.hear_again)


def test_a_socket_and_mail_are_heard_on_one_thread() -> None:
    ours, theirs = socket.socketpair()
    with closing(ours):
        ours.settimeout(SECONDS)
        echo = proxy_of(Echo.start(theirs), EchoProxy)
        ours.send(b"hello")
        assert ours.recv(100) == b"hello"
        echo.be_deaf().get(timeout=SECONDS)
        ours.send(b"anybody?")
        ours.settimeout(0.02)
        with pytest.raises(TimeoutError):
            ours.recv(100)
        ours.settimeout(SECONDS)
        echo.hear_again.defer()
        assert ours.recv(100) == b"anybody?"
        ours.shutdown(socket.SHUT_WR)
        assert ours.recv(100) == b""
        assert echo.actor_ref.join(SECONDS)


def test_mail_reaches_an_actor_that_sleeps_on_its_socket() -> None:
    ours, theirs = socket.socketpair()
    with closing(ours):
        echo: Any = proxy_of(Echo.start(theirs), EchoProxy)
        for _ in range(200):
            assert echo.ping().get(timeout=SECONDS) == "Echo"
        assert stop_all([echo], SECONDS) == []
