"""How fast bytes go, and who may send how many: meters and fair shares.

Both are told the time (`now`, monotonic seconds) and never look at a clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from itertools import islice

from msgspec import Struct

WINDOW_SECONDS = 5.0  # long enough to be steady, short enough to notice a stall
BUCKET_COUNT = 10
BURST_SECONDS = 0.25  # how much of a limit may be saved up while nobody wants anything


class Recent(Struct, frozen=True):
    """Say how many bytes went in the last so many seconds (to the microsecond)."""

    byte_count: int = 0
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Return bytes a second, 0.0 if nothing ever went."""
        return self.byte_count / self.seconds if self.seconds else 0.0


NOTHING = Recent()


class RateMeter:
    """Measure bytes a second over the last few seconds.

    Bytes are summed in buckets of half a second; the rate is what lies in the window,
    over the time since the meter began or since the window's edge, whichever is less.
    """

    __slots__ = ("_bucket_seconds", "_buckets", "_in_window", "_started_at", "total_bytes")

    def __init__(self, window_seconds: float = WINDOW_SECONDS) -> None:
        self._bucket_seconds = window_seconds / BUCKET_COUNT
        self._buckets: deque[list[int]] = deque()  # [number of the bucket, bytes], oldest first
        self._in_window = 0
        self._started_at: float | None = None
        self.total_bytes = 0

    def add(self, byte_count: int, now: float) -> None:
        """Count bytes that went just now."""
        if self._started_at is None:
            self._started_at = now
        number = self._forget_old(now)
        if not self._buckets or self._buckets[-1][0] != number:
            self._buckets.append([number, 0])
        self._buckets[-1][1] += byte_count
        self._in_window += byte_count
        self.total_bytes += byte_count

    def rate(self, now: float) -> float:
        """Return bytes a second, 0.0 if nothing went for a whole window."""
        return self.recent(now).rate

    def recent(self, now: float) -> Recent:
        """Return the bytes in the window and the time it covers: what the rate is made of."""
        if self._started_at is None:
            return NOTHING
        number = self._forget_old(now)
        window_began = (number - BUCKET_COUNT + 1) * self._bucket_seconds
        covered = now - max(self._started_at, window_began)
        return Recent(self._in_window, round(max(covered, self._bucket_seconds), 6))

    def _forget_old(self, now: float) -> int:
        """Drop the buckets that have left the window; return the number of the present one."""
        number = int(now // self._bucket_seconds)
        while self._buckets and self._buckets[0][0] <= number - BUCKET_COUNT:
            self._in_window -= self._buckets.popleft()[1]
        return number


class FairShare:
    """Share a limit of bytes a second among all who ask for some.

    An ask is answered by one grant, of all or a part; whoever wants more asks again.
    Over any stretch of time no more is granted than the limit allows, and one burst.
    Whoever wants less than an even share gets it all, and the others share the rest.

    Args:
        bytes_per_second: the limit, more than 0.
    """

    __slots__ = ("_available", "_burst_bytes", "_bytes_per_second", "_filled_at", "_wanted")

    def __init__(self, bytes_per_second: float) -> None:
        if bytes_per_second <= 0:
            raise ValueError(f"a limit is more than 0 bytes a second, not {bytes_per_second}")
        self._bytes_per_second = bytes_per_second
        self._burst_bytes = max(1.0, bytes_per_second * BURST_SECONDS)
        self._available = self._burst_bytes
        self._filled_at: float | None = None
        self._wanted: dict[int, int] = {}

    @property
    def is_anyone_waiting(self) -> bool:
        """Say whether somebody asked and got no answer yet."""
        return bool(self._wanted)

    def wants(self, conn: int, byte_count: int) -> None:
        """Note how many bytes a connection wants now, in place of what it asked for before."""
        if byte_count > 0:
            self._wanted[conn] = byte_count
        else:
            self.forget(conn)

    def forget(self, conn: int) -> None:
        """Drop what a connection asked for."""
        self._wanted.pop(conn, None)

    def grants(self, now: float) -> list[tuple[int, int]]:
        """Return (conn, bytes) that may go now; each is granted once."""
        self._fill(now)
        shares = even_shares(self._wanted, int(self._available))
        for conn, byte_count in shares:
            self._available -= byte_count
            del self._wanted[conn]
        return shares

    def _fill(self, now: float) -> None:
        if self._filled_at is not None:
            gained = (now - self._filled_at) * self._bytes_per_second
            self._available = min(self._burst_bytes, self._available + gained)
        self._filled_at = now


def even_shares(wanted: Mapping[int, int], available: int) -> list[tuple[int, int]]:
    """Divide bytes so that nobody gets less for another to get more than they.

    Nobody gets more than they want. What cannot be divided evenly is left over, unless
    there is less than a byte for each: then those named first get one.
    """
    level = _even_level(wanted, available)
    if level:
        return [(conn, min(wish, level)) for conn, wish in wanted.items()]
    return [(conn, 1) for conn in islice(wanted, available)]


def _even_level(wanted: Mapping[int, int], available: int) -> int:
    """Return what everyone may have at most."""
    waiting = len(wanted)
    for wish in sorted(wanted.values()):
        if wish * waiting > available:
            return available // waiting
        available -= wish
        waiting -= 1
    return max(wanted.values(), default=0)
