"""How full each actor's mailbox was, at every moment when that changed.

A trace says how many messages waited when one was sent. That one left again is seen only
from later ones: a mailbox is first in, first out, so what waits when a message is taken is
what came between the two.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from msgspec import Struct, field

from actortorrent.tracing.events import MESSAGE, Event

MAX_NS = 1 << 63  # what is beyond is no time, whatever a trace says
NEVER_PUT = "dead"  # its actor had gone already


class Level(NamedTuple):
    """Say how many messages waited for an actor from a moment on."""

    actor: str
    time_ns: int
    waiting: int


class _Left(NamedTuple):
    """Say when a message left a mailbox, and the how manieth of all it was."""

    time_ns: int
    number: int
    is_wanted: bool


class _Mailbox(Struct):
    came: int = 0
    left: deque[_Left] = field(default_factory=deque)


class Mailboxes:
    """Count what comes and what is taken; tell it of every message, in the order of their times."""

    def __init__(self) -> None:
        self._boxes: dict[str, _Mailbox] = {}

    def hear(self, event: Event, *, is_wanted: bool) -> Iterator[Level]:
        """Yield the levels that are known from now on; none of messages that nobody wants."""
        if event.name != MESSAGE or event.data.get("status") == NEVER_PUT:
            return
        actor = str(event.data.get("to"))
        box = self._boxes.setdefault(actor, _Mailbox())
        put_ns, left_ns = put_and_left_ns(event)
        yield from _levels(actor, box, put_ns)
        if is_wanted:
            yield Level(actor, put_ns, whole_number(event, "depth") + 1)
        if is_handled(event):
            box.came += 1
            box.left.append(_Left(left_ns, box.came, is_wanted))
        elif is_wanted:
            yield Level(actor, left_ns, 0)  # all that was left was refused at once

    def rest(self) -> Iterator[Level]:
        """Yield the levels that only the end makes known."""
        for actor, box in self._boxes.items():
            yield from _levels(actor, box, None)


def put_and_left_ns(event: Event) -> tuple[int, int]:
    """Return when a message was sent, and when it was taken or refused."""
    wait_ns = whole_number(event, "wait")
    if is_handled(event):
        return event.time_ns - wait_ns, event.time_ns
    return event.time_ns, event.time_ns + wait_ns


def is_handled(event: Event) -> bool:
    """Say whether a message was read; else it stands in its sender's life."""
    return event.actor == event.data.get("to")


def whole_number(event: Event, key: str) -> int:
    """Return what an event says, or 0 where that is impossible."""
    value = event.data.get(key)
    return value if type(value) is int and 0 <= value < MAX_NS else 0


def _levels(actor: str, box: _Mailbox, until_ns: int | None) -> Iterator[Level]:
    while box.left and (until_ns is None or box.left[0].time_ns <= until_ns):
        time_ns, number, is_wanted = box.left.popleft()
        if is_wanted:
            yield Level(actor, time_ns, box.came - number)
