"""The streams of bytes on the wire as traces account for them, and what is amiss in that."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from actortorrent.tracing.events import WIRE_RECEIVED, WIRE_SENT, Event
from actortorrent.tracing.header import TraceHeader

Key: TypeAlias = tuple[str, int, str]  # node (or nothing), connection, "sent" or "received"
PIECE_HEADER_BYTES = 13  # of a block's message: length, type, piece, offset (BEP 3)
SUMMED = {"request": "requests", "piece": "blocks"}  # what a trace of the level "piece" only counts
SUMS = {
    f"bt:{what}_{way}": (what, way)
    for what in ("requests", "blocks")
    for way in ("sent", "received")
}


@dataclass
class Stream:
    """One direction of a connection, as one end tells of it.

    Attributes:
        byte_count: bytes of all messages, one by one or summed up.
        marks: offset, length and type of each message that no trace sums up.
        between: requests, blocks and their bytes before the first mark, and behind each.
        flaws: a sentence for each message that is not where those before it end.
    """

    byte_count: int = 0
    marks: list[tuple[int, int, str]] = field(default_factory=list)
    between: list[Counter[str]] = field(default_factory=lambda: [Counter()])
    flaws: list[str] = field(default_factory=list)

    def hear(self, event: Event) -> None:
        data = event.data
        length: int = data["length"]
        if event.name in SUMS:
            what, _ = SUMS[event.name]
            self._count(what, data["count"], data.get("block_bytes", 0))
        else:
            if data["offset"] != self.byte_count:
                self.flaws.append(f"{event.id}: at {data['offset']}, not {self.byte_count}")
            if data["type"] in SUMMED:
                is_block = data["type"] == "piece"
                self._count(SUMMED[data["type"]], 1, length - PIECE_HEADER_BYTES if is_block else 0)
            else:
                self.marks.append((data["offset"], length, data["type"]))
                self.between.append(Counter())
        self.byte_count += length

    def _count(self, what: str, count: int, block_bytes: int) -> None:
        self.between[-1][what] += count
        self.between[-1]["block bytes"] += block_bytes


def streams_of(events: Iterable[Event]) -> dict[Key, Stream]:
    """Return every direction of every connection that a trace, or a merged one, tells of."""
    streams: dict[Key, Stream] = defaultdict(Stream)
    of_wire = [one for one in events if one.name in (WIRE_SENT, WIRE_RECEIVED, *SUMS)]
    for event in sorted(of_wire, key=lambda one: (one.actor, one.lc)):
        node, _, _ = event.actor.rpartition("/")
        way = "sent" if event.name.endswith("sent") else "received"
        streams[node, event.data["conn"], way].hear(event)
    return dict(streams)


def broken_streams(header: TraceHeader, events: Iterable[Event]) -> list[str]:
    """Return a sentence for each message of a merged trace that its two ends tell otherwise.

    What was sent last may have been on its way when the connection ended: all else must
    have arrived, in that order, and nothing that was not sent. Who was killed may have
    sent more than its trace had time to tell.
    """
    events = list(events)
    streams = streams_of(events)
    ended = {
        (one.actor.rpartition("/")[0], one.data["conn"])
        for one in events
        if one.name == "bt:connection_closed"
    }
    killed = {node.name for node in header.nodes if not node.has_end}
    flaws = [flaw for stream in streams.values() for flaw in stream.flaws]
    for first, conn, second, other in header.connections:
        for sender, receiver in (
            ((first, conn), (second, other)),
            ((second, other), (first, conn)),
        ):
            sent = streams.get((*sender, "sent"), Stream())
            received = streams.get((*receiver, "received"), Stream())
            way = f"{sender[0]} to {receiver[0]}, connection {sender[1]}"
            flaws += [
                f"{way}: {flaw}" for flaw in _differences(sent, received, sender[0] in killed)
            ]
            is_over = receiver in ended or receiver[0] in killed
            if sent.byte_count > received.byte_count and not is_over:
                flaws.append(f"{way}: some never arrived, and the connection did not end")
    return flaws


def _differences(sent: Stream, received: Stream, was_killed: bool) -> Iterator[str]:
    """Compare up to what both tell; `was_killed` is who sent."""
    count = len(received.marks)
    if was_killed:
        count = min(count, len(sent.marks))
    if received.marks[:count] != sent.marks[:count]:
        yield "what arrived is not what was sent"
    elif received.between[:count] != sent.between[:count]:
        yield "sums of blocks or requests differ"
    elif received.between[count] - sent.between[count] and not was_killed:
        yield "more blocks or requests arrived than were sent"
