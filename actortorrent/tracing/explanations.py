"""What each message, decision and fact of a trace means, and what its receiver must do.

One table for all who explain: the report's cards, its quiz, and whoever else tells a
trace. A test holds it to the protocol and to the actors: what they say has an entry
here, and every handler named exists.
"""

from __future__ import annotations

from collections.abc import Mapping

from actortorrent.tracing.events import DECISION, MESSAGE, Event
from actortorrent.tracing.explained import Explanation
from actortorrent.tracing.explained_actors import ACTOR_MESSAGES, EVERY_ACTOR
from actortorrent.tracing.explained_facts import DECISIONS, FACTS
from actortorrent.tracing.explained_wire import WIRE


def explanation_key(event: Event, class_of: Mapping[str, str]) -> str:
    """Return under which key an event is explained: `wire:have`, `Storage.save`, `bt:listening`.

    Args:
        event: any.
        class_of: the classes of the actors, by their names, as far as they are known.
    """
    data = event.data
    if event.name == MESSAGE:
        receiver = data.get("to")
        receiver = receiver if isinstance(receiver, str) else ""
        return f"{class_of.get(receiver) or guessed_class(receiver)}.{data.get('type')}"
    if event.name == DECISION:
        return f"decision:{data.get('what')}"
    if event.name in ("bt:message_sent", "bt:message_received"):
        return f"wire:{data.get('type')}"
    return event.name


def guessed_class(actor: str) -> str:
    """Return the class that an actor of this name has in every session of ours."""
    name = actor.rpartition("/")[2]
    kind = name.partition("-")[0]
    return {"Peer": "PeerActor", "WebSeed": "WebSeed"}.get(kind, name)


def explain(key: str) -> Explanation | None:
    """Return the explanation under a key of `explanation_key`, if there is one."""
    group, _, name = key.partition(":")
    if group == "wire":
        return WIRE.get(name)
    if group == "decision":
        return DECISIONS.get(name)
    if key in FACTS:
        return FACTS[key]
    return ACTOR_MESSAGES.get(key) or EVERY_ACTOR.get(key.rpartition(".")[2])
