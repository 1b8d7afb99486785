"""Makers of events and trace files, and what must hold of every trace."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from actortorrent.tracing.events import MESSAGE, REPLY, Event
from actortorrent.tracing.header import TraceHeader, new_header

HEADER = new_header(
    peer_id=b"-AT0100-abcdefghijkl",
    info_hash=bytes(range(20)),
    piece_count=40,
    piece_length=1024 * 1024,
    total_length=40 * 1024 * 1024,
    seed=7,
    argv=["actortorrent", "fetch", "x.torrent"],
)
BEGIN_NS = HEADER.monotonic_ns


def event(
    name: str, actor: str, lc: int, /, *, cause: str = "", ms: float = 0, **data: Any
) -> Event:
    """Return an event that began `ms` milliseconds after its trace."""
    return Event(BEGIN_NS + int(ms * 1e6), name, actor, lc, cause, data)


def message(sender: str, receiver: str, kind: str, lc: tuple[int, ...], **more: Any) -> Event:
    """Return an `actor:message`; `lc` holds the ticks of sending, arrival and finish."""
    args = more.pop("args", {})
    outside = {key: more.pop(key) for key in ("cause", "ms") if key in more}
    is_lost = len(lc) == 1
    about = {
        "id": f"{sender}#{lc[0]}",
        "from": sender,
        "to": receiver,
        "op": "tell",
        "type": kind,
        "args": args,
        "depth": 0,
        "wait": 1000,
        "dur": 1000,
        "lc": list(lc),
        "status": "dead" if is_lost else "ok",
        **more,
    }
    actor, own = (sender, lc[0]) if is_lost else (receiver, lc[1])
    return event(MESSAGE, actor, own, **outside, **about)


def write_trace(
    path: Path, events: Iterable[Event], *, header: TraceHeader = HEADER, tail: bytes = b""
) -> Path:
    """Write a trace file, and perhaps a last line that is not whole."""
    lines = [header.to_line(), *(one.to_line() for one in events)]
    path.write_bytes(b"".join(lines) + tail)
    return path


def broken_laws(events: Iterable[Event]) -> list[str]:
    """Return a sentence for each way in which a whole trace breaks happens-before."""
    events = list(events)
    return [
        *_repeated_ticks(events),
        *_effects_before_causes(events),
        *_clocks_against_time(events),
        *_answers_before_they_were_given(events),
    ]


def _repeated_ticks(events: list[Event]) -> Iterator[str]:
    seen: set[tuple[str, int]] = set()
    for one in events:
        for tick in _ticks(one):
            if tick in seen:
                yield f"{tick} happened twice"
            seen.add(tick)


def _ticks(one: Event) -> set[tuple[str, int]]:
    """Return each tick of a clock that an event tells of, with the clock's name."""
    ticks = {(one.actor, one.lc)}
    lc = one.data.get("lc", [])
    if one.name == MESSAGE:
        ticks.add((one.data["from"], lc[0]))
        ticks.update((one.data["to"], tick) for tick in lc[1:])
    elif one.name == "actor:spawned":
        ticks |= {(one.data["by"], lc[0]), (one.actor, lc[1])}
    elif lc:
        ticks.update((one.actor, tick) for tick in lc)
    return ticks


def _effects_before_causes(events: list[Event]) -> Iterator[str]:
    by_id = {one.id: one for one in events}
    for one in events:
        ticks = one.data.get("lc", [])
        if any(later <= earlier for earlier, later in pairwise(ticks)):
            yield f"{one.id}: {ticks} does not rise"
        if not one.cause:
            continue
        cause = by_id.get(one.cause)
        if cause is None:
            yield f"{one.id}: its cause {one.cause} is nowhere"
        elif cause.time_ns > one.time_ns or cause.lc >= one.lc:
            yield f"{one.id} is earlier than its cause {one.cause}"


def _clocks_against_time(events: list[Event]) -> Iterator[str]:
    of_actor: Mapping[str, list[Event]] = defaultdict(list)
    for one in events:
        of_actor[one.actor].append(one)
    for actor, its in of_actor.items():
        its.sort(key=lambda one: one.lc)
        times = [one.time_ns for one in its]
        if times != sorted(times):
            yield f"{actor}: its clock and the time disagree"


def _answers_before_they_were_given(events: list[Event]) -> Iterator[str]:
    replies = [one for one in events if one.name == REPLY]
    given = {one.data["answers"]: one for one in replies if one.data["step"] == "given"}
    for one in replies:
        if one.data["step"] == "taken" and given[one.data["answers"]].lc >= one.lc:
            yield f"{one.id}: taken before it was given"
