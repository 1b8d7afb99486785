"""Events of one trace as they stand in a merged one: with names, clocks and times of all."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from msgspec.structs import replace

from actortorrent.tracing.clocks import MergedClocks
from actortorrent.tracing.events import MESSAGE, REPLY, SPAWNED, TIMER, WIRE_RECEIVED, Event
from actortorrent.tracing.ticks import Tick, tick_named

ACTOR_KEYS = ("from", "to", "by")  # in the data of the kinds of events below
ID_KEYS = ("id", "answers")
MAX_NAMES = 10_000  # of actors that are kept, to be called the same
KINDS_WITH_ACTORS = frozenset([MESSAGE, REPLY, SPAWNED, TIMER])


@lru_cache(maxsize=MAX_NAMES)  # one text for all moments of an actor, not one for each
def actor_in_node(node: str, actor: str) -> str:
    """Return what an actor is called where there are several nodes."""
    return f"{node}/{actor}"


def in_node(node: str, tick: Tick) -> Tick:
    """Return a moment of a trace as it is called where there are several nodes."""
    return Tick(actor_in_node(node, tick.actor), tick.lc)


class Renaming:
    """Rename one node's events.

    Args:
        node: its name.
        clocks: settled.
        matches: for each end of a wire message, the other end.
    """

    def __init__(self, node: str, clocks: MergedClocks, matches: Mapping[Tick, Tick]) -> None:
        self._node = node
        self._clocks = clocks
        self._matches = matches

    def renamed(self, event: Event) -> Event:
        """Return an event as the merged trace has it."""
        tick = in_node(self._node, Tick(event.actor, event.lc))
        lc, time_ns = self._clocks.settled(tick) or (event.lc, event.time_ns)
        data = dict(event.data)
        if event.name in KINDS_WITH_ACTORS:
            self._rename_data(event, data)
        cause = self._id(event.cause)
        match = self._match(tick)
        if match:
            data["match"] = match
            cause = match if event.name == WIRE_RECEIVED else cause
        return replace(event, actor=tick.actor, lc=lc, time_ns=time_ns, cause=cause, data=data)

    def _rename_data(self, event: Event, data: dict[str, Any]) -> None:
        lc = data.get("lc")
        if isinstance(lc, list):
            actors = _actors_of_ticks(event, len(lc))
            data["lc"] = [self._lc(actor, number) for actor, number in zip(actors, lc, strict=True)]
        for key in ACTOR_KEYS:
            if isinstance(data.get(key), str):
                data[key] = f"{self._node}/{data[key]}"
        for key in ID_KEYS:
            if isinstance(data.get(key), str):
                data[key] = self._id(data[key])

    def _lc(self, actor: Any, number: Any) -> Any:
        if type(number) is not int:
            return number
        settled = self._clocks.settled(in_node(self._node, Tick(str(actor), number)))
        return settled[0] if settled is not None else number

    def _id(self, event_id: str) -> str:
        """Return the new id; nothing for an event that its trace had lost."""
        tick = tick_named(event_id)
        if tick is None:
            return ""
        there = in_node(self._node, tick)
        settled = self._clocks.settled(there)
        return str(Tick(there.actor, settled[0])) if settled is not None else ""

    def _match(self, tick: Tick) -> str:
        other = self._matches.get(tick)
        settled = self._clocks.settled(other) if other is not None else None
        return str(Tick(other.actor, settled[0])) if other is not None and settled else ""


def _actors_of_ticks(event: Event, count: int) -> list[Any]:
    """Return whose clocks the numbers under `lc` are."""
    data = event.data
    if event.name == MESSAGE:
        return [data.get("from"), *[data.get("to")] * count][:count]
    if event.name == SPAWNED:
        return [data.get("by"), *[event.actor] * count][:count]
    return [event.actor] * count
