"""A trace for ui.perfetto.dev and chrome://tracing: the trace event format, as JSON.

A process is a node and a thread an actor. A message is a slice while it is handled, and one
of no length where it was sent, with an arrow between the two; a wire message known at both
ends of a merged trace has an arrow, too. Counters show how full the mailboxes were.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from actortorrent.tracing.events import DECISION, MESSAGE, TIMER, WIRE_RECEIVED, WIRE_SENT, Event
from actortorrent.tracing.exports.mailboxes import (
    MAX_NS,
    Level,
    Mailboxes,
    is_handled,
    put_and_left_ns,
    whole_number,
)
from actortorrent.tracing.header import TraceHeader

START = '{"displayTimeUnit":"ns","traceEvents":['
SENDING = "send"  # the category of what has no length: a message where it was sent
# By these one searches, and they tell apart what is else called alike.
CATEGORIES = {MESSAGE: "message", TIMER: "timer", WIRE_SENT: "wire", WIRE_RECEIVED: "wire"}
SIGNS = {WIRE_SENT: "⇒ ", WIRE_RECEIVED: "⇐ ", DECISION: "◆ "}
# Letters as they are: trace_processor shows the escapes of others as they stand.
_to_json = json.JSONEncoder(separators=(",", ":"), allow_nan=False, ensure_ascii=False).encode


def export(
    header: TraceHeader, events: Iterable[Event], wanted: Callable[[Event], bool]
) -> Iterator[str]:
    """Yield the text of the file, an entry a line."""
    yield START
    separator = "\n"
    for entry in _entries(header, events, wanted):
        yield separator + _to_json(entry)
        separator = ",\n"
    yield "\n]}\n"


def _entries(
    header: TraceHeader, events: Iterable[Event], wanted: Callable[[Event], bool]
) -> Iterator[dict[str, Any]]:
    drawing, mailboxes = _Drawing(header), Mailboxes()
    for event in events:
        is_wanted = wanted(event)
        for level in mailboxes.hear(event, is_wanted=is_wanted):
            yield from drawing.of_level(level)
        if is_wanted:
            yield from drawing.of_event(event)
    for level in mailboxes.rest():
        yield from drawing.of_level(level)


class _Drawing:
    """Number processes, threads and arrows as they come up."""

    def __init__(self, header: TraceHeader) -> None:
        self._begin_ns = max(0, min(header.monotonic_ns, MAX_NS))
        self._node = header.node
        self._places: dict[str, dict[str, int]] = {}
        self._processes: dict[str, int] = {}
        self._arrows: dict[str, int] = {}
        self._names: list[dict[str, Any]] = []
        nodes = [node.name for node in header.nodes] or [header.node]
        # A thread whose number is that of a process would be taken for its main thread.
        self._first_thread = len(nodes) + 1
        for node in nodes:
            self._process(node)

    def of_event(self, event: Event) -> Iterator[dict[str, Any]]:
        """Yield what is drawn of an event, names of new processes and threads before it."""
        if event.name == MESSAGE:
            drawn = list(self._of_message(event))
        elif event.name == TIMER:
            drawn = [self._slice(event, _name(event), whole_number(event, "dur"))]
        elif event.name in (WIRE_SENT, WIRE_RECEIVED):
            drawn = [self._of_wire(event)]
        else:
            mark = self._entry("i", event.actor, event.time_ns, _name(event))
            drawn = [{**mark, "cat": _category(event), "s": "t", "args": _args(event)}]
        yield from self._new_names()
        yield from drawn

    def of_level(self, level: Level) -> Iterator[dict[str, Any]]:
        """Yield how full a mailbox was from a moment on."""
        name = level.actor.rpartition("/")[2]
        entry = self._entry("C", level.actor, level.time_ns, name)
        yield from self._new_names()
        yield {**entry, "args": {"waiting": level.waiting}}

    def _new_names(self) -> list[dict[str, Any]]:
        names, self._names = self._names, []
        return names

    def _of_message(self, event: Event) -> Iterator[dict[str, Any]]:
        sent_ns, _ = put_and_left_ns(event)
        sending = self._entry("X", str(event.data.get("from")), sent_ns, f"send {_name(event)}")
        sending = {**sending, "cat": SENDING, "dur": 0}
        if not is_handled(event):
            yield {**sending, "args": _args(event)}
            return
        arrow = self._arrow(str(event.data.get("id")))
        yield {**sending, **arrow, "flow_out": True}
        handling = self._slice(event, _name(event), whole_number(event, "dur"))
        yield {**handling, **arrow, "flow_in": True}

    def _of_wire(self, event: Event) -> dict[str, Any]:
        drawn = self._slice(event, _name(event), 0)
        match = event.data.get("match")
        if not isinstance(match, str):
            return drawn
        is_sent = event.name == WIRE_SENT
        arrow = self._arrow(event.id if is_sent else match)
        return {**drawn, **arrow, "flow_out" if is_sent else "flow_in": True}

    def _slice(self, event: Event, name: str, dur_ns: int) -> dict[str, Any]:
        entry = self._entry("X", event.actor, event.time_ns, name)
        return {**entry, "cat": _category(event), "dur": dur_ns / 1000, "args": _args(event)}

    def _entry(self, kind: str, actor: str, time_ns: int, name: str) -> dict[str, Any]:
        micros = (time_ns - self._begin_ns) / 1000
        return {"ph": kind, **self._place(actor), "ts": micros, "name": name}

    def _arrow(self, sending_id: str) -> dict[str, Any]:
        number = self._arrows.setdefault(sending_id, len(self._arrows) + 1)
        return {"bind_id": hex(number)}

    def _place(self, actor: str) -> dict[str, int]:
        place = self._places.get(actor)
        if place is None:
            node, _, name = actor.rpartition("/")
            number = self._first_thread + len(self._places)
            place = {"pid": self._process(node or self._node), "tid": number}
            self._places[actor] = place
            self._names.append(_named("thread_name", place, name=name))
        return place

    def _process(self, node: str) -> int:
        if node not in self._processes:
            number = self._processes[node] = len(self._processes) + 1
            self._names.append(_named("process_name", {"pid": number}, name=node))
            self._names.append(_named("process_sort_index", {"pid": number}, sort_index=number))
        return self._processes[node]


def _named(kind: str, place: dict[str, int], **about: object) -> dict[str, Any]:
    return {"ph": "M", **place, "name": kind, "args": about}


def _name(event: Event) -> str:
    """Return what the event is called where there is little room."""
    kind = event.data.get("type") or event.data.get("what")
    return SIGNS.get(event.name, "") + (kind if isinstance(kind, str) else event.name)


def _category(event: Event) -> str:
    return CATEGORIES.get(event.name) or event.name.partition(":")[2] or event.name


def _args(event: Event) -> dict[str, Any]:
    """Return what is shown of an event on a click: all but what was in a block."""
    about = {key: value for key, value in event.data.items() if key not in ("id", "payload")}
    return {"id": event.id, "cause": event.cause, **about}
