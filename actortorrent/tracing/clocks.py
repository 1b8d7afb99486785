"""Clocks of several traces made into one: Lamport's anew, and wall clocks that disagree.

Every peer counted for itself and looked at a wall clock of its own. A message cannot
arrive before it was sent: so each message from A to B says by how much B's clock is
behind A's at least, each the other way by how much at most. `offsets` finds what to add
to each clock so that no message goes backwards; `MergedClocks` counts all moments anew,
and holds back what would still come before its cause (clocks also drift).
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping

from msgspec import Struct

from actortorrent.tracing.ticks import Tick

Bounds = Mapping[tuple[int, int], int]


class Crossing(Struct, frozen=True):
    """Say when a message left one node's clock and reached another's, in wall clock ns."""

    sender: int
    receiver: int
    sent_ns: int
    received_ns: int


def offsets(node_count: int, crossings: Iterable[Crossing]) -> list[int]:
    """Return what to add to each node's clock, in ns; all 0 if no message goes backwards.

    The first node of those that spoke with each other is believed.
    """
    least = _least_leads(crossings)
    if all(lead <= 0 for lead in least.values()):
        return [0] * node_count
    added = _middles(node_count, least)
    for _ in range(node_count):  # what the middles of pairs leave wrong among three
        for (sender, receiver), lead in least.items():
            added[receiver] = max(added[receiver], added[sender] + lead)
    return added


def _least_leads(crossings: Iterable[Crossing]) -> dict[tuple[int, int], int]:
    """Return, for sender and receiver, by how much the sender's clock is ahead at least."""
    least: dict[tuple[int, int], int] = {}
    for one in crossings:
        way = (one.sender, one.receiver)
        lead = one.sent_ns - one.received_ns
        least[way] = max(least.get(way, lead), lead)
    return least


def _middles(node_count: int, least: Bounds) -> list[int]:
    added: list[int | None] = [None] * node_count
    neighbours: defaultdict[int, set[int]] = defaultdict(set)
    for sender, receiver in least:
        neighbours[sender].add(receiver)
        neighbours[receiver].add(sender)
    for first in range(node_count):
        if added[first] is not None:
            continue
        added[first] = 0
        waiting = deque([(first, 0)])
        while waiting:
            node, base = waiting.popleft()
            for other in sorted(neighbours[node]):
                if added[other] is None:
                    added[other] = base + _middle(
                        least.get((node, other)), least.get((other, node))
                    )
                    waiting.append((other, added[other] or 0))
    return [one or 0 for one in added]


def _middle(at_least: int | None, minus_at_most: int | None) -> int:
    """Return the likeliest lead between its bounds: none, where they allow it."""
    low = at_least if at_least is not None else min(0, -(minus_at_most or 0))
    high = -minus_at_most if minus_at_most is not None else max(0, low)
    return 0 if low <= 0 <= high else (low + high) // 2


class ClockCycleError(Exception):
    """Say that moments wait for each other in a circle: ends were paired that are none."""


class _Row(Struct):
    """Hold an actor's moments that are not settled yet, and how far it has come."""

    moments: deque[tuple[int, int]]
    added_ns: int
    clock: int = 0
    time_ns: int = 0


class MergedClocks:
    """Count the moments of all actors anew, each behind all that must come before it.

    Attributes:
        held_back: how many arrivals would have come before their sending, clocks set right.
        most_held_back_ns: by how much at most.
    """

    def __init__(self) -> None:
        self._times: defaultdict[str, dict[int, int]] = defaultdict(dict)
        self._after: dict[Tick, Tick] = {}
        self._settled: dict[Tick, tuple[int, int]] = {}
        self._waiting: defaultdict[Tick, list[str]] = defaultdict(list)
        self.held_back = 0
        self.most_held_back_ns = 0

    def add(self, tick: Tick, time_ns: int) -> None:
        """Learn of a moment, by its own node's clock."""
        self._times[tick.actor].setdefault(tick.lc, time_ns)

    def put_behind(self, later: Tick, earlier: Tick) -> None:
        """Learn that a moment must come behind one of another actor."""
        self._after[later] = earlier

    def settle(self, added_ns: Mapping[str, int]) -> None:
        """Give every moment its number and time; raises ClockCycleError.

        `added_ns` says what makes the times of a node, by its name, those of all.
        """
        rows = {
            actor: _Row(deque(sorted(times.items())), added_ns[actor.partition("/")[0]])
            for actor, times in self._times.items()
        }
        ready = deque(rows)
        while ready:
            actor = ready.popleft()
            ready.extend(self._run(actor, rows[actor]))
        for actor, row in rows.items():
            if row.moments:
                raise ClockCycleError(str(Tick(actor, row.moments[0][0])))

    def settled(self, tick: Tick) -> tuple[int, int] | None:
        """Return a moment's new number and its time in ns, if there is such a moment."""
        return self._settled.get(tick)

    def _run(self, actor: str, row: _Row) -> list[str]:
        """Settle an actor's moments up to one that waits; return whom that wakes."""
        woken: list[str] = []
        while row.moments:
            lc, time_ns = row.moments[0]
            tick, time_ns = Tick(actor, lc), time_ns + row.added_ns
            before = self._after.get(tick)
            if before is not None and before.lc in self._times.get(before.actor, ()):
                if before not in self._settled:
                    self._waiting[before].append(actor)
                    return woken
                time_ns = self._behind(before, row, time_ns)
            row.moments.popleft()
            row.clock, row.time_ns = row.clock + 1, max(time_ns, row.time_ns)
            self._settled[tick] = (row.clock, row.time_ns)
            woken += self._waiting.pop(tick, ())
        return woken

    def _behind(self, before: Tick, row: _Row, time_ns: int) -> int:
        clock, earliest_ns = self._settled[before]
        row.clock = max(row.clock, clock)
        if time_ns < earliest_ns:
            self.held_back += 1
            self.most_held_back_ns = max(self.most_held_back_ns, earliest_ns - time_ns)
        return max(time_ns, earliest_ns)
