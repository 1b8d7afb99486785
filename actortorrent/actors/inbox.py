"""One wait for everything an actor listens to: its mailbox, its timers and its sockets.

A thread sleeps in exactly one place: here. `Inbox` is for actors with a mailbox and
timers; `SocketInbox` adds sockets, for actors that own one. Whatever wakes the actor
comes out of `get` as an ordinary Pykka envelope, so stopping, failing and tracing
take one path for all three.

The order, learnt by experiment: due timers first (a chatty peer must still time
out), then mail, then sockets; and after `MAIL_BEFORE_SOCKETS` letters in a row the
sockets get their turn (a flood of messages must not stop the reading).

`put` is called in the sender's thread and `get` in the owner's, and the next `get`
means that the last message is finished: so this file sees all that a trace of
messages needs.
"""

from __future__ import annotations

import heapq
import queue
import selectors
import socket
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import pykka
from pykka import messages
from pykka._envelope import Envelope

from actortorrent.actors.causes import Clock, adopt_clock, current_clock
from actortorrent.actors.wakeup import WakeUp

if TYPE_CHECKING:
    from actortorrent.tracing.recorder import Recorder

MAIL_BEFORE_SOCKETS = 32


class Stamp(NamedTuple):
    """Say who sent a message, when, and because of what; made in the sender's thread."""

    sender: str
    sent: int
    cause: str
    put_ns: int
    depth: int


@dataclass(slots=True)
class Timer:
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
        self._timers: list[Timer] = []
        self._is_closed = False
        self._handled: _Handled | None = None
        self._mail: queue.SimpleQueue[tuple[Envelope[Any], Stamp | None]] = queue.SimpleQueue()

    # --- in the sender's thread -----------------------------------------------------

    def put(self, envelope: Envelope[Any]) -> None:
        """Leave a message; safe from any thread, also after the actor has gone."""
        self._mail.put((envelope, self._stamp() if self.recorder is not None else None))
        if self._is_closed:
            self.refuse_mail()

    def _stamp(self) -> Stamp:
        clock = current_clock()
        return Stamp(clock.name, clock.tick(), clock.cause, time.monotonic_ns(), self.depth())

    def record_dead_letter(self, message: object, op: str) -> None:
        """Record a message that was not even put, since its actor had gone."""
        if self.recorder is not None:
            self._record_lost(message, op, self._stamp(), "dead")

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

    def refuse_mail(self) -> None:
        """Answer every message left that its actor is dead; record what nobody will read."""
        while True:
            try:
                envelope, stamp = self._mail.get_nowait()
            except queue.Empty:
                return
            self._refuse(envelope, stamp)

    def _refuse(self, envelope: Envelope[Any], stamp: Stamp | None) -> None:
        is_stop = isinstance(envelope.message, messages._ActorStop)
        if self.recorder is not None and stamp is not None and not is_stop:
            self._record_lost(envelope.message, _op(envelope), stamp, "dropped")
        if envelope.reply_to is None:
            return
        if is_stop:
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
        return self._begin_local(call, "timer", timer.cause)

    # --- what a trace sees --------------------------------------------------------------

    def _begin_local(self, envelope: Envelope[Any], sender: str, cause: str) -> Envelope[Any]:
        stamp = None
        if self.recorder is not None:
            stamp = Stamp(sender, self.clock.tick(), cause, time.monotonic_ns(), self.depth())
        return self._begin_handling(envelope, stamp)

    def _begin_handling(self, envelope: Envelope[Any], stamp: Stamp | None) -> Envelope[Any]:
        if stamp is not None:
            received = self.clock.tick_after(stamp.sent)
            self.clock.cause = self.clock.event_id(received)
            self._handled = _Handled(envelope, stamp, received, time.monotonic_ns())
        return envelope

    def finish_handling(self, status: str) -> None:
        """Record the message that was being handled, if it was a traced one."""
        handled = self._handled
        if handled is None:
            return
        self._handled = None
        if self.recorder is not None:
            self.recorder.record_message(
                receiver=self.clock.name,
                received=handled.received,
                done=self.clock.tick(),
                begin_ns=handled.begin_ns,
                end_ns=time.monotonic_ns(),
                stamp=handled.stamp,
                op=_op(handled.envelope),
                message=handled.envelope.message,
                status=status,
            )
        self.clock.cause = ""

    def _record_lost(self, message: object, op: str, stamp: Stamp, status: str) -> None:
        if self.recorder is not None:
            now_ns = time.monotonic_ns()
            self.recorder.record_message(
                receiver=self.clock.name,
                received=0,
                done=0,
                begin_ns=now_ns,
                end_ns=now_ns,
                stamp=stamp,
                op=op,
                message=message,
                status=status,
            )


class _Handled(NamedTuple):
    envelope: Envelope[Any]
    stamp: Stamp
    received: int
    begin_ns: int


def _op(envelope: Envelope[Any]) -> str:
    return "tell" if envelope.reply_to is None else "ask"


class SocketInbox(Inbox):
    """An inbox that also waits for sockets.

    A sender writes to the wake-up only while the owner sleeps (or is about to): the
    owner first says that it sleeps, then looks at its mail once more, so a letter is
    either seen by that look or its sender sees the sleeper.
    """

    def __init__(self) -> None:
        super().__init__()
        self._letters: deque[tuple[Envelope[Any], Stamp | None]] = deque()
        self._letters_in_a_row = 0
        self._is_asleep = False
        self._lock = threading.Lock()
        self._selector = selectors.DefaultSelector()
        self._wake_up = WakeUp()
        self._selector.register(self._wake_up.fileno(), selectors.EVENT_READ, None)
        self._ready: deque[Envelope[Any]] = deque()

    # --- in the sender's thread -----------------------------------------------------

    def put(self, envelope: Envelope[Any]) -> None:
        """Leave a message, and wake the owner if it sleeps."""
        self._letters.append((envelope, self._stamp() if self.recorder is not None else None))
        if self._is_asleep:
            self._wake()
        if self._is_closed:
            self.refuse_mail()

    def _wake(self) -> None:
        with self._lock:  # a descriptor closed meanwhile may already be another's
            if self._is_asleep and not self._is_closed:
                self._is_asleep = False
                self._wake_up.set()

    # --- in the owner's thread ------------------------------------------------------

    def get(self) -> Envelope[Any]:
        """Sleep until a timer is due, mail is there or a socket is ready, and return it."""
        self.finish_handling("ok")
        while True:
            timeout = self._seconds_to_next_timer()
            if timeout is not None and timeout <= 0:
                return self._take_timer()
            if self._letters and self._letters_in_a_row < MAIL_BEFORE_SOCKETS:
                self._letters_in_a_row += 1
                return self._begin_handling(*self._letters.popleft())
            if not self._ready:
                self._wait(timeout)
            self._letters_in_a_row = 0
            if self._ready:
                return self._begin_local(self._ready.popleft(), "socket", "")

    def _wait(self, timeout: float | None) -> None:
        self._is_asleep = True
        if self._letters:
            timeout = 0
        for key, events in self._selector.select(timeout):
            if key.data is None:
                self._wake_up.clear()
            else:
                self._ready.append(key.data[events])
        self._is_asleep = False

    def empty(self) -> bool:
        """Say whether there is no mail."""
        return not self._letters

    def depth(self) -> int:
        """Return how many messages wait."""
        return len(self._letters)

    def watch(self, sock: socket.socket, method: str, *, readable: bool, writable: bool) -> None:
        """Send the owner `method(sock, readable, writable)` whenever the socket is ready.

        Watching a socket again changes what is waited for; with neither, it is ignored
        until watched again.
        """
        events = selectors.EVENT_READ * readable | selectors.EVENT_WRITE * writable
        is_known = sock.fileno() in self._selector.get_map()
        if not events:
            self.unwatch(sock)
        elif is_known:
            self._selector.modify(sock, events, _ready_messages(sock, method))
        else:
            self._selector.register(sock, events, _ready_messages(sock, method))

    def unwatch(self, sock: socket.socket) -> None:
        """Wait for this socket no more; forget what it was ready for."""
        if sock.fileno() in self._selector.get_map():
            self._selector.unregister(sock)
        self._ready = deque(ready for ready in self._ready if ready.message.args[0] is not sock)

    def close(self) -> None:
        """Take nothing more, answer all who wait for an answer, and free descriptors."""
        super().close()
        with self._lock:
            self._selector.close()
            self._wake_up.close()

    def refuse_mail(self) -> None:
        """Answer every message left that its actor is dead; record what nobody will read."""
        while True:
            try:
                letter = self._letters.popleft()
            except IndexError:
                return
            self._refuse(*letter)


def _ready_messages(sock: socket.socket, method: str) -> dict[int, Envelope[Any]]:
    """Make, once a socket, the three messages that say what it is ready for."""
    return {
        events: Envelope(messages.ProxyCall((method,), (sock, bool(events & 1), bool(events & 2)), {}))
        for events in (selectors.EVENT_READ, selectors.EVENT_WRITE, 3)
    }
