"""`capture_trace`: see, in a test or a program, all that actors do meanwhile.

::

    with capture_trace() as trace:
        fetch("ubuntu.torrent", output="here")
    assert trace.named("bt:piece_verified")

Actors started inside the block are seen until it ends, whichever session they belong
to; a `--trace` file of theirs gets the same events.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from actortorrent.tracing.entries import event_of
from actortorrent.tracing.events import MESSAGE, Event
from actortorrent.tracing.recorder import Cast, Handling, Recorder, Tee

_running: list[CapturedTrace] = []


class CapturedTrace:
    """Hold what was captured, as a trace file would have it.

    Args:
        level: how much is wanted: "piece", "block" or "payload".
    """

    def __init__(self, level: str = "piece") -> None:
        self.level = level
        self._cast = Cast()
        self.claim = self._cast.claim
        self._events: list[Event] = []
        self._is_over = False

    @property
    def events(self) -> tuple[Event, ...]:
        """Return what was captured so far, in the order in which it was finished."""
        return tuple(self._events)

    def named(self, name: str) -> list[Event]:
        """Return the events of one kind, such as `actor:decision`."""
        return [event for event in self.events if event.name == name]

    def messages(self, kind: str = "") -> list[Event]:
        """Return the messages between actors, all or those of one type."""
        return [one for one in self.named(MESSAGE) if not kind or one.data["type"] == kind]

    def record(
        self,
        time_ns: int,
        name: str,
        actor: str,
        lc: int,
        cause: str,
        data: Mapping[str, object] | Handling,
    ) -> None:
        """Keep one event, described at once, so that no buffer or socket is kept with it."""
        if not self._is_over:
            entry = (time_ns, name, actor, lc, cause, data)
            self._events.append(event_of(entry, self._cast.kind_of))

    def end(self) -> None:
        """Take nothing more."""
        self._is_over = True


@contextmanager
def capture_trace(level: str = "piece") -> Iterator[CapturedTrace]:
    """Capture what all actors do that are started inside the block."""
    captured = CapturedTrace(level)
    _running.append(captured)
    try:
        yield captured
    finally:
        _running.remove(captured)
        captured.end()


def with_captures(own: Recorder | None) -> Recorder | None:
    """Return what an actor that starts now records to: its session's trace, and the captures."""
    if not _running:
        return own
    recorders: list[Recorder] = [*([own] if own is not None else []), *_running]
    return recorders[0] if len(recorders) == 1 else Tee(recorders)
