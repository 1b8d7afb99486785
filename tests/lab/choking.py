"""What tit for tat had to decide, recomputed from nothing but the bytes that a trace tells of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from actortorrent.tracing.events import DECISION, MESSAGE, Event
from actortorrent.tracing.stats import block_bytes

EDGE_NS = 150_000_000  # a read that a window's edge falls into: its blocks are told after it


@dataclass(frozen=True)
class Told:
    """What a peer's actor told last, once that was found to be what the wire says."""

    byte_count: int = 0
    seconds: float = 0.0
    is_snubbed: bool = False

    @property
    def rate(self) -> float:
        return self.byte_count / self.seconds if self.seconds else 0.0


@dataclass(frozen=True)
class Review:
    """One decision by tit for tat, and the figures it had to be made by."""

    event: Event
    told: Mapping[str, Told]

    @property
    def candidates(self) -> dict[str, Mapping[str, Any]]:
        return {one["peer"]: one for one in self.event.data["candidates"]}

    def earners(self) -> set[str]:
        """Return who the decision says earned a slot."""
        verdicts = self.candidates.items()
        return {peer for peer, one in verdicts if one["reason"] == "sends us most"}

    def givers(self) -> list[str]:
        """Return who may earn one, who sent most first."""
        wanting = [
            peer for peer, one in self.candidates.items() if one["reason"] != "not interested"
        ]
        giving = [
            peer for peer in wanting if self.told[peer].rate > 0 and not self.told[peer].is_snubbed
        ]
        return sorted(giving, key=lambda peer: -self.told[peer].rate)


def reviews_of(events: Sequence[Event], node: str = "") -> Iterator[Review]:
    """Yield every review of the slots while fetching, of one trace or a node of a merged one."""
    prefix = f"{node}/" if node else ""
    came: defaultdict[str, list[Event]] = defaultdict(list)
    for event in sorted(events, key=lambda event: event.lc):
        if event.name.endswith("_received") and block_bytes(event):
            came[event.actor].append(event)
    told: defaultdict[str, Told] = defaultdict(Told)
    own = [event for event in events if event.actor == f"{prefix}Seeder"]
    for event in sorted(own, key=lambda event: event.lc):
        if event.name == MESSAGE and event.data["type"] == "peer_rates":
            sender, _, tick = event.data["id"].rpartition("#")
            before = [one for one in came[sender] if one.lc < int(tick)]
            told[sender.removeprefix(prefix)] = _checked(event, before)
        elif event.name == DECISION and event.data.get("rule") == "tit-for-tat":
            yield Review(event, defaultdict(Told, told))


def _checked(event: Event, blocks: Sequence[Event]) -> Told:
    """Return what was told, if the blocks that had come are as many bytes, and lately so."""
    rates = event.data["args"]["rates"]
    recent = rates["recent_download"]
    total = sum(map(block_bytes, blocks))
    assert rates["downloaded_bytes_total"] == total, event.id
    seconds = recent["seconds"]
    told_ns = event.time_ns - event.data["wait"]
    edge_ns = told_ns - int(seconds * 1e9)
    surely = sum(block_bytes(one) for one in blocks if one.time_ns > edge_ns + EDGE_NS)
    perhaps = sum(block_bytes(one) for one in blocks if one.time_ns >= edge_ns - EDGE_NS)
    wasted = rates["wasted_bytes_total"]  # what nobody asked for earns nothing
    assert surely - wasted <= recent["byte_count"] <= perhaps, event.id
    return Told(recent["byte_count"], seconds, rates["is_snubbed"])
