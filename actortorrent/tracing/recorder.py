"""Recorders: where actors' threads leave what happened, in a form that costs them little.

An *entry* is one event as it was left: still holding the message's own arguments, to
be made into text later, by whoever writes (`entries.py`). Everything that crosses from
the actors to a recorder is an entry, so a recorder has one way in.

`EntryQueue` keeps entries for the writer of a file and never grows over its limit;
`Tee` gives them to several recorders.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from actortorrent.tracing.kept import kept_data, kept_handling
from actortorrent.tracing.summaries import Payload

LEVELS = ("piece", "block", "payload")  # each records what the one before does, and more
QUEUE_LIMIT = 32_768  # entries that wait for the writer
# So many of them may keep alive what they carry, such as the buffer of a run: far more than
# wait for a writer that is well. What comes on top of these is told at once, in a few words;
# blocks that are wanted in full (level "payload") are lost. Of other levels only bitfields,
# which are short and come once, hold a message's bytes: these are kept.
LADEN_LIMIT = 1_024

# Who sent, at which tick of its clock, because of what, when (ns), into how full a mailbox.
Stamp: TypeAlias = tuple[str, int, str, int, int]
# Receiver, stamp, ticks at arrival and finish (0: it never arrived), end (ns), "tell" or
# "ask", the message, status. Plain tuples: to name the fields would cost more than the rest.
Handling: TypeAlias = tuple[str, Stamp, int, int, int, str, Any, str]
# Time (ns), name, actor, tick of its clock, cause, data.
Entry: TypeAlias = tuple[int, str, str, int, str, Mapping[str, object] | Handling]


class Recorder(Protocol):
    """Take events from any thread; never block, never raise."""

    @property
    def level(self) -> str:
        """Return how much is wanted: one of `LEVELS`."""

    def claim(self, name: str, kind: type) -> bool:
        """Let an actor of class `kind` appear as `name`, unless another did already."""

    def record(
        self,
        time_ns: int,
        name: str,
        actor: str,
        lc: int,
        cause: str,
        data: Mapping[str, object] | Handling,
    ) -> None:
        """Take one event; `data` must not be changed afterwards."""


def unique_name(recorder: Recorder, wanted: str, kind: type) -> str:
    """Return the name under which an actor appears: `Storage`, or `Storage~2` if that is taken."""
    for number in itertools.count(1):
        name = wanted if number == 1 else f"{wanted}~{number}"
        if recorder.claim(name, kind):
            return name
    raise AssertionError("numbers ran out")


class Cast:
    """Know the class of every actor that appears; safe from any thread."""

    __slots__ = ("_roles",)

    def __init__(self) -> None:
        self._roles: dict[str, list[type]] = {}

    def claim(self, name: str, kind: type) -> bool:
        """Give a name away once."""
        role = [kind]  # a new list: whoever's it is that got in has the name
        return self._roles.setdefault(name, role) is role

    def kind_of(self, name: str) -> type | None:
        """Return the class of an actor, or None where it is no actor of ours."""
        role = self._roles.get(name)
        return role[0] if role else None


class LossCount:
    """Count from many threads without a lock; `total` may be asked for by one thread only."""

    __slots__ = ("_count", "_looks")

    def __init__(self) -> None:
        self._count = itertools.count()
        self._looks = 0

    def add_one(self) -> None:
        """Count one."""
        next(self._count)

    def total(self) -> int:
        """Return how many were counted so far."""
        total = next(self._count) - self._looks
        self._looks += 1
        return total


class EntryQueue:
    """Keep entries until the writer takes them; count what does not fit.

    A writer may hang for as long as its disk does: neither the number of entries nor what
    they hold of the content grows over a limit meanwhile.

    Args:
        level: how much is wanted: one of `LEVELS`.
        limit: entries that may wait.
    """

    def __init__(self, level: str, limit: int = QUEUE_LIMIT) -> None:
        self.level = level
        self.cast = Cast()
        self.claim = self.cast.claim
        self.losses = LossCount()
        self._limit = limit
        self._entries: deque[Entry] = deque()

    def __len__(self) -> int:
        return len(self._entries)

    def record(
        self,
        time_ns: int,
        name: str,
        actor: str,
        lc: int,
        cause: str,
        data: Mapping[str, object] | Handling,
    ) -> None:
        """Keep one entry, or count it as lost."""
        waiting = len(self._entries)
        if waiting >= self._limit:
            self.losses.add_one()
            return
        if waiting >= LADEN_LIMIT:
            if type(data) is tuple:
                data = kept_handling(data)
            elif self.level == "payload" and _has_payload(data):  # type: ignore[arg-type]
                self.losses.add_one()
                return
            else:
                data = kept_data(data)  # type: ignore[arg-type]
        self._entries.append((time_ns, name, actor, lc, cause, data))

    def take(self, at_most: int) -> Iterator[Entry]:
        """Yield the oldest entries and forget them; for one thread only."""
        for _ in range(min(at_most, len(self._entries))):
            yield self._entries.popleft()

    def close(self) -> None:
        """Take nothing more: all that still comes is lost."""
        self._limit = 0


def _has_payload(data: Mapping[str, object]) -> bool:
    """Say whether an event holds a message's bytes in full, itself or among its fields."""
    for value in data.values():
        if type(value) is Payload or (type(value) is dict and _has_payload(value)):
            return True
    return False


class Tee:
    """Give every event to several recorders; wants as much as the most curious of them."""

    __slots__ = ("_recorders", "level")

    def __init__(self, recorders: Sequence[Recorder]) -> None:
        self._recorders = tuple(recorders)
        self.level = max((one.level for one in recorders), key=LEVELS.index)

    def claim(self, name: str, kind: type) -> bool:
        """Give a name away if it is free everywhere."""
        claims = [one.claim(name, kind) for one in self._recorders]
        return all(claims)

    def record(
        self,
        time_ns: int,
        name: str,
        actor: str,
        lc: int,
        cause: str,
        data: Mapping[str, object] | Handling,
    ) -> None:
        """Pass one event on."""
        for recorder in self._recorders:
            recorder.record(time_ns, name, actor, lc, cause, data)
