"""What we build on and Pykka does not promise: a failure here says what a new release changed.

`setup.py` takes `pykka>=4.4,<5`. Each test names one thing that `actors/` relies upon.
"""

from __future__ import annotations

import inspect
import queue
import threading
from typing import Any

import pykka
import pytest
from pykka import messages
from pykka._envelope import Envelope

SECONDS = 60.0


class Plain(pykka.ThreadingActor):
    """An actor as Pykka makes it, that notes which hooks it calls."""

    use_daemon_thread = True

    def __init__(self, log: list[str], fails_in: str = "") -> None:
        super().__init__()
        self._log = log
        self._fails_in = fails_in

    def _step(self, step: str) -> None:
        self._log.append(step)
        if step == self._fails_in:
            raise RuntimeError(step)

    def on_start(self) -> None:
        self._step("on_start")

    def work(self) -> None:
        self._step("work")

    def on_stop(self) -> None:
        self._step("on_stop")

    def on_failure(self, *_: Any) -> None:
        self._log.append("on_failure")

    def _handle_failure(self, *exc_info: Any) -> None:
        self._log.append("_handle_failure")
        super()._handle_failure(*exc_info)


def play(fails_in: str, *, asks: bool = False) -> list[str]:
    """Let an actor live, work and stop; return what was called."""
    log: list[str] = []
    threads_before = set(threading.enumerate())
    ref = Plain.start(log, fails_in)
    call = messages.ProxyCall(("work",), (), {})
    try:
        if asks:
            with pytest.raises(RuntimeError, match="work"):
                ref.ask(call, timeout=SECONDS)
        else:
            ref.tell(call)
    except pykka.ActorDeadError:
        pass  # it was quicker
    ref.stop(timeout=SECONDS)
    for thread in set(threading.enumerate()) - threads_before:
        thread.join(SECONDS)
    return log


# --- what we give Pykka ---------------------------------------------------------------------------


def test_the_inbox_comes_from_a_static_hook_and_needs_put_get_and_empty() -> None:
    assert isinstance(inspect.getattr_static(pykka.Actor, "_create_actor_inbox"), staticmethod)

    class Least:
        """Has nothing else."""

        def __init__(self) -> None:
            self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()

        def put(self, envelope: Envelope[Any]) -> None:
            self._queue.put(envelope)

        def get(self) -> Envelope[Any]:
            return self._queue.get()

        def empty(self) -> bool:
            return self._queue.empty()

    class OwnInbox(Plain):
        @staticmethod
        def _create_actor_inbox() -> Any:
            return Least()

    ref = OwnInbox.start([])
    assert isinstance(ref.actor_inbox, Least)
    ref.proxy().work().get(timeout=SECONDS)
    assert ref.stop(timeout=SECONDS)


def test_the_future_comes_from_a_static_hook_and_stop_makes_another_without_arguments() -> None:
    assert isinstance(inspect.getattr_static(pykka.Actor, "_create_future"), staticmethod)

    class Mine(pykka.ThreadingFuture[Any]):
        pass

    class OwnFuture(Plain):
        @staticmethod
        def _create_future() -> Any:
            return Mine()

    ref = OwnFuture.start([])
    assert isinstance(ref.stop(block=False), Mine)
    assert ref.actor_stopped.wait(SECONDS)


def test_a_failed_answer_takes_the_three_of_exc_info() -> None:
    future: pykka.ThreadingFuture[Any] = pykka.ThreadingFuture()
    future.set_exception((pykka.ActorDeadError, pykka.ActorDeadError("gone"), None))
    with pytest.raises(pykka.ActorDeadError, match="gone"):
        future.get(timeout=SECONDS)


# --- what Pykka gives us --------------------------------------------------------------------------


def test_an_envelope_is_a_message_and_whom_to_answer() -> None:
    future: pykka.ThreadingFuture[Any] = pykka.ThreadingFuture()
    envelope = Envelope("message", reply_to=future)
    assert (envelope.message, envelope.reply_to) == ("message", future)
    assert Envelope("message").reply_to is None
    assert Envelope("message", future).reply_to is future


def test_a_call_through_a_proxy_is_a_path_and_arguments() -> None:
    assert messages.ProxyCall._fields == ("attr_path", "args", "kwargs")
    assert messages._ActorStop() == ()


def test_calls_and_orders_to_stop_arrive_as_these_messages() -> None:
    class Catching(queue.Queue[Any]):
        caught: list[Any] = []  # noqa: RUF012 - shared on purpose

        def put(self, item: Any, *args: Any, **kwargs: Any) -> None:
            self.caught.append(item)
            super().put(item, *args, **kwargs)

    class Caught(Plain):
        @staticmethod
        def _create_actor_inbox() -> Any:
            return Catching()

    ref = Caught.start([])
    proxy = ref.proxy()
    proxy.work.defer()
    proxy.work().get(timeout=SECONDS)
    ref.stop(timeout=SECONDS)
    told, asked, stop = Catching.caught
    assert told.message == asked.message == messages.ProxyCall(("work",), (), {})
    assert told.reply_to is None
    assert asked.reply_to is not None
    assert type(stop.message) is messages._ActorStop


@pytest.mark.parametrize(
    "method",
    [
        "_start_actor_loop",
        "_actor_loop",
        "_actor_loop_teardown",
        "_handle_receive",
        "_handle_failure",
        "_stop",
        "on_start",
        "on_stop",
    ],
)
def test_the_methods_that_we_override_or_call_are_there(method: str) -> None:
    assert callable(getattr(pykka.ThreadingActor, method))


def test_start_makes_registers_and_starts_in_the_thread_of_the_caller() -> None:
    class Starting(Plain):
        def _start_actor_loop(self) -> None:
            self.started_in = threading.current_thread()
            assert self.actor_ref in pykka.ActorRegistry.get_all()
            assert self.actor_ref.is_alive()
            super()._start_actor_loop()

    ref = Starting.start([])
    assert ref.proxy().started_in.get(timeout=SECONDS) is threading.current_thread()
    ref.stop(timeout=SECONDS)


def test_start_returns_the_reference_that_the_actor_made_for_itself() -> None:
    class OwnRef(Plain):
        def __init__(self) -> None:
            super().__init__([])
            self._actor_ref = MyRef(self)

    class MyRef(pykka.ActorRef[Any]):
        pass

    ref = OwnRef.start()
    assert isinstance(ref, MyRef)
    assert ref.proxy().actor_ref is ref
    ref.stop(timeout=SECONDS)


# --- which hooks are called when --------------------------------------------------------------------


def test_stopped_in_order_only_on_stop_is_called() -> None:
    assert play("") == ["on_start", "work", "on_stop"]


def test_a_failure_at_the_start_calls_neither_on_failure_nor_on_stop() -> None:
    assert play("on_start") == ["on_start", "_handle_failure"]


def test_a_failure_in_a_handler_calls_on_failure_and_not_on_stop() -> None:
    assert play("work") == ["on_start", "work", "_handle_failure", "on_failure"]


def test_a_failure_in_an_answer_goes_to_the_asker_alone() -> None:
    assert play("work", asks=True) == ["on_start", "work", "on_stop"]


def test_a_failure_at_the_stop_calls_handle_failure() -> None:
    assert play("on_stop") == ["on_start", "work", "on_stop", "_handle_failure"]


def test_telling_the_dead_raises_and_asking_them_is_answered_with_an_exception() -> None:
    ref = Plain.start([])
    ref.stop(timeout=SECONDS)
    with pytest.raises(pykka.ActorDeadError):
        ref.tell("anything")
    future = ref.ask("anything", block=False)
    with pytest.raises(pykka.ActorDeadError):
        future.get(timeout=SECONDS)
