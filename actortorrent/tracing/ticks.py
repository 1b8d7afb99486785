"""The moments of actors' clocks that an event tells of, and which must come before which.

Most events tell of one moment. A message tells of three: its sending, its arrival and
the end of its handling; a timer of two; the start of an actor of one of who started it
and one of the new actor.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from actortorrent.tracing.events import MESSAGE, REPLY, SPAWNED, TIMER, WIRE_RECEIVED, Event

MOMENTS_OF_A_MESSAGE = 3


class Tick(NamedTuple):
    """Name a moment: `actor#lc`."""

    actor: str
    lc: int

    def __str__(self) -> str:
        return f"{self.actor}#{self.lc}"


class Moment(NamedTuple):
    """Say when a tick was, and behind which tick of another actor it must come, if any."""

    tick: Tick
    time_ns: int
    after: Tick | None = None


def tick_named(event_id: str) -> Tick | None:
    """Read an id, or return None where it is none."""
    actor, sign, lc = event_id.rpartition("#")
    return Tick(actor, int(lc)) if sign and actor and lc.isascii() and lc.isdigit() else None


def ticks_of(event: Event) -> list[Moment]:
    """Return the moments that an event tells of, each actor's in their order."""
    lc = _numbers(event.data.get("lc"))
    own = Tick(event.actor, event.lc)
    if event.name == MESSAGE:
        return _of_message(event, lc) or [Moment(own, event.time_ns)]
    if event.name == TIMER and len(lc) == 2:
        done_ns = event.time_ns + _number(event.data.get("dur"))
        return [Moment(own, event.time_ns), Moment(Tick(event.actor, lc[1]), done_ns)]
    by = event.data.get("by")
    if event.name == SPAWNED and len(lc) == 2 and isinstance(by, str):
        creation = Tick(by, lc[0])
        return [Moment(creation, event.time_ns), Moment(own, event.time_ns, creation)]
    is_taken = event.name == REPLY and event.data.get("step") == "taken"
    if is_taken or event.name == WIRE_RECEIVED:
        return [Moment(own, event.time_ns, tick_named(event.cause))]
    return [Moment(own, event.time_ns)]


def ticks_out_of_order(events: Iterable[Event]) -> Iterator[str]:
    """Yield a sentence for each moment that stands in a trace twice, or before its cause."""
    seen: set[Tick] = set()
    for event in events:
        for moment in ticks_of(event):
            if moment.tick in seen:
                yield f"{moment.tick} happened twice"
            seen.add(moment.tick)
            if moment.after is not None and moment.after.lc >= moment.tick.lc:
                yield f"{moment.tick}: its clock is not past {moment.after}"


def _of_message(event: Event, lc: list[int]) -> list[Moment]:
    sender, receiver = event.data.get("from"), event.data.get("to")
    if not isinstance(sender, str) or not isinstance(receiver, str) or not lc:
        return []
    if len(lc) < MOMENTS_OF_A_MESSAGE:
        return [Moment(Tick(sender, lc[0]), event.time_ns)]
    sent, received, done = lc[:MOMENTS_OF_A_MESSAGE]
    sending = Tick(sender, sent)
    return [
        Moment(sending, event.time_ns - _number(event.data.get("wait"))),
        Moment(Tick(receiver, received), event.time_ns, sending),
        Moment(Tick(receiver, done), event.time_ns + _number(event.data.get("dur"))),
    ]


def _numbers(value: Any) -> list[int]:
    return [item for item in value if type(item) is int] if isinstance(value, list) else []


def _number(value: Any) -> int:
    return value if type(value) is int else 0
