"""Who waits for whose answer, so that actors that wait for each other are found at once.

Actors among themselves only tell; if two of them ask each other all the same, by a mistake
or in somebody's extension, both would sleep for ever. So whoever begins to wait says so
here first, and looks whether the one asked waits, through however many others, for the
asker. Who closes such a circle is told instead of put to sleep. Nothing ever polls.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from actortorrent.actors.causes import Clock
    from actortorrent.actors.replies import Reply

# Each asker, by its clock, with the answer it waits for.
_waiting: dict[Clock, Reply[Any]] = {}
_lock = threading.Lock()  # of two that begin at once, the second sees the first


def begin_waiting(asker: Clock, reply: Reply[Any]) -> list[tuple[Clock, Reply[Any]]]:
    """Note that `asker` begins to wait; return the circle that this would close, or nothing.

    The circle begins with the asker: each in it waits for an answer of the next, and the
    last for one of the first. The asker is then not noted as waiting.
    """
    with _lock:
        circle = _circle(asker, reply)
        if not circle:
            _waiting[asker] = reply
        return circle


def end_waiting(asker: Clock) -> None:
    """Note that `asker` waits no more."""
    with _lock:
        _waiting.pop(asker, None)


def _circle(asker: Clock, reply: Reply[Any]) -> list[tuple[Clock, Reply[Any]]]:
    path = [(asker, reply)]
    while (asked := path[-1][1].asked) is not asker:
        awaited = _waiting.get(asked) if asked is not None else None
        if asked is None or awaited is None or awaited.is_answered:
            return []
        path.append((asked, awaited))
    return path
