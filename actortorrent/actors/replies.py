"""The answer to an `ask`, as a trace sees it: given by one thread, taken by another.

Actors among themselves only tell; asking is for start-up, shutdown and tests. Whoever
takes an answer has heard of all that came before it was given, so its clock moves on.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeVar

import pykka

from actortorrent.actors.causes import current_clock
from actortorrent.tracing.events import REPLY

if TYPE_CHECKING:
    from pykka._types import OptExcInfo

    from actortorrent.tracing.recorder import Recorder

T = TypeVar("T")


class Reply(pykka.ThreadingFuture[T]):
    """A future answer that records when it is given, and when it is first taken.

    Attributes:
        is_error: whether the answer is an exception.
    """

    def __init__(self) -> None:
        super().__init__()
        self.is_error = False
        self._recorder: Recorder | None = None
        self._asker = self._question = self._giver = ""
        self._given = 0
        self._is_taken = False

    def expect(self, recorder: Recorder | None, asker: str, asked: int) -> None:
        """Note who asked, at which tick of its clock: called as the question is put."""
        self._recorder = recorder
        self._asker, self._question = asker, f"{asker}#{asked}"

    def set(self, value: Any | None = None) -> None:
        """Give the answer."""
        self._record_given("ok")
        super().set(value)

    def set_exception(self, exc_info: OptExcInfo | None = None) -> None:
        """Give an exception as the answer."""
        self.is_error = True
        self._record_given("error")
        super().set_exception(exc_info)

    def get(self, *, timeout: float | None = None) -> Any:
        """Wait for the answer and return it, or raise it."""
        try:
            return super().get(timeout=timeout)
        finally:
            if self._given and not self._is_taken:
                self._is_taken = True
                self._record_taken()

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

    def _record(self, actor: str, lc: int, cause: str, about: dict[str, str]) -> None:
        if self._recorder is not None:
            self._recorder.record(time.monotonic_ns(), REPLY, actor, lc, cause, about)
