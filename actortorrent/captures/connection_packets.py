"""One connection of a capture: its packets, and which of its two ends is believed of what.

Of each direction one end is believed. What the other tells of it fills only what is missing
behind: it waits here until all is written that stands before it.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from actortorrent.captures.flows import Flow, Place
from actortorrent.captures.packets import ACK, FIN, MAX_SEGMENT_BYTES, PSH, SYN, tcp_packet
from actortorrent.tracing.events import Event

MAX_HELD = 1_000  # messages of a direction that wait for what the other end tells before them


class _Side(Struct):
    """Hold how far one direction has been written; `first` is the number of its SYN."""

    first: int
    next_offset: int = 0
    is_to_end: bool = False
    has_ended: bool = False

    @property
    def sequence(self) -> int:
        return self.first + 1 + self.next_offset + self.has_ended


class Told(Struct, frozen=True):
    """Hold what an end tells of the wire: an event, where its bytes stand, and those themselves."""

    event: Event
    place: Place
    which: int
    content: bytes


class Connection:
    """Write the packets of one connection."""

    def __init__(self, flow: Flow, first: int, believed: tuple[int, int]) -> None:
        self.flow = flow
        ours, theirs, self.is_made_up = flow.addresses
        self._addresses = (ours, theirs)
        self._sides = (_Side(first), _Side(first))
        self._last = [max(one.end for one in flow.told[direction]) for direction in (0, 1)]
        self._believed = believed
        self._held: tuple[list[Told], list[Told]] = ([], [])  # by direction

    def opening(self) -> Iterator[bytes]:
        """Yield the three packets of TCP's handshake."""
        dialled = 0 if self.flow.we_dialled else 1
        first = self._sides[0].first
        yield self._packet(dialled, first, 0, SYN)
        yield self._packet(1 - dialled, first, first + 1, SYN | ACK)
        yield self._packet(dialled, first + 1, first + 1, ACK)

    def takes(self, place: Place, which: int) -> bool:
        """Say whether an end's telling of a place is to be written."""
        if place.offset < self._sides[place.direction].next_offset:
            return False
        believed = self._believed[place.direction]
        return which == believed or place.offset >= self.flow.told[place.direction][believed].end

    def holds(self, told: Told) -> bool:
        """Keep what comes behind all that the believed end tells, if that is not written yet.

        It is then to be asked for by `take_due`: what was sent stands in a trace before it is
        told by the end that received it.
        """
        held = self._held[told.place.direction]
        if told.which == self._believed[told.place.direction] or len(held) >= MAX_HELD:
            return False
        is_early = bool(held) or not self._has_told_all(told.place.direction)
        if is_early:
            held.append(told)
        return is_early

    def take_due(self, direction: int) -> list[Told]:
        """Return what was kept of a direction, once the believed end has told all."""
        return self.take_held(direction) if self._has_told_all(direction) else []

    def take_held(self, direction: int) -> list[Told]:
        """Return what was kept of a direction, though something before it is missing."""
        due = self._held[direction].copy()
        self._held[direction].clear()
        return due

    def _has_told_all(self, direction: int) -> bool:
        believed = self.flow.told[direction][self._believed[direction]]
        return self._sides[direction].next_offset >= believed.end

    def message(self, direction: int, offset: int, data: bytes) -> Iterator[bytes]:
        """Yield the packets of a message."""
        side = self._sides[direction]
        side.next_offset = offset
        for start in range(0, len(data), MAX_SEGMENT_BYTES):
            part = data[start : start + MAX_SEGMENT_BYTES]
            yield self._segment(direction, PSH | ACK, part)
            side.next_offset += len(part)

    def gap_before(self, place: Place) -> int:
        """Return how many bytes are missing in front of a place."""
        return place.offset - self._sides[place.direction].next_offset

    def closing(self, direction: int) -> None:
        """Note that an end hangs up; that is written when all is that it said."""
        self._sides[direction].is_to_end = True

    def due_endings(self) -> Iterator[bytes]:
        """Yield what ends a direction, when it is to end and all of it is written."""
        for direction, side in enumerate(self._sides):
            is_due = side.is_to_end and side.next_offset >= self._last[direction]
            if is_due and not side.has_ended:
                yield self._segment(direction, FIN | ACK, b"")
                side.has_ended = True

    def _segment(self, direction: int, flags: int, data: bytes) -> bytes:
        sides = self._sides
        ours, theirs = sides[direction].sequence, sides[1 - direction].sequence
        return self._packet(direction, ours, theirs, flags, data)

    def _packet(
        self, direction: int, sequence: int, acknowledged: int, flags: int, data: bytes = b""
    ) -> bytes:
        source, target = self._addresses[direction], self._addresses[1 - direction]
        return tcp_packet(source, target, sequence, acknowledged, flags, data)
