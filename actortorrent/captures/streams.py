"""The bytes of one direction of a connection, put in order: RFC 9293.

Segments come late, twice, overlapping or not at all. What is missing is waited for until
it is clear that it will not come; then a run of lost bytes stands for it.
"""

from __future__ import annotations

import heapq
from typing import NamedTuple

MAX_HELD_BYTES = 4 * 1024 * 1024  # of one direction, behind a hole
MAX_HELD_SEGMENTS = 4096
MAX_TOTAL_BYTES = 128 * 1024 * 1024  # of all connections together
PATIENCE = 32  # segments behind a hole that the other side has acknowledged: it has those bytes
_SPACE = 1 << 32


class Run(NamedTuple):
    """Some bytes at an offset of the stream, or `lost` ones that are not in the capture."""

    offset: int
    data: bytes
    lost: int = 0


class Budget:
    """Count the bytes that all connections together hold back."""

    def __init__(self, limit_bytes: int = MAX_TOTAL_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self.held_bytes = 0

    @property
    def is_spent(self) -> bool:
        """Say whether no more may be held."""
        return self.held_bytes > self._limit_bytes


class Stream:
    """Put one direction in order.

    Invariant: all before `next_offset` was given out, and all that is held lies behind it.

    Attributes:
        next_offset: where in the stream the next bytes belong.
        repeated_bytes: what came twice.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._base: int | None = None  # the number of the stream's first byte
        self._held: list[tuple[int, int, bytes, int]] = []  # a heap
        self._held_bytes = 0
        self._acknowledged = 0
        self._waited = 0
        self._count = 0
        self.next_offset = 0
        self.repeated_bytes = 0

    @property
    def has_begun(self) -> bool:
        """Say whether it is known where the stream begins."""
        return self._base is not None

    def begin(self, sequence: int) -> None:
        """Say which number the stream's first byte has; only the first time counts."""
        if self._base is None:
            self._base = sequence % _SPACE

    def begins_at(self, sequence: int) -> bool:
        """Say whether the stream's first byte has this number."""
        return self._base == sequence % _SPACE

    def acknowledged(self, number: int) -> None:
        """Hear from the other side up to where it has everything."""
        if self._base is not None:
            self._acknowledged = max(self._acknowledged, self._offset(number))

    def take(self, sequence: int, data: bytes, length: int) -> list[Run]:
        """Return what a segment makes known: nothing, itself, or what was held besides.

        `length` is what it had on the wire, of which `data` may be only the beginning.
        """
        self.begin(sequence)
        offset = self._offset(sequence)
        if offset > self.next_offset:
            self._hold(offset, data, length)
            return self._without_hole() if self._is_hopeless() else []
        return self._given(offset, data, length) + self._released()

    def end(self) -> list[Run]:
        """Return all that is still held: nothing more will come."""
        runs: list[Run] = []
        while self._held:
            runs += self._without_hole()
        return runs

    def _offset(self, sequence: int) -> int:
        assert self._base is not None
        ahead = (sequence - self._base - self.next_offset) % _SPACE
        return self.next_offset + (ahead - _SPACE if ahead >= _SPACE // 2 else ahead)

    def _given(self, offset: int, data: bytes, length: int) -> list[Run]:
        """Return what of a segment at or before the next offset is new."""
        end = offset + length
        self.repeated_bytes += max(0, min(end, self.next_offset) - offset)
        if end <= self.next_offset:
            return []
        new = data[self.next_offset - offset :]
        runs = [Run(self.next_offset, new)] if new else []
        missing = end - self.next_offset - len(new)
        if missing:
            runs.append(Run(end - missing, b"", missing))
        self.next_offset = end
        return runs

    def _hold(self, offset: int, data: bytes, length: int) -> None:
        self._count += 1  # of two at one offset, the earlier comes first
        heapq.heappush(self._held, (offset, self._count, data, length))
        self._held_bytes += len(data)
        self._budget.held_bytes += len(data)
        self._waited += self._acknowledged >= self._held[0][0]

    def _is_hopeless(self) -> bool:
        return (
            self._waited > PATIENCE
            or self._held_bytes > MAX_HELD_BYTES
            or len(self._held) > MAX_HELD_SEGMENTS
            or self._budget.is_spent
        )

    def _released(self) -> list[Run]:
        runs: list[Run] = []
        while self._held and self._held[0][0] <= self.next_offset:
            offset, _, data, length = heapq.heappop(self._held)
            self._held_bytes -= len(data)
            self._budget.held_bytes -= len(data)
            self._waited = 0
            runs += self._given(offset, data, length)
        return runs

    def _without_hole(self) -> list[Run]:
        """Give up what is missing before the first that is held."""
        lost = Run(self.next_offset, b"", self._held[0][0] - self.next_offset)
        self.next_offset = self._held[0][0]
        return [lost, *self._released()]
