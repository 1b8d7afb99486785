"""Which kind of event it is, and how it reads in a few words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from actortorrent.tracing.events import DECISION, MESSAGE, REPLY, STATE, TIMER, Event
from actortorrent.tracing.explanations import explanation_key
from actortorrent.tracing.wire_wording import wire_arrow, wire_text
from actortorrent.tracing.wording import chosen_text, pairs_text, value_text

Group: TypeAlias = tuple[str, str, str]

LOST_STATUSES = ("dead", "dropped", "undelivered")
_SIMPLE: Mapping[str, str] = {
    TIMER: "timer",
    REPLY: "reply",
    DECISION: "decision",
    STATE: "state",
    "actor:spawned": "life",
    "actor:stopped": "life",
    "actor:failed": "trouble",
    "bt:metadata_failed": "trouble",
    "bt:piece_failed": "trouble",
    "bt:disk_failed": "trouble",
    "bt:peer_snubbed": "trouble",
    "bt:announce_failed": "trouble",
    "trace:gap": "trouble",
    "trace:deadlock": "trouble",
    "trace:end": "life",
}


class Kind(NamedTuple):
    """Say what sort of thing happened, what it is called, and where it is explained."""

    category: str
    label: str
    explained: str


def kind_of(event: Event, class_of: Mapping[str, str]) -> Kind:
    """Return the kind of an event; `class_of` knows the classes of the actors."""
    return Kind(_category(event), _label(event), explanation_key(event, class_of))


def group_of(event: Event) -> Group:
    """Return what an event has in common with those that repeat it: actor, category, label."""
    return event.actor, _category(event), _label(event)


def words_of(event: Event) -> str:
    """Return what happened, without who and when, in a few words."""
    if wire_arrow(event):
        return wire_text(event)
    tell = _WORDS.get(event.name)
    return tell(event.data) if tell else _other_words(event)


def _call_words(data: Mapping[str, Any]) -> str:
    args = data.get("args")
    return f"{value_text(data.get('type'))}({pairs_text(args) if isinstance(args, dict) else ''})"


def _decision_words(data: Mapping[str, Any]) -> str:
    figures = _without(data, "what", "chosen", "pieces", "candidates", "bep")
    words = f"{value_text(data.get('what'))}: {chosen_text(data)}"
    return f"{words}  {pairs_text(figures)}" if figures else words


def _state_words(data: Mapping[str, Any]) -> str:
    key = value_text(data.get("key"))
    old, new = (value_text(data.get(side), key) for side in ("old", "new"))
    return f"{key}: {old}, now {new}"


def _reply_words(data: Mapping[str, Any]) -> str:
    if data.get("step") == "taken":
        return f"takes the answer of {value_text(data.get('from'))}"
    return f"answers {value_text(data.get('to'))}"


def _started_words(data: Mapping[str, Any]) -> str:
    return f"is started: a {value_text(data.get('class'))}, by {value_text(data.get('by'))}"


def _stopped_words(data: Mapping[str, Any]) -> str:
    return "has stopped, failed" if data.get("failed") is True else "has stopped"


def _gap_words(data: Mapping[str, Any]) -> str:
    return f"{value_text(data.get('lost'))} events are missing here"


def _end_words(data: Mapping[str, Any]) -> str:
    return f"the trace ends, in order, after {value_text(data.get('events'))} events"


def _other_words(event: Event) -> str:
    return f"{_label(event).replace('_', ' ')}  {pairs_text(event.data)}".rstrip()


_WORDS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    MESSAGE: _call_words,
    TIMER: _call_words,
    DECISION: _decision_words,
    STATE: _state_words,
    REPLY: _reply_words,
    "actor:spawned": _started_words,
    "actor:stopped": _stopped_words,
    "trace:gap": _gap_words,
    "trace:end": _end_words,
}


def _category(event: Event) -> str:
    arrow = wire_arrow(event)
    if arrow:
        return "out" if arrow == "sent" else "in"
    if event.name == MESSAGE:
        return "lost" if event.data.get("status") in LOST_STATUSES else "message"
    return _SIMPLE.get(event.name, "fact")


def _label(event: Event) -> str:
    data = event.data
    for key in ("type", "what", "key"):
        if isinstance(data.get(key), str):
            return str(data[key])
    return event.name.partition(":")[2] or event.name


def _without(data: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name not in names}
