"""What tests of the chapters' claims ask of a trace."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from actortorrent.tracing.events import DECISION, WIRE_RECEIVED, WIRE_SENT, Event
from actortorrent.tracing.reader import TraceFile


def events_of(path: Path) -> list[Event]:
    """Return all events of a trace."""
    with TraceFile(path) as trace:
        return list(trace.events())


def decisions(path: Path, what: str) -> list[Mapping[str, Any]]:
    """Return the decisions of a kind in their order."""
    found = [event for event in events_of(path) if event.name == DECISION]
    return [one.data for one in sorted(found, key=by_time) if one.data["what"] == what]


def wire(path: Path, actor: str) -> list[tuple[str, str, Mapping[str, Any]]]:
    """Return what one connection said (`sent`) and heard (`received`), with the messages' types."""
    words = {WIRE_SENT: "sent", WIRE_RECEIVED: "received"}
    found = [event for event in events_of(path) if event.actor == actor and event.name in words]
    return [
        (words[one.name], one.data["type"], one.data)
        for one in sorted(found, key=lambda one: one.lc)
    ]


def connections(path: Path) -> list[str]:
    """Return the actors of a trace that shook hands with a peer."""
    shaken = [one for one in events_of(path) if one.data.get("type") == "handshake"]
    return sorted({one.actor for one in shaken if one.name == WIRE_RECEIVED})


def by_time(event: Event) -> int:
    """Return when an event began."""
    return event.time_ns
