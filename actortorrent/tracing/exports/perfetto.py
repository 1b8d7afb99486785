"""A trace for ui.perfetto.dev and chrome://tracing: the trace event format, as JSON.

A process is a node and a thread an actor. A message is a slice while it is handled, and one
of no length where it was sent, with an arrow between the two; a wire message known at both
ends of a merged trace has an arrow, too. Counters show how full the mailboxes were.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from actortorrent.tracing.events import MESSAGE, TIMER, WIRE_RECEIVED, WIRE_SENT, Event
from actortorrent.tracing.header import TraceHeader

START = '{"displayTimeUnit":"ns","traceEvents":['
MAX_NS = 1 << 63  # what is beyond is no time, whatever a trace says
_to_json = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def export(
    header: TraceHeader, events: Iterable[Event], wanted: Callable[[Event], bool]
) -> Iterator[str]:
    """Yield the text of the file, an entry a line."""
    yield START
    separator = "\n"
    drawing = _Drawing(header)
    for event in filter(wanted, events):
        for entry in drawing.entries(event):
            yield separator + _to_json(entry)
            separator = ",\n"
    yield "\n]}\n"


class _Drawing:
    """Number processes, threads and arrows as they come up."""

    def __init__(self, header: TraceHeader) -> None:
        self._begin_ns = max(0, min(header.monotonic_ns, MAX_NS))
        self._node = header.node
        self._places: dict[str, dict[str, int]] = {}
        self._processes: dict[str, int] = {}
        self._arrows: dict[str, int] = {}
        self._names: list[dict[str, Any]] = []

    def entries(self, event: Event) -> list[dict[str, Any]]:
        """Return what is drawn of an event, names of new processes and threads before it."""
        if event.name == MESSAGE:
            drawn = list(self._of_message(event))
        elif event.name == TIMER:
            drawn = [self._slice(event.actor, event, _name(event), _ns(event, "dur"))]
        elif event.name in (WIRE_SENT, WIRE_RECEIVED):
            drawn = [self._of_wire(event)]
        else:
            mark = self._entry("i", event.actor, event.time_ns, _name(event))
            drawn = [{**mark, "s": "t", "args": _args(event)}]
        names, self._names = self._names, []
        return names + drawn

    def _of_message(self, event: Event) -> Iterator[dict[str, Any]]:
        sender, receiver = str(event.data.get("from")), str(event.data.get("to"))
        sent_ns = event.time_ns - _ns(event, "wait")
        sending = self._entry("X", sender, sent_ns, f"send {_name(event)}")
        arrow = self._arrow(str(event.data.get("id")))
        is_handled = event.actor == receiver
        yield {**sending, "dur": 0, **({**arrow, "flow_out": True} if is_handled else {})}
        waiting = self._entry("C", receiver, sent_ns, f"mailbox of {receiver}")
        yield {**waiting, "args": {"messages": _ns(event, "depth") + is_handled}}
        if is_handled:
            handling = self._slice(receiver, event, _name(event), _ns(event, "dur"))
            yield {**handling, **arrow, "flow_in": True}

    def _of_wire(self, event: Event) -> dict[str, Any]:
        is_sent = event.name == WIRE_SENT
        drawn = self._slice(event.actor, event, f"{'>' if is_sent else '<'} {_name(event)}", 0)
        match = event.data.get("match")
        if not isinstance(match, str):
            return drawn
        arrow = self._arrow(event.id if is_sent else match)
        return {**drawn, **arrow, "flow_out" if is_sent else "flow_in": True}

    def _slice(self, actor: str, event: Event, name: str, dur_ns: int) -> dict[str, Any]:
        entry = self._entry("X", actor, event.time_ns, name)
        return {**entry, "dur": dur_ns / 1000, "args": _args(event)}

    def _entry(self, kind: str, actor: str, time_ns: int, name: str) -> dict[str, Any]:
        micros = (time_ns - self._begin_ns) / 1000
        return {"ph": kind, **self._place(actor), "ts": micros, "name": name}

    def _arrow(self, sending_id: str) -> dict[str, Any]:
        number = self._arrows.setdefault(sending_id, len(self._arrows) + 1)
        return {"bind_id": hex(number), "cat": "message"}

    def _place(self, actor: str) -> dict[str, int]:
        place = self._places.get(actor)
        if place is None:
            node, _, name = actor.rpartition("/")
            place = {"pid": self._process(node or self._node), "tid": len(self._places) + 1}
            self._places[actor] = place
            self._names.append(_named("thread_name", place, name))
        return place

    def _process(self, node: str) -> int:
        if node not in self._processes:
            self._processes[node] = len(self._processes) + 1
            self._names.append(_named("process_name", {"pid": self._processes[node]}, node))
        return self._processes[node]


def _named(kind: str, place: dict[str, int], name: str) -> dict[str, Any]:
    return {"ph": "M", **place, "name": kind, "args": {"name": name}}


def _name(event: Event) -> str:
    """Return what the event is called where there is little room."""
    kind = event.data.get("type") or event.data.get("what")
    return kind if isinstance(kind, str) else event.name


def _args(event: Event) -> dict[str, Any]:
    return {"id": event.id, "cause": event.cause, **event.data}


def _ns(event: Event, key: str) -> int:
    value = event.data.get(key)
    return value if type(value) is int and 0 <= value < MAX_NS else 0
