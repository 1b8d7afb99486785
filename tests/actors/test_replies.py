from __future__ import annotations

import pykka
import pytest

from actortorrent.actors.base import Actor, Proxy, Runtime, message, proxy_of, stop_all
from actortorrent.tracing.capture import CapturedTrace, capture_trace
from actortorrent.tracing.events import Event


class Answerer(Actor):
    """Answer."""

    def __init__(self) -> None:
        super().__init__(Runtime(), "Answerer")

    def half(self, number: int) -> int:
        if number % 2:
            raise ValueError("odd")
        return number // 2


class AnswererProxy(Proxy):
    """The messages that it takes."""

    half = message(Answerer.half)


def ask(number: int) -> CapturedTrace:
    with capture_trace() as trace:
        answerer = proxy_of(Answerer.start(), AnswererProxy)
        try:
            if number % 2:
                with pytest.raises(ValueError, match="odd"):
                    answerer.half(number).get(timeout=60)
            else:
                assert answerer.half(number).get(timeout=60) == number // 2
        finally:
            stop_all([answerer], 5)
    return trace


def steps(trace: CapturedTrace) -> list[Event]:
    """Return the events of the first answer: that it was given, that it was taken."""
    first = trace.messages("half")[0].data["id"]
    return [one for one in trace.named("actor:reply") if one.data["answers"] == first]


def test_an_answer_is_recorded_when_it_is_given_and_when_it_is_taken() -> None:
    given, taken = steps(ask(4))
    assert (given.actor, given.data["step"], given.data["status"]) == ("Answerer", "given", "ok")
    assert (taken.data["step"], taken.data["from"], taken.cause) == ("taken", "Answerer", given.id)
    assert taken.lc > given.lc


def test_an_exception_as_an_answer_makes_its_question_an_error() -> None:
    trace = ask(3)
    assert [one.data["status"] for one in trace.messages("half")] == ["error"]
    assert steps(trace)[0].data["status"] == "error"
    assert trace.named("actor:failed") == []


def test_asking_the_dead_is_recorded() -> None:
    with capture_trace() as trace:
        answerer = proxy_of(Answerer.start(), AnswererProxy)
        stop_all([answerer], 5)
        with pytest.raises(pykka.ActorDeadError):
            answerer.half(4).get(timeout=60)
    assert [one.data["status"] for one in trace.messages("half")] == ["dead"]


def test_an_answer_taken_twice_is_recorded_once() -> None:
    with capture_trace() as trace:
        answerer = proxy_of(Answerer.start(), AnswererProxy)
        answer = answerer.half(4)
        assert answer.get(timeout=60) == answer.get(timeout=60) == 2
        stop_all([answerer], 5)
    assert [one.data["step"] for one in steps(trace)] == ["given", "taken"]
