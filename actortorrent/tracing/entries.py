"""Entries, as the actors' threads left them, into events as a trace has them.

The writer does this in its own thread: the actors pay only for leaving them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, TypeAlias

from actortorrent.tracing.events import TIMER, Event, json_line
from actortorrent.tracing.recorder import Entry, Handling
from actortorrent.tracing.summaries import Json, shorten, summarise

KindOf: TypeAlias = Callable[[str], type | None]  # the class of an actor, by its name


def event_of(entry: Entry, kind_of: KindOf) -> Event:
    """Return the event that an entry means."""
    time_ns, name, actor, lc, cause, _ = entry
    return Event(time_ns, name, actor, lc, cause, _data_of(entry, kind_of))


def line_of(entry: Entry, kind_of: KindOf) -> bytes:
    """Return the line of a trace file that an entry means, as its event would write it."""
    time_ns, name, actor, lc, cause, _ = entry
    data = _data_of(entry, kind_of)
    row = {"time": time_ns, "name": name, "actor": actor, "lc": lc, "cause": cause or None}
    row["data"] = data
    return json_line(row)


def _data_of(entry: Entry, kind_of: KindOf) -> dict[str, Any]:
    data = entry[5]
    if isinstance(data, tuple):
        return _handling_data(entry[1], entry[0], data, kind_of)
    return {str(key): summarise(value) for key, value in data.items()}


def message_type(message: object) -> str:
    """Return the name of a message: the method called, or `stop`."""
    path = getattr(message, "attr_path", None)
    if isinstance(path, tuple):
        return ".".join(path)
    name = type(message).__name__
    return "stop" if name == "_ActorStop" else name


def message_arguments(message: object, kind: type | None) -> dict[str, Json]:
    """Return a message's arguments, by the names that the actor's method gives them."""
    args = getattr(message, "args", ())
    if not isinstance(args, tuple):
        return {}
    names = _parameter_names(kind, message_type(message)) if kind is not None else ()
    described = {
        names[index] if index < len(names) else str(index): summarise(value)
        for index, value in enumerate(args)
    }
    named = getattr(message, "kwargs", None)
    if isinstance(named, Mapping):
        described.update((shorten(key), summarise(value)) for key, value in named.items())
    return described


def _handling_data(name: str, begin_ns: int, handling: Handling, kind_of: KindOf) -> dict[str, Any]:
    receiver, stamp, received, done, end_ns, op, message, status = handling
    sender, sent, _cause, put_ns, depth = stamp
    ticks = [sent, received, done] if received else [sent]
    about: dict[str, Any] = (
        {}
        if name == TIMER
        else {"id": f"{sender}#{sent}", "from": sender, "to": receiver, "op": op}
    )
    about["type"] = message_type(message)
    about["args"] = message_arguments(message, kind_of(receiver))
    about["depth"] = depth
    about["wait"] = max(0, (begin_ns if received else end_ns) - put_ns)
    about["dur"] = end_ns - begin_ns if received else 0
    about["lc"] = ticks[1:] if name == TIMER else ticks
    about["status"] = status
    return about


@lru_cache(maxsize=1024)
def _parameter_names(kind: type, method: str) -> tuple[str, ...]:
    function = inspect.getattr_static(kind, method, None)
    if not inspect.isfunction(function):
        return ()
    code = function.__code__
    return tuple(name.strip("_") for name in code.co_varnames[1 : code.co_argcount])
