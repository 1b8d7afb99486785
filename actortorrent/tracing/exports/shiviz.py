"""A trace for ShiViz, which draws who could have known of what: vector clocks a host.

ShiViz wants the clock of each host to count 1, 2, 3, ... So the clocks are made anew of
what is left after filtering: happens-before goes through all of the trace, and only what is
shown is counted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct, field

from actortorrent.errors import UsageError
from actortorrent.tracing.events import MESSAGE, Event
from actortorrent.tracing.header import TraceHeader
from actortorrent.tracing.ticks import Tick, ticks_of

START = r"(?<host>\S+) (?<clock>{.*})\n(?<event>.*)" + "\n\n"
MAX_EVENTS = 20_000  # each has a clock of all hosts, and ShiViz draws them all


class _Gathered(Struct):
    """Hold what comes before each moment, and what is shown of those that are."""

    after: dict[Tick, Tick | None] = field(default_factory=dict)
    shown: dict[Tick, str] = field(default_factory=dict)


def export(
    _header: TraceHeader, events: Iterable[Event], wanted: Callable[[Event], bool]
) -> Iterator[str]:
    """Yield the log: the expression that reads it, then two lines for each event.

    Raises:
        UsageError: if more events are wanted than ShiViz can draw.
    """
    gathered = _Gathered()
    for event in events:
        is_wanted = wanted(event)
        for number, moment in enumerate(ticks_of(event)):
            gathered.after[moment.tick] = moment.after
            text = _text(event, number)
            if is_wanted and text:
                gathered.shown[moment.tick] = text
        if len(gathered.shown) > MAX_EVENTS:
            raise UsageError(
                f"ShiViz draws few events, and these are more than {MAX_EVENTS:,}: "
                "narrow it by --actor, --type, --piece or --peer"
            )
    yield START
    for tick, clock in _clocks(gathered):
        text = gathered.shown[tick]
        yield f"{_host(tick.actor)} {json.dumps(clock)}\n{text}\n"


def _clocks(gathered: _Gathered) -> Iterator[tuple[Tick, dict[str, int]]]:
    """Yield each moment shown with its vector clock; a cause has a smaller `lc`."""
    now: dict[str, dict[str, int]] = {}
    needed = {tick for tick in gathered.after.values() if tick is not None}
    at: dict[Tick, dict[str, int]] = {}
    for tick in sorted(gathered.after, key=lambda tick: (tick.lc, tick.actor)):
        clock = now.get(tick.actor, {})
        after = gathered.after[tick]
        heard = at.get(after) if after is not None else None
        if heard:
            hosts = clock.keys() | heard.keys()
            clock = {host: max(clock.get(host, 0), heard.get(host, 0)) for host in sorted(hosts)}
        if tick in gathered.shown:
            host = _host(tick.actor)
            clock = {**clock, host: clock.get(host, 0) + 1}
            yield tick, clock
        now[tick.actor] = clock
        if tick in needed:
            at[tick] = clock


def _text(event: Event, number: int) -> str:
    """Return what is said of an event's moment, if that is shown."""
    kind = event.data.get("type") or event.data.get("what") or ""
    if event.name != MESSAGE:
        return _one_line(f"{event.name} {kind}") if number == 0 else ""
    if number == 0:
        return _one_line(f"send {kind} to {event.data.get('to')}")
    return _one_line(f"{kind} from {event.data.get('from')}") if number == 1 else ""


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split()) or "-"


def _host(actor: str) -> str:
    return "_".join(_one_line(actor).split())
