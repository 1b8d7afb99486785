"""The answer to an `ask`, as a trace sees it: given by one thread, taken by another.

Actors among themselves only tell; asking is for start-up, shutdown and tests. Whoever
takes an answer has heard of all that came before it was given, so its clock moves on.
Who would wait in a circle (`waits.py`) gets a DeadlockError instead.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeVar

import pykka

from actortorrent.actors.causes import Clock, current_clock
from actortorrent.actors.waits import begin_waiting, end_waiting
from actortorrent.errors import DeadlockError
from actortorrent.tracing.entries import message_type
from actortorrent.tracing.events import DEADLOCK, REPLY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pykka._types import OptExcInfo

    from actortorrent.tracing.recorder import Recorder

T = TypeVar("T")


class Reply(pykka.ThreadingFuture[T]):
    """A future answer that records when it is given, and when it is first taken.

    Attributes:
        is_error: whether the answer is an exception.
        is_answered: whether there is an answer, or one is just being given.
        asked: who is to answer, by its clock.
    """

    def __init__(self) -> None:
        super().__init__()
        self.is_error = self.is_answered = False
        self.asked: Clock | None = None
        self._message: object = None
        self._recorder: Recorder | None = None
        self._asker = self._question = self._giver = ""
        self._given = 0
        self._is_taken = False

    def ask_of(self, asked: Clock, message: object) -> None:
        """Note who is to answer what: called before the question is put."""
        self.asked, self._message = asked, message

    def expect(self, recorder: Recorder | None, asker: str, asked: int) -> None:
        """Note who asked, at which tick of its clock: called as the question is put."""
        self._recorder = recorder
        self._asker, self._question = asker, f"{asker}#{asked}"

    def set(self, value: Any | None = None) -> None:
        """Give the answer."""
        self.is_answered = True
        self._record_given("ok")
        super().set(value)

    def set_exception(self, exc_info: OptExcInfo | None = None) -> None:
        """Give an exception as the answer."""
        self.is_error = self.is_answered = True
        self._record_given("error")
        super().set_exception(exc_info)

    def get(self, *, timeout: float | None = None) -> Any:
        """Wait for the answer and return it, or raise it.

        Raises:
            DeadlockError: if whoever is to answer waits for the running actor.
        """
        asker = current_clock()
        circle = [] if self.is_answered else begin_waiting(asker, self)
        if circle:
            raise self._deadlock(circle)
        try:
            return super().get(timeout=timeout)
        finally:
            end_waiting(asker)
            if self._given and not self._is_taken:
                self._is_taken = True
                self._record_taken()

    def _deadlock(self, circle: list[tuple[Clock, Reply[Any]]]) -> DeadlockError:
        """Record that actors wait for each other, and return the error that says so."""
        questions = [
            {"from": asker.name, "to": reply.asked_name, "type": message_type(reply._message)}  # noqa: SLF001
            for asker, reply in circle
        ]
        clock = current_clock()
        about = {"actors": [asker.name for asker, _ in circle], "messages": questions}
        self._record(clock.name, clock.tick(), clock.cause, about, DEADLOCK)
        each = (f"{one['from']} asked {one['to']} {one['type']!r}" for one in questions)
        return DeadlockError(
            f"actors wait for each other: {', '.join(each)}",
            hint="an actor must not wait for another: use .defer(); what was verified is kept",
        )

    @property
    def asked_name(self) -> str:
        """Return who is to answer."""
        return "" if self.asked is None else self.asked.name

    def _record_given(self, status: str) -> None:
        if self._recorder is not None:
            clock = current_clock()
            self._giver, self._given = clock.name, clock.tick()
            about = {"step": "given", "to": self._asker, "answers": self._question}
            about["status"] = status
            self._record(self._giver, self._given, clock.cause, about)

    def _record_taken(self) -> None:
        clock = current_clock()
        about = {"step": "taken", "from": self._giver, "answers": self._question}
        cause = f"{self._giver}#{self._given}"
        self._record(clock.name, clock.tick_after(self._given), cause, about)

    def _record(
        self, actor: str, lc: int, cause: str, about: Mapping[str, object], name: str = REPLY
    ) -> None:
        if self._recorder is not None:
            self._recorder.record(time.monotonic_ns(), name, actor, lc, cause, about)
