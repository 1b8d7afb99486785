"""What brought what about: the events of a trace as a graph.

For those who build on it::

    graph = Graph(events)             # of one trace, or of a merged one; in any order
    graph.events                      # all of them, in the order in which they began
    graph["Peer-1#41"]                # by an event's id, or the id of a message's sending
    graph.get(id)                     # the same, or None
    graph.causes(event)               # from the first cause to the event itself
    graph.effects(event)              # (depth, event), each below what brought it about
    graph.direct_effects(event)       # only what it brought about itself
    graph.happened_before(a, b)       # by clocks of all actors, not by causes alone
    graph.problems()                  # a sentence for each law that the trace breaks

An event has one cause: what its actor was handling. Causes lead from actor to actor
through messages, answers, timers and starts, and in a merged trace from peer to peer
through the wire. *Happened before* is more than that: an actor also knows all it did
earlier, though that did not bring about what it does now. The two are never mixed.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import pairwise

from actortorrent.tracing.events import MESSAGE, Event
from actortorrent.tracing.ticks import Tick, ticks_of, ticks_out_of_order

MAX_EFFECTS = 100_000  # of one event: an early one has brought about nearly everything


class Graph:
    """Hold all events of a trace, and find from each the way to its causes and effects."""

    def __init__(self, events: Iterable[Event]) -> None:
        self.events = sorted(events, key=lambda event: (event.time_ns, event.lc))
        self._by_id: dict[str, Event] = {event.id: event for event in self.events}
        self._effects: dict[str, list[Event]] = defaultdict(list)
        self._sendings: dict[str, Event] = {}
        for event in self.events:
            if event.cause:
                self._effects[event.cause].append(event)
            if event.name == MESSAGE:
                self._sendings[str(event.data.get("id"))] = event

    def __len__(self) -> int:
        return len(self.events)

    def __getitem__(self, event_id: str) -> Event:
        """Return an event; raises KeyError where the trace has none of that id."""
        event = self.get(event_id)
        if event is None:
            raise KeyError(event_id)
        return event

    def get(self, event_id: str) -> Event | None:
        """Return the event of an id, or the message whose sending has it."""
        return self._by_id.get(event_id) or self._sendings.get(event_id)

    def cause(self, event: Event) -> Event | None:
        """Return what brought an event about, if that is known and in the trace."""
        cause = self.get(event.cause) if event.cause else None
        return None if cause is event else cause

    def causes(self, event: Event) -> list[Event]:
        """Return the chain of causes from the first to the event itself."""
        chain = [event]
        seen = {event.id}
        while (cause := self.cause(chain[-1])) is not None and cause.id not in seen:
            seen.add(cause.id)
            chain.append(cause)
        return chain[::-1]

    def direct_effects(self, event: Event) -> list[Event]:
        """Return what an event brought about by itself, in the order in which it began."""
        return list(self._effects.get(event.id, ()))

    def effects(self, event: Event, limit: int = MAX_EFFECTS) -> Iterator[tuple[int, Event]]:
        """Yield the event (depth 0) and all that it brought about, each below its cause."""
        waiting = [(0, event)]
        seen = {event.id}
        while waiting and limit > 0:
            depth, now = waiting.pop()
            yield depth, now
            limit -= 1
            fresh = [one for one in self._effects.get(now.id, ()) if one.id not in seen]
            seen.update(one.id for one in fresh)
            waiting += [(depth + 1, one) for one in reversed(fresh)]

    def happened_before(self, earlier: Event, later: Event) -> bool:
        """Say whether the first event was bound to come before the second.

        Walks back from the second through all that its actor had done or heard of.
        """
        return self._order.holds(earlier, later)

    def problems(self) -> list[str]:
        """Return what breaks happens-before, a sentence each; none in a good trace."""
        return [
            *ticks_out_of_order(self.events),
            *self._causes_out_of_order(),
            *self._order.cycle(),
        ]

    @cached_property
    def _order(self) -> HappensBefore:
        return HappensBefore(self.events)

    def _causes_out_of_order(self) -> Iterator[str]:
        for event in self.events:
            cause = self.cause(event)
            if cause is None:
                continue
            if cause.lc >= event.lc:
                yield f"{event.id}: its clock is not past that of its cause {cause.id}"
            if cause.time_ns > event.time_ns:
                yield f"{event.id}: it began before its cause {cause.id}"


class HappensBefore:
    """Know the order that holds between all moments of all actors.

    A moment comes behind the one before it in the same actor, and behind the sending of
    what was taken in it.
    """

    def __init__(self, events: Iterable[Event]) -> None:
        self._before: dict[Tick, list[Tick]] = {}
        ticks: set[Tick] = set()
        for event in events:
            for moment in ticks_of(event):
                ticks.add(moment.tick)
                if moment.after is not None:
                    ticks.add(moment.after)
                    self._before.setdefault(moment.tick, []).append(moment.after)
        self._ticks = sorted(ticks)
        for earlier, later in pairwise(self._ticks):
            if earlier.actor == later.actor:
                self._before.setdefault(later, []).append(earlier)

    def holds(self, earlier: Event, later: Event) -> bool:
        """Say whether there is a way from one event to the other."""
        goal, start = Tick(earlier.actor, earlier.lc), Tick(later.actor, later.lc)
        waiting, seen = deque([start]), {start}
        while waiting:
            for tick in self._before.get(waiting.popleft(), ()):
                if tick == goal:
                    return True
                if tick not in seen:
                    seen.add(tick)
                    waiting.append(tick)
        return False

    def cycle(self) -> list[str]:
        """Return a sentence if something happened before itself."""
        after: dict[Tick, list[Tick]] = defaultdict(list)
        open_count = {tick: len(self._before.get(tick, ())) for tick in self._ticks}
        for tick, befores in self._before.items():
            for before in befores:
                after[before].append(tick)
        ready = deque(tick for tick, count in open_count.items() if not count)
        done = 0
        while ready:
            done += 1
            for tick in after.get(ready.popleft(), ()):
                open_count[tick] -= 1
                if not open_count[tick]:
                    ready.append(tick)
        if done == len(self._ticks):
            return []
        stuck = min(tick for tick, count in open_count.items() if count)
        return [f"{len(self._ticks) - done} moments happened before themselves, such as {stuck}"]
