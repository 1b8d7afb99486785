"""The flight recorder: the last events of a session that keeps no trace.

What it keeps is cheap to keep. An entry stays as the actor's thread left it, and is made
into text only if it is ever written. It must keep nothing alive but itself, though: what
a message carries of buffers, sockets and references to actors is told at once, in a few
words (`kept.py`), and let go.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from msgspec import Struct

from actortorrent.tracing.entries import KindOf, event_of
from actortorrent.tracing.events import END, FLIGHT, GAP, Event
from actortorrent.tracing.kept import kept_data, kept_handling
from actortorrent.tracing.recorder import Cast, Entry, Handling, LossCount

NAME = "trace"  # under which the recorder's own events stand in the file
DIGITS = "0123456789"


class FlightRecorder:
    """Keep the last `limit` entries, from any thread, without a lock."""

    level = "piece"
    is_frugal = True  # blocks and requests are summed up over longer stretches

    def __init__(self, limit: int) -> None:
        self._entries: deque[Entry] = deque(maxlen=limit)
        self._came = LossCount()
        self._keep, self._count_one = self._entries.append, self._came.add_one
        self._cast = Cast()

    def claim(self, name: str, kind: type) -> bool:
        """Let an actor appear; of numbered ones, such as peers, only the kind is kept."""
        role = name.rstrip(DIGITS)
        return self._cast.claim(role, kind) or role != name

    def kind_of(self, name: str) -> type | None:
        """Return the class of an actor, or None where it is no actor of ours."""
        return self._cast.kind_of(name.rstrip(DIGITS))

    def record(
        self,
        time_ns: int,
        name: str,
        actor: str,
        lc: int,
        cause: str,
        data: Mapping[str, object] | Handling,
    ) -> None:
        """Keep one entry; the oldest goes."""
        light = kept_handling(data) if type(data) is tuple else kept_data(data)  # type: ignore[arg-type]
        self._keep((time_ns, name, actor, lc, cause, light))
        self._count_one()

    def look(self) -> Flight:
        """Return what is kept now; for one thread at a time."""
        came = self._came.total()
        entries = self._entries.copy()
        return Flight(tuple(entries), max(0, came - len(entries)), self.kind_of)


class Flight(Struct, frozen=True):
    """Hold what a flight recorder had kept at one moment.

    Attributes:
        entries: the last ones, in the order in which they were finished.
        missing: how many there were before them.
        kind_of: the class of an actor, by its name.
    """

    entries: tuple[Entry, ...]
    missing: int
    kind_of: KindOf

    def events(self, now_ns: int, why: str) -> list[Event]:
        """Return the events of the file: what is missing, what was kept, and why it ends here."""
        kept = [event_of(entry, self.kind_of) for entry in self.entries]
        first_ns = min((event.time_ns for event in kept), default=now_ns)
        counts = {"events": len(kept), "lost": self.missing, "why": why}
        end = Event(now_ns, END, NAME, 2, "", counts)
        gap = Event(first_ns, GAP, NAME, 1, "", {"lost": self.missing, "why": FLIGHT})
        return [gap, *kept, end] if self.missing else [*kept, end]
