"""The longest waits in mailboxes, and the longest handlings of messages."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

from actortorrent.tracing.events import MESSAGE, TIMER, Event

MOST_WAITS = 10
LEAST_WAIT_NS = 1_000_000
KEYS = {"wait": "{} lay in the mailbox of {}", "dur": "{} was being handled by {}"}


class MailWaits:
    """Keep the longest; to be told all events of one node."""

    def __init__(self) -> None:
        self._longest: dict[str, list[tuple[int, int, Event]]] = {key: [] for key in KEYS}
        self._heard = 0

    def hear(self, event: Event) -> None:
        """Keep a message's times if they are among the longest."""
        if event.name not in (MESSAGE, TIMER) or event.data.get("op") == "ask":
            return
        self._heard += 1
        for key, longest in self._longest.items():
            spent_ns = event.data.get(key)
            if type(spent_ns) is not int or spent_ns < LEAST_WAIT_NS:
                continue
            heapq.heappush(longest, (spent_ns, -self._heard, event))
            if len(longest) > MOST_WAITS:
                heapq.heappop(longest)

    def __iter__(self) -> Iterator[tuple[Event, int, str]]:
        """Yield event, nanoseconds and words of each, the longest of a kind first."""
        for key, words in KEYS.items():
            for spent_ns, _, event in sorted(self._longest[key], reverse=True):
                yield event, spent_ns, words.format(event.data.get("type"), event.actor)
