"""Entries, as the actors' threads left them, into events as a trace has them.

The writer does this in its own thread: the actors pay only for leaving them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, TypeAlias

from actortorrent.tracing.events import TIMER, Event
from actortorrent.tracing.recorder import Entry, Handling
from actortorrent.tracing.summaries import Json, shorten, summarise

KindOf: TypeAlias = Callable[[str], type | None]  # the class of an actor, by its name


def event_of(entry: Entry, kind_of: KindOf) -> Event:
    """Return the event that an entry means."""
    time_ns, name, actor, lc, cause, data = entry
    if isinstance(data, tuple):
        described = _handling_data(name, time_ns, data, kind_of)
    else:
        described = {str(key): summarise(value) for key, value in data.items()}
    return Event(time_ns, name, actor, lc, cause, described)


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
    kind = kind_of(receiver)
    about: dict[str, Any] = {
        "type": message_type(message),
        "args": message_arguments(message, kind),
        "depth": depth,
        "wait": max(0, (begin_ns if received else end_ns) - put_ns),
        "dur": end_ns - begin_ns if received else 0,
        "lc": [sent, received, done] if received else [sent],
        "status": status,
    }
    if name == TIMER:
        about["lc"] = about["lc"][1:]
        return about
    return {"id": f"{sender}#{sent}", "from": sender, "to": receiver, "op": op, **about}


@lru_cache(maxsize=1024)
def _parameter_names(kind: type, method: str) -> tuple[str, ...]:
    function = inspect.getattr_static(kind, method, None)
    if not inspect.isfunction(function):
        return ()
    code = function.__code__
    return tuple(name.strip("_") for name in code.co_varnames[1 : code.co_argcount])
