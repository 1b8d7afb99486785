"""Actors that would wait for each other for ever are told so at once."""

from __future__ import annotations

import threading

import pytest

from actortorrent.actors.base import Actor, Proxy, Runtime, message, proxy_of, stop_all
from actortorrent.errors import DeadlockError
from actortorrent.tracing.capture import capture_trace

PATIENCE_SECONDS = 60.0


class Asker(Actor):
    """Ask another, which no actor of ours does."""

    def __init__(self, runtime: Runtime, name: str, all_are_busy: threading.Barrier) -> None:
        super().__init__(runtime, name)
        self._all_are_busy = all_are_busy

    def ask(self, other: AskerProxy) -> str:
        self._all_are_busy.wait(PATIENCE_SECONDS)
        return other.name().get(timeout=PATIENCE_SECONDS)

    def pass_on(self, others: tuple[AskerProxy, ...]) -> str:
        return others[0].pass_on(others[1:]).get(timeout=PATIENCE_SECONDS) if others else str(self)

    def name(self) -> str:
        return str(self)


class AskerProxy(Proxy):
    """The messages that it takes."""

    ask = message(Asker.ask)
    pass_on = message(Asker.pass_on)
    name = message(Asker.name)


class Ring:
    """Actors of which each can ask the next."""

    def __init__(self, *names: str) -> None:
        self.failures: list[tuple[str, BaseException]] = []
        self._has_failed = threading.Event()
        barrier = threading.Barrier(len(names))
        runtime = Runtime(actor_failed=self._failed)
        self.actors = [proxy_of(Asker.start(runtime, name, barrier), AskerProxy) for name in names]

    def _failed(self, name: str, error: BaseException) -> None:
        self.failures.append((name, error))
        self._has_failed.set()

    def ask_all_round(self) -> tuple[str, BaseException]:
        for asker, asked in zip(self.actors, self.actors[1:] + self.actors[:1], strict=True):
            asker.ask.defer(asked)
        assert self._has_failed.wait(2), "found within 2 s"
        return self.failures[0]

    def stop(self) -> None:
        assert stop_all(self.actors, PATIENCE_SECONDS) == []


@pytest.mark.parametrize("names", [("A",), ("A", "B"), ("A", "B", "C")])
def test_actors_that_wait_for_each_other_are_named_with_their_messages(
    names: tuple[str, ...],
) -> None:
    with capture_trace() as trace:
        ring = Ring(*names)
        failed, error = ring.ask_all_round()
        ring.stop()
    assert isinstance(error, DeadlockError)
    for asker, asked in zip(names, names[1:] + names[:1], strict=True):
        assert f"{asker} asked {asked} 'name'" in str(error)
    (event,) = trace.named("trace:deadlock")
    assert event.actor == failed
    assert sorted(event.data["actors"]) == sorted(names)
    assert {(one["from"], one["to"], one["type"]) for one in event.data["messages"]} == {
        (asker, asked, "name") for asker, asked in zip(names, names[1:] + names[:1], strict=True)
    }


def test_it_is_found_without_a_trace_too() -> None:
    ring = Ring("A", "B")
    _, error = ring.ask_all_round()
    ring.stop()
    assert isinstance(error, DeadlockError)


def test_a_row_of_actors_that_ask_the_next_is_no_deadlock() -> None:
    with capture_trace() as trace:
        ring = Ring("A", "B", "C")
        answer = ring.actors[0].pass_on(tuple(ring.actors[1:])).get(timeout=PATIENCE_SECONDS)
        ring.stop()
    assert answer == "C"
    assert not trace.named("trace:deadlock")


def test_a_question_that_comes_back_to_its_asker_fails_at_who_asked_first() -> None:
    ring = Ring("A", "B")
    a, b = ring.actors
    with pytest.raises(DeadlockError, match="B asked A 'pass_on', A asked B 'pass_on'"):
        a.pass_on((b, a)).get(timeout=PATIENCE_SECONDS)
    assert a.name().get(timeout=PATIENCE_SECONDS) == "A", "both go on"
    ring.stop()
