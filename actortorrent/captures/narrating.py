"""What is heard in a capture as events of a trace, clocks and causes included.

Each end of a connection is an actor. A message is an event at each end that the trace tells
of: where it tells of both, they name each other, and the sending is the cause.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any, cast

from msgspec.structs import replace

from actortorrent.captures.casting import Cast, EndOfNode
from actortorrent.captures.decoding import Heard, Said
from actortorrent.captures.rebuilding import UNKNOWN_PIECE
from actortorrent.captures.talking import Talk
from actortorrent.tracing.events import CONNECTION_OPENED, END, GAP, Event
from actortorrent.tracing.summaries import summarise
from actortorrent.tracing.wire_events import wire_data
from actortorrent.wire.messages import PieceHeader, Request

WHY_LOST = "not in the capture"


class Narrator:
    """Turn what is heard into events, as a listener of `Talks`.

    Attributes:
        by_type: how many messages were heard, by their type.
        gaps, lost_bytes: what was not in the capture.
    """

    def __init__(self, who: Cast, begin_ns: int) -> None:
        self._who = who
        self._begin_ns = begin_ns
        self._last_ns = 0
        self._clocks: Counter[str] = Counter()
        self._counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._told: list[Event] = []
        self.by_type: Counter[str] = Counter()
        self.gaps = 0
        self.lost_bytes = 0

    def told(self) -> list[Event]:
        """Return the events since this was last called."""
        told, self._told = self._told, []
        return told

    def ends(self) -> Iterator[Event]:
        """Yield how the trace of each node ends."""
        for node in self._who.nodes:
            counts = self._counts[node]
            lost = counts[GAP]
            data = {"events": counts.total(), "lost": lost, "by_name": dict(counts)}
            yield self._event(END, _actor_of(node, "trace"), node, "", data)

    # --- heard from the capture -----------------------------------------------------------------

    def began(self, talk: Talk, time_ns: int) -> None:
        """Tell of a connection, at both ends."""
        self._now(time_ns)
        for way, end in self._ends(talk):
            ours, theirs = str(talk.sides[way].end), str(talk.sides[1 - way].end)
            dialled = way == talk.dialler
            begun = {"conn": end.conn, "address": theirs, "we_dialled": dialled}
            cause = self._tell("bt:connection_begun", end, "", begun).id
            opened = {"conn": end.conn, "local": ours, "remote": theirs}
            self._tell(CONNECTION_OPENED, end, cause, opened)

    def heard(self, talk: Talk, way: int, time_ns: int, heard: Heard) -> None:
        """Tell of a message, or of bytes that are lost."""
        self._now(time_ns)
        ends = dict(self._ends(talk))
        if not ends:
            return
        sender, receiver = ends.get(way), ends.get(1 - way)
        if heard.message is None:
            self._lose(heard, sender, receiver)
            return
        self.by_type[heard.message.name] += 1
        name, data = _told_of(heard, heard.message)
        self._say(name, data, sender, receiver)

    def _say(
        self, name: str, data: dict[str, Any], sender: EndOfNode | None, receiver: EndOfNode | None
    ) -> None:
        """Tell of a message at those of its ends that are in the trace."""
        sent = received = None
        if sender is not None:
            sent = self._tell(f"bt:{name}_sent", sender, "", {"conn": sender.conn, **data})
        if receiver is not None:
            clock = self._clocks[receiver.actor]
            self._clocks[receiver.actor] = max(clock, sent.lc) if sent is not None else clock
            about = {"conn": receiver.conn, **data}
            received = self._tell(f"bt:{name}_received", receiver, "", about)
        if sent is not None and received is not None and name == "message":
            self._told[-2:] = _matched(sent, received)

    def ended(self, talk: Talk, time_ns: int, why: str) -> None:
        """Tell that a connection was closed."""
        self._now(time_ns)
        for _, end in self._ends(talk):
            self._tell("bt:connection_closed", end, "", {"conn": end.conn, "why": why})

    # --- events -----------------------------------------------------------------------------------

    def _lose(self, heard: Heard, *ends: EndOfNode | None) -> None:
        self.gaps += 1
        self.lost_bytes += heard.length
        for way, end in zip(("sent", "received"), ends, strict=True):
            if end is not None:
                about = {"conn": end.conn, "way": way, "offset": heard.offset}
                data = {"lost": 1, "why": WHY_LOST, "bytes": heard.length, **about}
                self._tell(GAP, end, "", data)

    def _ends(self, talk: Talk) -> list[tuple[int, EndOfNode]]:
        ends = self._who.ends
        keys = [(talk.number, way) for way in (0, 1)]
        return [(way, ends[number, way]) for number, way in keys if (number, way) in ends]

    def _tell(self, name: str, end: EndOfNode, cause: str, data: dict[str, Any]) -> Event:
        event = self._event(name, end.actor, end.node, cause, data)
        self._told.append(event)
        return event

    def _event(self, name: str, actor: str, node: str, cause: str, data: dict[str, Any]) -> Event:
        self._clocks[actor] += 1
        self._counts[node][name] += 1
        return Event(self._last_ns, name, actor, self._clocks[actor], cause, data)

    def _now(self, time_ns: int) -> None:
        self._last_ns = max(self._last_ns, time_ns - self._begin_ns)


def _told_of(heard: Heard, message: Said) -> tuple[str, dict[str, Any]]:
    """Return what a message's events are called, between `bt:` and the way, and their data."""
    if isinstance(message, PieceHeader | Request) and message.piece_index == UNKNOWN_PIECE:
        counted: dict[str, Any] = {"count": 1, "length": heard.length}
        if isinstance(message, Request):
            return "requests", counted
        return "blocks", {**counted, "block_bytes": message.length}
    data = summarise(wire_data(0, heard.offset, heard.length, cast("Any", message)))
    assert isinstance(data, dict)
    del data["conn"]
    return "message", data


def _matched(sent: Event, received: Event) -> tuple[Event, Event]:
    """Let both ends of a message name each other; its sending is the cause of its arrival."""
    return (
        replace(sent, data={**sent.data, "match": received.id}),
        replace(received, cause=sent.id, data={**received.data, "match": sent.id}),
    )


def _actor_of(node: str, name: str) -> str:
    return f"{node}/{name}" if node else name
