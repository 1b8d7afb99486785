"""A small part of a trace as a sequence diagram of Mermaid, for documents."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from actortorrent.errors import UsageError
from actortorrent.tracing.events import DECISION, MESSAGE, WIRE_RECEIVED, WIRE_SENT, Event
from actortorrent.tracing.header import TraceHeader
from actortorrent.tracing.wording import chosen_text

START = "sequenceDiagram\n"
MAX_CHARACTERS = 40_000  # Mermaid itself refuses more than 50,000
MAX_NAME = 80
HARMLESS = frozenset(" _-.,()[]/")


def export(
    _header: TraceHeader, events: Iterable[Event], wanted: Callable[[Event], bool]
) -> Iterator[str]:
    """Yield the diagram, a line each.

    Raises:
        UsageError: if it has more characters than Mermaid draws, or shows nothing.
    """
    aliases: dict[str, str] = {}
    lines: list[str] = []
    length = len(START)
    for event in filter(wanted, events):
        for line in _lines(event, aliases):
            lines.append(line)
            length += len(line)
        if length > MAX_CHARACTERS:
            raise UsageError(
                f"a diagram of Mermaid holds {MAX_CHARACTERS:,} characters, and this would have "
                "more: narrow it by --actor, --type, --piece or --peer"
            )
    if not lines:
        raise UsageError("none of the events that fit these filters is a message or a decision")
    yield START
    yield from lines


def _lines(event: Event, aliases: dict[str, str]) -> Iterator[str]:
    ends = _ends(event)
    for name in ends:
        if name not in aliases:
            aliases[name] = f"a{len(aliases) + 1}"
            yield f"    participant {aliases[name]} as {_harmless(name)}\n"
    names = [aliases[name] for name in ends]
    if len(names) == 2:
        yield f"    {names[0]}{_arrow(event)}{names[1]}: {_harmless(event.data.get('type'))}\n"
    elif names:
        chosen = _harmless(chosen_text(event.data))
        yield f"    Note over {names[0]}: {_harmless(event.data.get('what'))} {chosen}\n"


def _ends(event: Event) -> list[str]:
    """Return sender and receiver of a message, who decided, or nothing of what is not drawn."""
    if event.name == MESSAGE:
        return [str(event.data.get("from")), str(event.data.get("to"))]
    if event.name == DECISION:
        return [event.actor]
    match = event.data.get("match")
    other = match.rpartition("#")[0] if isinstance(match, str) else f"peer of {event.actor}"
    if event.name == WIRE_RECEIVED:
        return [other, event.actor]
    is_drawn = event.name == WIRE_SENT and not match  # else at its other end
    return [event.actor, other] if is_drawn else []


def _arrow(event: Event) -> str:
    """Return a dashed arrow for the wire, a cross for what was never read."""
    if event.name != MESSAGE:
        return "-->>"
    return "->>" if event.actor == event.data.get("to") else "-x"


def _harmless(text: object) -> str:
    """Return a text that is none of Mermaid's own signs or words."""
    kept = (c if (c.isascii() and c.isalnum()) or c in HARMLESS else " " for c in str(text))
    short = " ".join("".join(kept).split())[:MAX_NAME]
    return f"{short}." if short.lower() == "end" else short or "-"
