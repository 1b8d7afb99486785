"""One wait for mail, timers and sockets: the inbox of an actor that owns sockets.

The order, learnt by experiment: due timers first (a chatty peer must still time out),
then mail, then sockets; and after `MAIL_BEFORE_SOCKETS` letters in a row the sockets
get their turn (a flood of messages must not stop the reading).
"""

from __future__ import annotations

import selectors
import socket
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

from pykka import messages
from pykka._envelope import Envelope

from actortorrent.actors.inbox import Inbox
from actortorrent.actors.wakeup import WakeUp

if TYPE_CHECKING:
    from actortorrent.tracing.recorder import Stamp

MAIL_BEFORE_SOCKETS = 32


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
        if envelope.reply_to is not None:
            self._note_question(envelope)
        self._letters.append(
            (envelope, self._stamp(envelope) if self.recorder is not None else None)
        )
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
                try:
                    return self._begin_handling(*self._letters.popleft())
                except IndexError:  # who stops us lost patience, and took our mail
                    continue
            if not self._ready:
                self._wait(timeout)
            self._letters_in_a_row = 0
            if self._ready:
                return self._begin_socket_turn()

    def _begin_socket_turn(self) -> Envelope[Any]:
        # Not an event by itself: what counts is what came, and that is recorded as such.
        self.socket_turns += 1
        self.clock.cause = ""
        return self._ready.popleft()

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

    def refuse_mail(self, status: str = "dropped") -> None:
        """Answer every message left that its actor is dead; record what nobody will read."""
        while True:
            try:
                letter = self._letters.popleft()
            except IndexError:
                return
            self._refuse(*letter, status)


def _ready_messages(sock: socket.socket, method: str) -> dict[int, Envelope[Any]]:
    """Make, once a socket, the three messages that say what it is ready for."""
    return {
        events: Envelope(
            messages.ProxyCall((method,), (sock, bool(events & 1), bool(events & 2)), {})
        )
        for events in (selectors.EVENT_READ, selectors.EVENT_WRITE, 3)
    }
