"""The rule that nothing happens before its cause, and no moment twice.

Events come by time, so a cause has come before its effects. What is remembered is the
last moments of each actor and the causes that are still awaited, however long the trace.
Where each clock is past what it knows of, nothing can happen before itself in a circle.
"""

from __future__ import annotations

from collections import defaultdict

from actortorrent.tracing.events import Event
from actortorrent.tracing.linting.rules import Finding
from actortorrent.tracing.ticks import tick_named, ticks_of

REMEMBERED_TICKS = 4_000  # of one actor
MAX_AWAITED = 50_000  # causes; of lost ones nobody knows that they never come
MAX_FINDINGS = 100  # the rest would say the same


class _Clock:
    """Remember the last ticks of one actor that were told of."""

    def __init__(self) -> None:
        self._last: dict[int, None] = {}  # in the order in which they were told
        self._forgotten = -1  # the highest that was dropped

    def has(self, lc: int) -> bool:
        """Say whether a tick was told of, or may have been, long ago."""
        return lc in self._last or lc <= self._forgotten

    def tell(self, lc: int) -> bool:
        """Take a tick, and say whether it is known to have been told already."""
        if lc in self._last:
            return True
        self._last[lc] = None
        if len(self._last) > REMEMBERED_TICKS:
            oldest = next(iter(self._last))
            del self._last[oldest]
            self._forgotten = max(self._forgotten, oldest)
        return False


class Causality:
    """Judge clocks, times and causes of all nodes; to be told all events by time.

    Attributes:
        findings: what was found.
    """

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self._clocks: defaultdict[str, _Clock] = defaultdict(_Clock)
        self._awaited: dict[str, tuple[int, str]] = {}  # cause: time and id of its first effect

    def hear(self, event: Event) -> None:
        """Judge one event."""
        self._come_late(event)
        for tick, _, after in ticks_of(event):
            if self._clocks[tick.actor].tell(tick.lc):
                self._blame(event, f"{tick} happened twice")
            if after is not None and after.lc >= tick.lc:
                self._blame(event, f"{tick}: its clock is not past {after}")
        if event.cause and event.cause != event.data.get("id"):
            self._compare_with_cause(event)

    def _compare_with_cause(self, event: Event) -> None:
        cause = tick_named(event.cause)
        if cause is None:
            return
        if cause.lc >= event.lc:
            self._blame(event, f"{event.id}: its clock is not past that of its cause {cause}")
        if not self._clocks[cause.actor].has(cause.lc) and len(self._awaited) < MAX_AWAITED:
            self._awaited.setdefault(event.cause, (event.time_ns, event.id))

    def _come_late(self, event: Event) -> None:
        """Judge a cause that comes behind an effect."""
        if not self._awaited:
            return
        effect_ns, effect = self._awaited.pop(event.id, (event.time_ns, ""))
        if event.time_ns > effect_ns:
            self._blame(event, f"{effect}: it began before its cause {event.id}")

    def _blame(self, event: Event, text: str) -> None:
        if len(self.findings) < MAX_FINDINGS:
            found = Finding("causality", event.id, event.actor, event.time_ns, text)
            self.findings.append(found)
