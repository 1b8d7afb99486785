"""One wait for everything an actor listens to: its mailbox, its timers and its sockets.

A thread sleeps in exactly one place: here. `Inbox` is for actors with a mailbox and
timers; `SocketInbox` (`socket_inbox.py`) adds sockets, for actors that own one.
Whatever wakes the actor comes out of `get` as an ordinary Pykka envelope, so stopping,
failing and tracing take one path for all three.

`put` is called in the sender's thread and `get` in the owner's, and the next `get`
means that the last message is finished: so this file sees all that a trace of
messages needs.
"""

from __future__ import annotations

import heapq
import queue
import time
from time import monotonic_ns
from typing import TYPE_CHECKING, Any

import pykka
from msgspec import Struct
from pykka import messages
from pykka._envelope import Envelope

from actortorrent.actors.causes import Clock, adopt_clock, current_clock
from actortorrent.actors.replies import Reply
from actortorrent.tracing.events import MESSAGE, TIMER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actortorrent.actors.life_trace import ShownState
    from actortorrent.tracing.recorder import Recorder, Stamp


class Timer(Struct):
    """A message to oneself that falls due at `deadline` (monotonic seconds)."""

    deadline: float
    method: str
    args: tuple[Any, ...]
    cause: str
    is_cancelled: bool = False

    def cancel(self) -> None:
        """Make it never fall due."""
        self.is_cancelled = True

    def __lt__(self, other: Timer) -> bool:
        return self.deadline < other.deadline


class Inbox:
    """Hold an actor's mail and timers; fulfils Pykka's contract `put`, `get`, `empty`."""

    def __init__(self) -> None:
        self.clock = Clock("unnamed")
        self.recorder: Recorder | None = None
        self.shown_state: ShownState | None = None
        self._timers: list[Timer] = []
        self._is_closed = False
        self.socket_turns = 0  # how often a socket had the turn: where there is one
        # Envelope, stamp, name of the event, tick and time (ns) at which its handling began.
        self._handled: tuple[Envelope[Any], Stamp, str, int, int] | None = None
        self._mail: queue.SimpleQueue[tuple[Envelope[Any], Stamp | None]] = queue.SimpleQueue()

    # --- in the sender's thread -----------------------------------------------------

    def put(self, envelope: Envelope[Any]) -> None:
        """Leave a message; safe from any thread, also after the actor has gone."""
        if envelope.reply_to is not None:
            self._note_question(envelope)
        self._mail.put((envelope, self._stamp(envelope) if self.recorder is not None else None))
        if self._is_closed:
            self.refuse_mail()

    def _note_question(self, envelope: Envelope[Any]) -> None:
        if isinstance(envelope.reply_to, Reply):
            envelope.reply_to.ask_of(self.clock, envelope.message)

    def _stamp(self, envelope: Envelope[Any]) -> Stamp:
        clock = current_clock()
        clock.time = sent = clock.time + 1  # `tick`: each message comes through here
        if envelope.reply_to is not None and isinstance(envelope.reply_to, Reply):
            envelope.reply_to.expect(self.recorder, clock.name, sent)
        return (clock.name, sent, clock.cause, monotonic_ns(), self.depth())

    def record_dead_letter(self, message: object, op: str) -> None:
        """Record a message that was not even put, since its actor had gone."""
        if self.recorder is not None:
            self._record_lost(message, op, self._stamp(Envelope(message)), "dead")

    # --- in the owner's thread ------------------------------------------------------

    def adopt_thread(self) -> None:
        """Make the running thread the owner."""
        adopt_clock(self.clock)

    def get(self) -> Envelope[Any]:
        """Sleep until a timer is due or mail is there, and return it."""
        self.finish_handling("ok")
        while True:
            timeout = self._seconds_to_next_timer()
            if timeout is not None and timeout <= 0:
                return self._take_timer()
            try:
                return self._begin_handling(*self._mail.get(timeout=timeout))
            except queue.Empty:
                continue

    def empty(self) -> bool:
        """Say whether there is no mail."""
        return self._mail.empty()

    def depth(self) -> int:
        """Return how many messages wait."""
        return self._mail.qsize()

    def add_timer(self, seconds: float, method: str, args: tuple[Any, ...]) -> Timer:
        """Send the owner `method(*args)` after `seconds`."""
        timer = Timer(time.monotonic() + seconds, method, args, current_clock().cause)
        heapq.heappush(self._timers, timer)
        return timer

    def close(self) -> None:
        """Take nothing more, answer all who wait for an answer, and free descriptors."""
        self.finish_handling("ok")
        self._is_closed = True
        self._timers.clear()
        self.refuse_mail()

    def refuse_mail(self, status: str = "dropped") -> None:
        """Answer every message left that its actor is dead; record what nobody will read."""
        while True:
            try:
                envelope, stamp = self._mail.get_nowait()
            except queue.Empty:
                return
            self._refuse(envelope, stamp, status)

    def _refuse(self, envelope: Envelope[Any], stamp: Stamp | None, status: str) -> None:
        if stamp is not None:
            self._record_lost(envelope.message, _op(envelope), stamp, status)
        if envelope.reply_to is None:
            return
        if isinstance(envelope.message, messages._ActorStop):  # noqa: SLF001 - has no other name
            envelope.reply_to.set(None)
        else:
            error = pykka.ActorDeadError(f"{self.clock.name} stopped before handling the message")
            envelope.reply_to.set_exception((pykka.ActorDeadError, error, None))

    # --- timers -----------------------------------------------------------------------

    def _seconds_to_next_timer(self) -> float | None:
        timers = self._timers
        while timers and timers[0].is_cancelled:
            heapq.heappop(timers)
        return timers[0].deadline - time.monotonic() if timers else None

    def _take_timer(self) -> Envelope[Any]:
        timer = heapq.heappop(self._timers)
        timer.is_cancelled = True
        call: Envelope[Any] = Envelope(messages.ProxyCall((timer.method,), timer.args, {}))
        if self.recorder is None:
            return call
        due_ns = int(timer.deadline * 1e9)
        stamp = (self.clock.name, self.clock.time, timer.cause, due_ns, self.depth())
        return self._begin_handling(call, stamp, TIMER)

    # --- what a trace sees --------------------------------------------------------------

    def record(self, name: str, data: Mapping[str, object], cause: str | None = None) -> str:
        """Record an event of the owner's; return its id, or nothing where no trace is kept.

        Its cause is what is being handled, unless another is given. Where nothing is
        known to have brought it about, it counts as the cause of what follows.
        """
        if self.recorder is None:
            return ""
        clock = self.clock
        moment = clock.tick()
        event_id = clock.event_id(moment)
        if cause is None:
            cause = clock.cause
            clock.cause = cause or event_id
        self.recorder.record(monotonic_ns(), name, clock.name, moment, cause, data)
        return event_id

    @property
    def is_socket_turn(self) -> bool:
        """Say whether it is a socket, not a message or timer, that is being handled."""
        return self._handled is None

    def _begin_handling(
        self, envelope: Envelope[Any], stamp: Stamp | None, name: str = MESSAGE
    ) -> Envelope[Any]:
        if stamp is not None:
            clock, sent = self.clock, stamp[1]
            received = (clock.time if clock.time > sent else sent) + 1  # `tick_after`
            clock.time = received
            clock.cause = f"{clock.name}#{received}"
            self._handled = (envelope, stamp, name, received, monotonic_ns())
        return envelope

    def finish_handling(self, status: str) -> None:
        """Record the message that was being handled, if it was a traced one."""
        if self.shown_state is not None:
            self.shown_state.record_changes(self)
        if self._handled is None or self.recorder is None:
            return
        envelope, stamp, name, received, begin_ns = self._handled
        self._handled = None
        op, reply = "tell", envelope.reply_to
        if reply is not None:
            op = "ask"
            if isinstance(reply, Reply) and reply.is_error:
                status = "error"
        clock = self.clock
        clock.cause = ""
        clock.time = done = clock.time + 1
        message = envelope.message
        handling = (clock.name, stamp, received, done, monotonic_ns(), op, message, status)
        self.recorder.record(begin_ns, name, clock.name, received, stamp[2], handling)

    def _record_lost(self, message: object, op: str, stamp: Stamp, status: str) -> None:
        if self.recorder is not None:
            sender, sent, cause, put_ns, _depth = stamp
            lost = (self.clock.name, stamp, 0, 0, monotonic_ns(), op, message, status)
            self.recorder.record(put_ns, MESSAGE, sender, sent, cause, lost)


def _op(envelope: Envelope[Any]) -> str:
    return "tell" if envelope.reply_to is None else "ask"
