"""The rules of the actors, and of the trace itself."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from itertools import pairwise

from actortorrent.tracing.events import GAP, MESSAGE, SPAWNED, TIMER, Event
from actortorrent.tracing.linting.wire import Blame
from actortorrent.tracing.wording import duration_text

LONG_HANDLING_NS = 5_000_000_000
MAIL_WINDOW = 100  # messages to an actor, of whose depths the least is taken
GROWING_WINDOWS = 5  # in a row, in each of which the mailbox was never as empty as before
GROWN_DEPTH = 100


class ActorRules:
    """Judge how actors behave; to be told all events of one node, in order."""

    def __init__(self, blame: Blame) -> None:
        self._blame = blame
        self._actors: set[str] = set()
        self._last_lc: dict[str, int] = {}
        self._depths: defaultdict[str, list[int]] = defaultdict(list)
        self._least: defaultdict[str, deque[int]] = defaultdict(
            lambda: deque(maxlen=GROWING_WINDOWS)
        )

    def hear(self, event: Event) -> None:
        """Judge one event."""
        if event.name == SPAWNED:
            self._actors.add(event.actor)
        elif event.name in (MESSAGE, TIMER):
            self._handling(event)
        elif event.name == "actor:failed":
            self._blame("failed", event, f"it failed: {event.data.get('error')}")
        elif event.name == "trace:deadlock":
            self._blame("hangs", event, "actors wait for each other")
        elif event.name == GAP:
            missing = event.data.get("bytes")  # of a packet capture
            what = f"{event.data.get('lost')} events" if missing is None else f"{missing} bytes"
            self._blame("lost-events", event, f"{what} are missing here")

    def _handling(self, event: Event) -> None:
        data = event.data
        kind, status, sender = data.get("type"), data.get("status"), data.get("from")
        is_of_actor = isinstance(sender, str) and sender in self._actors
        if data.get("op") == "ask" and is_of_actor:
            self._blame("ask-in-actor", event, f"{sender} asked for {kind}, and waited")
        if status == "undelivered":
            self._blame("hangs", event, f"{data.get('to')} never came to read {kind}")
        elif status == "error" and data.get("op") != "ask":
            self._blame("failed", event, f"the handling of {kind} failed")
        work = data.get("dur")
        if type(work) is int and work > LONG_HANDLING_NS:
            self._blame("long-handling", event, f"{kind} took {duration_text(work)}")
        depth = data.get("depth")
        if event.name == MESSAGE and status == "ok" and type(depth) is int:
            self._mailbox(event, depth)

    def _mailbox(self, event: Event, depth: int) -> None:
        depths, least = self._depths[event.actor], self._least[event.actor]
        depths.append(depth)
        if len(depths) < MAIL_WINDOW:
            return
        least.append(min(depths))
        depths.clear()
        is_growing = len(least) == GROWING_WINDOWS and _rises(least)
        if is_growing and least[-1] >= GROWN_DEPTH:
            text = f"{least[-1]} messages wait at least, and ever more"
            self._blame("growing-mailbox", event, text)
            least.clear()


def _rises(values: Iterable[int]) -> bool:
    return all(earlier < later for earlier, later in pairwise(values))
