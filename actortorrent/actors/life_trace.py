"""The life of an actor in a trace: who started it, what it shows of its state, how it ended.

An actor declares which of its attributes a trace shows::

    class PeerActor(SocketActor):
        shown_state = ("_protocol.peer_choking", ...)

They are looked at when it has finished with a message, never while it works: a change
within one message and back is nobody's business.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING

from actortorrent.actors.causes import current_clock
from actortorrent.tracing.events import STATE
from actortorrent.tracing.recorder import unique_name

if TYPE_CHECKING:
    from actortorrent.actors.inbox import Inbox
    from actortorrent.tracing.recorder import Recorder


class LifeTrace:
    """Record an actor's beginning, changes, failure and end; made in its starter's thread.

    Without a recorder, nothing here does anything.
    """

    __slots__ = ("_created", "_creator", "_end_cause", "_has_failed", "_inbox", "_spawn_cause")

    def __init__(self, inbox: Inbox, name: str, kind: type, recorder: Recorder | None) -> None:
        self._inbox = inbox
        self._creator = self._spawn_cause = self._end_cause = ""
        self._created = 0
        self._has_failed = False
        inbox.clock.name = name
        inbox.recorder = recorder
        if recorder is not None:
            creator = current_clock()
            self._creator, self._created = creator.name, creator.tick()
            self._spawn_cause = creator.cause
            inbox.clock.name = unique_name(recorder, name, kind)

    def begin(self, actor: object, shown_state: Sequence[str]) -> None:
        """Record that the actor's thread runs, and keep an eye on its state from now on."""
        inbox = self._inbox
        inbox.adopt_thread()
        if inbox.recorder is None:
            return
        state = ShownState(actor, shown_state)
        about = {
            "class": type(actor).__name__,
            "by": self._creator,
            "lc": [self._created, self._created + 1],
            "state": state.now,
        }
        inbox.clock.time = self._created
        inbox.clock.cause = inbox.record("actor:spawned", about, self._spawn_cause)
        if shown_state:
            inbox.shown_state = state

    def fail(self, error: BaseException) -> None:
        """Record an error; it is the cause of all that follows."""
        self._has_failed = True
        failure = self._inbox.record("actor:failed", {"error": error})
        self._inbox.finish_handling("error")
        self._inbox.clock.cause = failure

    def begin_end(self) -> None:
        """Note what brought the end about."""
        self._end_cause = self._inbox.clock.cause

    def end(self) -> None:
        """Record that the actor is no more."""
        self._inbox.record("actor:stopped", {"failed": self._has_failed}, self._end_cause)


class ShownState:
    """Look at some attributes of an actor again and again, and tell what has changed.

    Args:
        actor: whose state it is.
        names: attributes, perhaps of attributes: `_protocol.am_choking`. Their values
            are bools, numbers or texts.
    """

    __slots__ = ("_actor", "_get_all", "_keys", "_last")

    def __init__(self, actor: object, names: Sequence[str]) -> None:
        self._actor = actor
        self._keys = [name.rpartition(".")[2].lstrip("_") for name in names]
        # All in one call, as this is done after every message; "__class__" is there so that
        # even one attribute, or none, comes as a row.
        self._get_all = attrgetter("__class__", "__class__", *names)
        self._last = self._get_all(actor)

    @property
    def now(self) -> dict[str, object]:
        """Return the attributes by name, as they were at the last look."""
        return dict(zip(self._keys, self._last[2:], strict=True))

    def changes(self) -> Iterator[dict[str, object]]:
        """Yield the `data` of an `actor:state` for each attribute that has changed."""
        before, self._last = self._last, self._get_all(self._actor)
        for key, old, new in zip(self._keys, before[2:], self._last[2:], strict=True):
            if new != old:
                yield {"key": key, "old": old, "new": new}

    def record_changes(self, inbox: Inbox) -> None:
        """Record what has changed since the last look."""
        if self._get_all(self._actor) != self._last:
            for change in self.changes():
                inbox.record(STATE, change)
