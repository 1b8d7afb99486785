"""What of an entry may be kept for long: numbers and texts, but no buffers, sockets or actors.

This runs on the actors' threads, for each event. Most are made of numbers and short texts
and pass as they are: to see that is all that it costs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from actortorrent.tracing.shapes import annotations_of, field_names, is_frozen, made_of
from actortorrent.tracing.summaries import MAX_NUMBERS, Json, describe, summarise
from actortorrent.wire.addresses import Address

if TYPE_CHECKING:
    from actortorrent.tracing.recorder import Handling

LONG_ROW = 4 * MAX_NUMBERS  # items; a longer one is cut at once
MOST_HEAVY = 16  # items that cannot be kept as they are; to keep one costs a microsecond or two

# Types of fields, as annotated, whose values may be kept as they are. A cargo is empty once
# its message was handled; those of messages that never were are told at once.
LIGHT_ANNOTATIONS = frozenset(
    ["int", "float", "bool", "str", "int | None", "str | None", "Run", "Cargo", "Cargo | None"]
)

HANDLED = "ok"  # the status of a message whose handler came to its end

# How a kind of value is kept: told at once (None), or field by field (what gets them).
Keeping: TypeAlias = "Callable[[Any], tuple[Any, ...]] | None"

_light: set[type] = {int, bool, float, str, type(None), Address}  # grows, as kinds are seen
_keepings: dict[type, Keeping] = {}


class Told(NamedTuple):
    """Stand for a value of which only this is kept."""

    summary: Json


class Emptied:
    """Stand for a buffer of which only the length is kept."""

    __slots__ = ("_length",)

    def __init__(self, length: int) -> None:
        self._length = length

    def __len__(self) -> int:
        return self._length


@lru_cache(maxsize=256)  # most buffers are of a few lengths, and one stands for all of these
def _emptied(length: int) -> Emptied:
    return Emptied(length)


class Fields(NamedTuple):
    """Stand for a value some of whose fields were too heavy."""

    kind: type
    values: tuple[object, ...]


class Call(NamedTuple):
    """Stand for a message whose arguments were too heavy; reads as Pykka's does."""

    attr_path: tuple[str, ...]
    args: tuple[object, ...]
    kwargs: Mapping[str, object]


_light.add(Told)


@describe.register
def _(value: Told, depth: int) -> Json:  # noqa: ARG001 - so do all below
    return value.summary


@describe.register
def _(value: Emptied, depth: int) -> Json:  # noqa: ARG001
    return f"<{len(value)} bytes>"


@describe.register
def _(value: Fields, depth: int) -> Json:
    kind, values = value
    return describe(made_of(kind, values), depth)


def kept_data(data: Mapping[str, object]) -> Mapping[str, object]:
    """Return an event's data as it may be kept."""
    for value in data.values():
        if type(value) not in _light:
            return {key: kept(value) for key, value in data.items()}
    return data


def kept_handling(handling: Handling) -> Handling:
    """Return a message's handling as it may be kept."""
    message, status = handling[6], handling[7]
    args = getattr(message, "args", None)
    if args is None:  # an order to stop, or a question for an attribute
        return handling
    if status == HANDLED:
        if not message.kwargs and _are_light(args):
            return handling
        light = _all_kept(args)
    else:
        light = tuple([Told(summarise(value)) for value in args])
    named = {name: kept(value) for name, value in message.kwargs.items()}
    return (*handling[:6], Call(message.attr_path, light, named), status)


def _are_light(args: tuple[Any, ...]) -> bool:
    """Say whether all that a message carries, one by one or in rows, may be kept as it is."""
    for value in args:
        kind = type(value)
        if kind in _light:
            continue
        if kind is not tuple or len(value) > LONG_ROW:
            return False
        for item in value:
            if type(item) not in _light:
                return False
    return True


def kept(value: Any) -> Any:  # noqa: PLR0911 - one a kind, the most frequent first
    """Return a value, or what is kept in its stead; never raises."""
    kind = type(value)
    if kind in _light:
        return value
    if kind is tuple or kind is list:
        return _kept_row(value)
    if kind is bytearray or kind is bytes:
        return _emptied(len(value))
    if kind is dict:
        return kept_data(value)
    if kind not in _keepings and _learn(kind):
        return value
    get_fields = _keepings[kind]
    if get_fields is None:
        return Told(summarise(value))
    return Fields(kind, _all_kept(get_fields(value)))


def _all_kept(values: tuple[Any, ...]) -> tuple[Any, ...]:
    # Most are light: to ask here, too, saves a call for each of these.
    return tuple([value if type(value) in _light else kept(value) for value in values])


def _kept_row(row: Any) -> Any:
    if len(row) > LONG_ROW:
        return Told(summarise(row))
    for value in row:
        if type(value) not in _light:
            return _all_kept(row[:MOST_HEAVY]) + _cut(row)
    return tuple(row)


def _cut(row: Any) -> tuple[Told, ...]:
    return (Told(f"… {len(row) - MOST_HEAVY} more"),) if len(row) > MOST_HEAVY else ()


def _learn(kind: type) -> bool:
    """Find out how a kind of value is kept that comes for the first time: whether as it is."""
    names = _light_names(kind)
    if names is None:
        _light.add(kind)
        return True
    # What gets a single attribute would return no tuple.
    _keepings[kind] = attrgetter(*names) if len(names) > 1 else None
    return False


def _light_names(kind: type) -> tuple[str, ...] | None:
    """Return the fields of a frozen value, none of anything else, and None of a light one."""
    if not is_frozen(kind):
        return None if issubclass(kind, Enum) else ()
    is_light = all(one in LIGHT_ANNOTATIONS for one in annotations_of(kind).values())
    return None if is_light else field_names(kind)
