"""A trace as lines that a learner can read.

::

      0.0312  Peer-1         ⇐ unchoke
      0.0313  Peer-1           → PieceManager  wants_work(conn 1, byte_count 1 MiB)
      0.0314  PieceManager       ◆ pick_piece: 17  rule rarest first, peers_having_it 1
      0.0315  PieceManager       → Peer-1  lease(...)

Seconds since the trace began, to whom it happened, and what. What was brought about by
something stands further to the right than that. `⇐` came over the wire, `⇒` went out,
`→` is a message between actors, `◆` a decision, `⏱` a timer, `○` a change of state.

Here are words only; whoever prints them makes them harmless and gives them colour.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from msgspec import Struct

from actortorrent.tracing.events import (
    DEADLOCK,
    DECISION,
    END,
    FLIGHT,
    GAP,
    MESSAGE,
    REPLY,
    STATE,
    TIMER,
    Event,
)
from actortorrent.tracing.header import TraceHeader
from actortorrent.tracing.wire_wording import wire_arrow, wire_text
from actortorrent.tracing.wording import (
    chosen_text,
    duration_text,
    pairs_text,
    size_text,
    value_text,
)

ACTOR_WIDTH = 13
ID_DIGITS = 8  # behind an actor's name, and a space
MAX_INDENT = 8  # steps from the first cause
INDENT = "  "
REMEMBERED_EVENTS = 50_000  # how far back a cause may lie to be indented under
LONG_WAIT_NS = 1_000_000
LONG_WORK_NS = 5_000_000
MAX_CANDIDATES = 8
# What rates were made of: left to `why choke`, or nobody would see the rates for it.
RATES_MADE_OF = (
    "recent_downloaded_bytes",
    "recent_download_seconds",
    "recent_uploaded_bytes",
    "recent_upload_seconds",
)
LOST = {
    "dead": "never read: the actor had gone",
    "dropped": "never read: the actor stopped before",
    "undelivered": "never read: the actor hangs",
}


class Part(NamedTuple):
    """A stretch of a line, and the part it plays there: what its colour comes from."""

    role: str
    text: str


Line = tuple[Part, ...]


class Signs(Struct, frozen=True):
    """The signs in front of what happened."""

    message: str = "→"
    received: str = "⇐"
    sent: str = "⇒"
    decision: str = "◆"
    timer: str = "⏱"
    reply: str = "↩"
    state: str = "○"
    trouble: str = "✗"
    other: str = "·"


ASCII_SIGNS = Signs("->", "<=", "=>", "*", "@", "<-", "o", "x", "-")


class Teller:
    """Tell events one after another, each in one line or few; to be told all of them."""

    def __init__(
        self, header: TraceHeader, signs: Signs | None = None, *, with_ids: bool = False
    ) -> None:
        self._begin_ns = header.monotonic_ns
        longest_node = max((len(node.name) + 1 for node in header.nodes), default=0)
        self._actor_width = ACTOR_WIDTH + longest_node
        self._id_width = self._actor_width + ID_DIGITS if with_ids else 0
        self._signs = signs or Signs()
        self._depths: dict[str, int] = {}
        self._tell: Mapping[str, Callable[[Event], list[Part]]] = {
            MESSAGE: self._message,
            TIMER: self._timer,
            REPLY: self._reply,
            DECISION: self._decision,
            STATE: self._state,
            GAP: self._gap,
            DEADLOCK: self._deadlock,
            END: self._end,
            "actor:spawned": self._spawned,
            "actor:stopped": self._stopped,
            "actor:failed": self._failed,
        }

    def hear(self, event: Event) -> None:
        """Remember an event, shown or not, as a cause of others."""
        depth = 0
        if event.cause and event.name != TIMER:
            depth = min(self._depths.get(event.cause, -1) + 1, MAX_INDENT)
        if len(self._depths) >= REMEMBERED_EVENTS:
            del self._depths[next(iter(self._depths))]
        self._depths[event.id] = depth

    def lines(self, event: Event) -> list[Line]:
        """Return an event's lines; it has been heard.

        That an answer was taken has none: that it was given says enough.
        """
        if event.name == REPLY and event.data.get("step") == "taken":
            return []
        actor = event.data.get("from") if event.name == MESSAGE else None
        indent = INDENT * self._depths.get(event.id, 0)
        lead = (
            Part("time", f"{(event.time_ns - self._begin_ns) / 1e9:9.4f}  "),
            *([Part("quiet", f"{event.id:<{self._id_width}}")] if self._id_width else []),
            Part("actor", f"{_text(actor, event.actor):<{self._actor_width}} "),
        )
        below = f"{'':{9 + 2 + self._id_width + self._actor_width + 1}}{indent}    "
        candidates = [(Part("quiet", below + text),) for text in _candidates(event)]
        return [(*lead, Part("plain", indent), *self._what(event)), *candidates]

    def _what(self, event: Event) -> list[Part]:
        if wire_arrow(event):
            return self._wire(event)
        return self._tell.get(event.name, self._other)(event)

    # --- one for each kind of event ------------------------------------------------------

    def _message(self, event: Event) -> list[Part]:
        data = event.data
        status = data.get("status")
        parts = [
            Part("arrow", f"{self._signs.message} "),
            Part("actor", f"{value_text(data.get('to'))}  "),
            Part("message", _call_text(data)),
        ]
        if data.get("op") == "ask":
            parts.append(Part("quiet", "  (asks, and waits for the answer)"))
        if status != "ok":
            parts.append(Part("trouble", f"  {self._signs.trouble} {_status_text(status)}"))
        return parts if _status_text(status) in LOST.values() else [*parts, *_times(data)]

    def _timer(self, event: Event) -> list[Part]:
        text = f"{self._signs.timer} {_call_text(event.data)}"
        return [Part("timer", text), *_times(event.data)]

    def _reply(self, event: Event) -> list[Part]:
        return [Part("quiet", f"{self._signs.reply} answers {value_text(event.data.get('to'))}")]

    def _stopped(self, event: Event) -> list[Part]:
        text = "has stopped, failed" if event.data.get("failed") is True else "has stopped"
        return [Part("quiet", f"{self._signs.other} {text}")]

    def _decision(self, event: Event) -> list[Part]:
        data = event.data
        figures = _without(data, "what", "chosen", "pieces", "candidates")
        text = f"{self._signs.decision} {value_text(data.get('what'))}: {chosen_text(data)}"
        return [Part("decision", text), *_figures(figures)]

    def _state(self, event: Event) -> list[Part]:
        key = value_text(event.data.get("key"))
        old, new = (value_text(event.data.get(side), key) for side in ("old", "new"))
        return [Part("quiet", f"{self._signs.state} {key}: {old}, now {new}")]

    def _wire(self, event: Event) -> list[Part]:
        arrow = wire_arrow(event)
        sign = self._signs.received if arrow == "received" else self._signs.sent
        return [Part(arrow, f"{sign} {wire_text(event)}")]

    def _gap(self, event: Event) -> list[Part]:
        lost = value_text(event.data.get("lost"))
        if event.data.get("why") == FLIGHT:
            return [Part("quiet", f"{lost} events came before, and were not kept")]
        text = f"{lost} events are missing here: they came faster than they could be written"
        return [Part("trouble", f"{self._signs.trouble} {text}")]

    def _deadlock(self, event: Event) -> list[Part]:
        asked = event.data.get("messages")
        each = (
            [pairs_text(one) for one in asked if isinstance(one, dict)]
            if isinstance(asked, list)
            else []
        )
        text = f"{self._signs.trouble} deadlock: {'; '.join(each)}"
        return [Part("trouble", text)]

    def _end(self, event: Event) -> list[Part]:
        count, why = value_text(event.data.get("events")), event.data.get("why")
        how = f"is written out: {value_text(why)}" if why else "ends, in order"
        return [Part("quiet", f"the trace {how}, after {count} events")]

    def _spawned(self, event: Event) -> list[Part]:
        kind, by = value_text(event.data.get("class")), value_text(event.data.get("by"))
        state = event.data.get("state")
        shown = f"; {pairs_text(state)}" if isinstance(state, dict) and state else ""
        return [Part("quiet", f"{self._signs.other} is started: a {kind}, by {by}{shown}")]

    def _failed(self, event: Event) -> list[Part]:
        error = value_text(event.data.get("error"))
        return [Part("trouble", f"{self._signs.trouble} fails: {error}")]

    def _other(self, event: Event) -> list[Part]:
        name = event.name.partition(":")[2] or event.name
        text = f"{self._signs.other} {name.replace('_', ' ')}"
        return [Part("fact", text), *_figures(event.data)]


def header_lines(header: TraceHeader) -> list[Line]:
    """Return what a trace says of itself, in a few lines."""
    if header.nodes:
        return _merged_header_lines(header)
    command = value_text(" ".join(header.argv))
    return [
        (Part("quiet", f"Trace of node {header.node}, begun {header.wall_clock_time}"),),
        *_flight_lines(header),
        (Part("quiet", f"Torrent: {_torrent_text(header)}"),),
        (Part("quiet", f"Command: {command}"),),
    ]


def _merged_header_lines(header: TraceHeader) -> list[Line]:
    names = ", ".join(node.name for node in header.nodes)
    connections = f"{len(header.connections)} connections seen from both ends"
    return [
        (Part("quiet", f"Traces of {names}, merged, begun {header.wall_clock_time}"),),
        (Part("quiet", f"Torrent: {_torrent_text(header)}"),),
        (Part("quiet", f"Matched: {connections}"),),
    ]


def _torrent_text(header: TraceHeader) -> str:
    return (
        f"{size_text(header.total_length)} in {header.piece_count:,} pieces "
        f"of {size_text(header.piece_length)}, info-hash {header.info_hash}"
    )


def _text(value: object, otherwise: str) -> str:
    return value if isinstance(value, str) else otherwise


def _flight_lines(header: TraceHeader) -> list[Line]:
    """Return what is to be known of a trace that is but the end of a story."""
    if not header.flight_recorder:
        return []
    missing = header.missing_events
    text = f"the {missing:,} events before its first were not kept" if missing else "all is here"
    return [
        (Part("quiet", f"Flight recorder, written out: {value_text(header.flight_recorder)}"),),
        (Part("quiet", f"It keeps the last events of a session: {text}"),),
    ]


def _figures(data: Mapping[str, Any]) -> list[Part]:
    return [Part("quiet", f"  {pairs_text(data)}")] if data else []


def _call_text(data: Mapping[str, Any]) -> str:
    args = data.get("args")
    return f"{value_text(data.get('type'))}({pairs_text(args) if isinstance(args, dict) else ''})"


def _status_text(status: object) -> str:
    texts = {"error": "its handling failed", **LOST}
    return texts.get(status, "") if isinstance(status, str) else ""


def _times(data: Mapping[str, Any]) -> list[Part]:
    wait, work = data.get("wait"), data.get("dur")
    said = []
    if isinstance(wait, int) and wait >= LONG_WAIT_NS:
        said.append(f"waited {duration_text(wait)}")
    if isinstance(work, int) and work >= LONG_WORK_NS:
        said.append(f"took {duration_text(work)}")
    return [Part("quiet", f"  ({', '.join(said)})")] if said else []


def _candidates(event: Event) -> list[str]:
    """Return what a decision weighed against each other, one a line."""
    candidates = event.data.get("candidates") if event.name == DECISION else None
    if not isinstance(candidates, list):
        return []
    texts = [
        pairs_text(_without(one, *RATES_MADE_OF)) if isinstance(one, dict) else value_text(one)
        for one in candidates[:MAX_CANDIDATES]
    ]
    more = len(candidates) - len(texts)
    return [*texts, f"… {more} more"] if more > 0 else texts


def _without(data: Mapping[str, Any], *names: str) -> dict[str, Any]:
    kept = {name: value for name, value in data.items() if name not in names}
    if isinstance(data.get("candidates"), int):  # a number of them, not a list
        kept["candidates"] = data["candidates"]
    return kept
