"""Requests that we took back and that are still to be answered: BEP 6.

Between two that speak it each request gets one answer, a block or a reject, also when it was
cancelled. So a reject may be of a request that we have made again since: it is taken as the
answer to the one that was cancelled. A reject of what was neither asked for nor cancelled is
no honest one.
"""

from __future__ import annotations

from collections.abc import Iterable

from actortorrent.wire.messages import BlockName

MAX_UNANSWERED = 4_000  # requests; the oldest are forgotten: who answers none is slow, or lies


class TakenBack:
    """Keep the names of blocks that were cancelled, and how often each."""

    __slots__ = ("_unanswered",)

    def __init__(self) -> None:
        self._unanswered: dict[BlockName, int] = {}  # in the order of their first cancel

    def cancelled(self, names: Iterable[BlockName]) -> None:
        """Note requests that were taken back."""
        for name in names:
            self._unanswered[name] = self._unanswered.get(name, 0) + 1
        while len(self._unanswered) > MAX_UNANSWERED:
            del self._unanswered[next(iter(self._unanswered))]

    def answered(self, name: BlockName) -> bool:
        """Note the answer to such a request; say whether there was one."""
        count = self._unanswered.pop(name, 0)
        if count > 1:
            self._unanswered[name] = count - 1
        return count > 0
